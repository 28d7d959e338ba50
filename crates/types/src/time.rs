//! Points in time. Nothing here reads a clock: `now` is always handed in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Where the present comes from: the system's clock in the server, one that is set by hand in tests.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The text is no RFC 3339 instant such as `2025-12-10T14:30:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an instant: write it as 2025-12-10T14:30:00Z")]
pub struct NotAnInstant;

/// 9999-12-30T22:00:00Z, the last instant that RFC 3339 and `jiff` both print in every zone.
const LATEST_MS: i64 = 253_402_207_200_000;

impl Timestamp {
    /// From milliseconds since the Unix epoch, cut to the range that can be printed (years 1970 to 9999).
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        if millis < 0 {
            Self(0)
        } else if millis > LATEST_MS {
            Self(LATEST_MS)
        } else {
            Self(millis)
        }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, as `webhook-timestamp` has them (T5).
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0 / 1000
    }

    /// This instant moved forward.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// This instant moved back, at most to the Unix epoch.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// Reads an RFC 3339 instant with any offset.
    ///
    /// # Errors
    /// [`NotAnInstant`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotAnInstant> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| NotAnInstant)?;
        Ok(Self::from_millis(instant.as_millisecond()))
    }

    fn print(self, precision: u8) -> String {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let mut text = String::with_capacity(24);
        let printed = DateTimePrinter::new().precision(Some(precision)).print_timestamp(&instant, &mut text);
        debug_assert!(printed.is_ok(), "writing to a string does not fail");
        text
    }

    /// UTC to the second with `Z`, as the envelope's `created_at` (W34): `2025-12-10T14:30:00Z`.
    #[must_use]
    pub fn to_seconds_string(self) -> String {
        self.print(0)
    }
}

/// UTC to the millisecond with `Z`: `2025-12-10T14:30:00.123Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.print(3))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W34
    #[test]
    fn the_envelope_shows_utc_to_the_second() {
        let at = Timestamp::parse("2025-12-10T15:30:00.999+01:00").unwrap();
        assert_eq!(at.to_seconds_string(), "2025-12-10T14:30:00Z");
        assert_eq!(at.to_string(), "2025-12-10T14:30:00.999Z");
    }

    #[test]
    fn out_of_range_is_cut_not_wrapped() {
        assert_eq!(Timestamp::from_millis(-5).as_millis(), 0);
        let last = Timestamp::from_millis(i64::MAX);
        assert_eq!(last.plus(Duration::MAX), last);
        assert_eq!(last.to_seconds_string(), "9999-12-30T22:00:00Z");
        assert!(Timestamp::parse("yesterday").is_err());
    }
}
