//! Realtime tokens (T17).

use cstar_types::{Patterns, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ShownOnce;

/// `POST …/realtime/tokens`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreateToken {
    /// Which types it sees; not more than its maker (SEC-2), and what that one sees unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Patterns>,
    /// How long it opens the stream, in seconds: 1 to 3,600, and 600 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 3600)))]
    pub ttl_seconds: Option<u64>,
}

/// Its 201.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedToken {
    /// The token itself: `cst_…`, for a browser.
    pub token: ShownOnce,
    /// From when on it opens nothing; a stream that it opened ends then.
    pub expires_at: Timestamp,
}
