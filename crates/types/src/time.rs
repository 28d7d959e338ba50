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
        if !is_rfc_3339(text) {
            return Err(NotAnInstant);
        }
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

/// Whether a text has the shape of RFC 3339. `jiff` also takes dates without hyphens, times without seconds, offsets
/// with seconds and names of zones, which other readers of what was sent here would not.
fn is_rfc_3339(text: &str) -> bool {
    let Some((whole, rest)) = text.as_bytes().split_first_chunk::<19>() else { return false };
    let offset = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            &fraction[digits..]
        }
        None => rest,
    };
    has_shape(whole, b"0000-00-00T00:00:00") && is_offset(offset)
}

fn is_offset(text: &[u8]) -> bool {
    match text {
        b"Z" | b"z" => true,
        [b'+' | b'-', offset @ ..] => has_shape(offset, b"00:00") && offset < b"24:00".as_slice(),
        _ => false,
    }
}

/// `0` stands for any digit.
fn has_shape(text: &[u8], shape: &[u8]) -> bool {
    let fits = |(byte, like): (&u8, &u8)| match like {
        b'0' => byte.is_ascii_digit(),
        _ => byte.eq_ignore_ascii_case(like),
    };
    text.len() == shape.len() && text.iter().zip(shape).all(fits)
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

    /// What is taken here is taken by every other reader of RFC 3339 as well.
    #[test]
    fn instants_are_rfc_3339_and_nothing_else() {
        for text in [
            "2025-12-10T14:30:00Z",
            "2025-12-10t14:30:00z",
            "2025-12-10T14:30:00.000000000Z",
            "2025-12-10T15:30:00.0+01:00",
            "2025-12-10T00:30:00-14:00",
        ] {
            assert_eq!(Timestamp::parse(text).map(Timestamp::as_secs), Ok(1_765_377_000), "{text}");
        }
        for text in [
            "2025-12-10T14:30:00Z[Europe/Berlin]",
            "2025-12-10T15:30:00+01:00[Europe/Berlin]",
            "20251210T143000Z",
            "2025-12-10T14:30Z",
            "2025-12-10 14:30:00Z",
            "2025-12-10T14:30:00",
            "2025-12-10T14:30:00,5Z",
            "2025-12-10T14:30:00.Z",
            "2025-12-10T14:30:00+01",
            "2025-12-10T14:30:00+0100",
            "2025-12-10T14:30:00+01:00:00",
            "2025-12-10T14:30:00+24:00",
            "+002025-12-10T14:30:00Z",
            "2025-13-10T14:30:00Z",
            "2025-12-10T14:30:00Z ",
            "2025-12-10",
            "",
        ] {
            assert_eq!(Timestamp::parse(text), Err(NotAnInstant), "{text}");
        }
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
