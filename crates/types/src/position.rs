//! Places in a team's log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A place in one team's log, written `<epoch>.<seq>`.
///
/// `seq` counts 1, 2, 3 … without holes (LOG-2); 0 stands before the first event. `epoch` changes only when a
/// store is restored from a backup, so that a cursor of the lost future is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The life of the store, from 1.
    pub epoch: u32,
    /// The count of the event in its team.
    pub seq: u64,
}

/// Where a reader of a stream says that it stopped, in `Last-Event-ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// `0`: before the oldest event that is kept.
    Oldest,
    /// After this position.
    After(Position),
}

/// The text is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position: expected `<epoch>.<seq>`, such as 1.42, as `id` and `x-cstar-position` show it")]
pub struct NotAPosition;

impl Position {
    /// Room for the longest position in text, in bytes.
    pub const MAX_LEN: usize = 31;

    /// The position `seq` in `epoch`.
    #[must_use]
    pub const fn new(epoch: u32, seq: u64) -> Self {
        Self { epoch, seq }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let (epoch, seq) = text.split_once('.').ok_or(NotAPosition)?;
        let epoch = decimal(epoch)?.try_into().map_err(|_| NotAPosition)?;
        if epoch == 0 {
            return Err(NotAPosition);
        }
        Ok(Self { epoch, seq: decimal(seq)? })
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for Cursor {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        if text == "0" { Ok(Self::Oldest) } else { text.parse().map(Self::After) }
    }
}

/// Canonical decimal only: `u64::from_str` would take `+1` and `01`, and a position has one spelling.
fn decimal(text: &str) -> Result<u64, NotAPosition> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().map_err(|_| NotAPosition) } else { Err(NotAPosition) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_back_and_have_one_spelling() {
        let position = Position::new(2, 42);
        assert_eq!("2.42".parse(), Ok(position));
        assert_eq!(position.to_string(), "2.42");
        for wrong in [
            "",
            "1",
            ".",
            "1.",
            ".1",
            "01.1",
            "1.01",
            "+1.1",
            "1.-1",
            "0.1",
            "1.1.1",
            "4294967296.1",
            "1.99999999999999999999",
        ] {
            assert_eq!(wrong.parse::<Position>(), Err(NotAPosition), "{wrong}");
        }
        assert!(Position::new(u32::MAX, u64::MAX).to_string().len() <= Position::MAX_LEN);
    }

    #[test]
    fn zero_is_the_oldest() {
        assert_eq!("0".parse(), Ok(Cursor::Oldest));
        assert_eq!("1.0".parse(), Ok(Cursor::After(Position::new(1, 0))));
    }
}
