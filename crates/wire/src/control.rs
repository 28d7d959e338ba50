//! What a stream says of itself: the data of its control blocks.

use std::borrow::Cow;
use std::fmt;

use cstar_types::Position;
use serde::{Deserialize, Serialize};

/// `cstar.ready`: the stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamReady {
    /// Whether it goes on exactly where the reader stopped.
    pub resumed: bool,
    /// The last position of the log at this moment: up to here, events are replayed.
    pub head: Position,
    /// The oldest position that is kept.
    pub oldest: Position,
    /// How often the server says that it lives, in milliseconds.
    pub heartbeat_ms: u64,
}

/// `cstar.gap`: a part of the log that this stream did not give and never will, told and never skipped in silence (RT-2). The
/// key's patterns decide whether anything was in it for this reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The last position before it; `None` where the reader's place could not be read.
    pub from: Option<Position>,
    /// The last position within it: the stream goes on behind this one.
    pub to: Position,
    /// Why.
    pub reason: GapReason,
}

/// Why a part of the log was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// It is no longer kept. The stream goes on with the oldest that is.
    Expired,
    /// The server was restored from a backup, and what was published between the backup and the restore is not in its log.
    /// The stream goes on with what comes.
    Restored,
    /// The reader's place is not of this log, or ahead of it. The stream goes on with what comes: whatever else it gave, it
    /// could not say how much of it the reader has seen.
    #[serde(other)]
    Unknown,
}

/// `cstar.reconnect`: the server is about to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamReconnect {
    /// How long to stay away, in milliseconds.
    pub after_ms: u64,
}

/// `cstar.unauthorized`: the key or token opens nothing any more, or its team was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamUnauthorized {
    /// The name of a [`crate::Code`], which a newer server may have more of.
    #[serde(default)]
    pub code: Cow<'static, str>,
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "expired",
            Self::Restored => "restored",
            Self::Unknown => "unknown",
        })
    }
}
