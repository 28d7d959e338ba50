//! Open streams.

use cstar_types::{KeyId, Patterns, Position, StreamId, Timestamp};
use serde::{Deserialize, Serialize};

/// An open stream: a row of `GET …/realtime/streams`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stream {
    /// Which stream.
    pub id: StreamId,
    /// The key that opened it, or that made the token that did; `None` of the platform key.
    pub key_id: Option<KeyId>,
    /// What was asked for; `None` is everything that the key sees.
    pub types: Option<Patterns>,
    /// The last position that it has passed: sent, or left out by the filter.
    pub position: Position,
    /// How many events it has still to pass.
    pub lag: u64,
    /// Since when.
    pub opened_at: Timestamp,
}
