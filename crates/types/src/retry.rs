//! When a failed attempt is tried again.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The waits before each retry: 1, 5 and 30 minutes unless told otherwise (W50–W52, T6). An empty schedule means
/// one attempt and no retry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RetrySchedule(Vec<Duration>);

/// The most retries of a schedule: with waits of a day each, longer than events are kept.
pub const RETRIES_MAX: usize = 32;
/// The longest single wait: a week.
pub const RETRY_WAIT_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Why a text is no retry schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RetryScheduleError {
    /// A wait that is not a number with a unit.
    #[error("write waits as whole numbers with a unit (ms, s, m, h, d), separated by commas: 1m,5m,30m")]
    Malformed,
    /// Too many waits.
    #[error("a schedule holds at most {RETRIES_MAX} waits")]
    TooMany,
    /// A wait that is too long.
    #[error("a wait is at most 7d")]
    TooLong,
}

impl RetrySchedule {
    /// The schedule with these waits.
    ///
    /// # Errors
    /// When there are too many, or one is too long.
    pub fn new(waits: Vec<Duration>) -> Result<Self, RetryScheduleError> {
        if waits.len() > RETRIES_MAX {
            return Err(RetryScheduleError::TooMany);
        }
        if waits.iter().any(|wait| *wait > RETRY_WAIT_MAX) {
            return Err(RetryScheduleError::TooLong);
        }
        Ok(Self(waits))
    }

    /// The wait after the `failed`-th failed attempt of a schedule (from 1), or `None` if that was the last.
    #[must_use]
    pub fn wait_after(&self, failed: u32) -> Option<Duration> {
        let place = usize::try_from(failed).ok()?.checked_sub(1)?;
        self.0.get(place).copied()
    }

    /// The waits in order.
    #[must_use]
    pub fn waits(&self) -> &[Duration] {
        &self.0
    }
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self([1, 5, 30].map(|minutes| Duration::from_secs(minutes * 60)).to_vec())
    }
}

impl FromStr for RetrySchedule {
    type Err = RetryScheduleError;

    fn from_str(text: &str) -> Result<Self, RetryScheduleError> {
        if text.trim().is_empty() {
            return Self::new(Vec::new());
        }
        Self::new(
            text.split(',')
                .map(|one| parse_duration(one.trim()))
                .collect::<Option<_>>()
                .ok_or(RetryScheduleError::Malformed)?,
        )
    }
}

impl fmt::Display for RetrySchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits: Vec<String> = self.0.iter().map(|wait| format_duration(*wait)).collect();
        f.write_str(&waits.join(","))
    }
}

impl Serialize for RetrySchedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RetrySchedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

const UNITS_MS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads a whole number with a unit: `250ms`, `10s`, `5m`, `1h`, `30d`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (count, unit) = text.split_at(unit_at);
    let (_, millis) = UNITS_MS.iter().find(|(name, _)| *name == unit)?;
    Some(Duration::from_millis(count.parse::<u64>().ok()?.checked_mul(*millis)?))
}

/// Writes a duration as [`parse_duration`] reads it, in the largest unit that is exact; below a millisecond is cut.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let total = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let exact = UNITS_MS.iter().find(|(_, millis)| total >= *millis && total.is_multiple_of(*millis));
    let (unit, millis) = exact.unwrap_or(&("s", 1000));
    format!("{}{unit}", total / millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W50, W51, W52, W53: three waits, then none.
    #[test]
    fn the_default_waits_1_5_and_30_minutes() {
        let schedule = RetrySchedule::default();
        let waits: Vec<_> =
            (0..=4).map(|failed| schedule.wait_after(failed).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [None, Some(60), Some(300), Some(1800), None]);
        assert_eq!(schedule.to_string(), "1m,5m,30m");
    }

    #[test]
    fn schedules_come_back() {
        for text in ["1m,5m,30m", "", "250ms", "90s,7d", "0s"] {
            let schedule: RetrySchedule = text.parse().unwrap();
            assert_eq!(schedule.to_string(), text);
        }
        assert_eq!("1m, 5m".parse::<RetrySchedule>().unwrap().to_string(), "1m,5m");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in
            ["1", "m", "1x", "-1m", "1.5m", "1m,,2m", "99999999999999999999s", "18446744073709551615d"]
        {
            assert_eq!(text.parse::<RetrySchedule>(), Err(RetryScheduleError::Malformed), "{text}");
        }
        assert_eq!("8d".parse::<RetrySchedule>(), Err(RetryScheduleError::TooLong));
        assert_eq!(vec!["1s"; 33].join(",").parse::<RetrySchedule>(), Err(RetryScheduleError::TooMany));
    }
}
