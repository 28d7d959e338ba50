//! What a client asks for, and why it may not get it.

use cstar_store::{StoreError, TypeFilter};
use cstar_types::{KeyId, TeamId, Timestamp};

use crate::{Format, HangUp, Origin};

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct Subscribe {
    /// Whose log.
    pub team: TeamId,
    /// The key that asks, or the one that made the token that asks: the stream ends when it is revoked. `None` for the
    /// platform key.
    pub key: Option<KeyId>,
    /// Tells the realtime token that asks from others; `None` of a key. It has streams of its own, so that one page cannot take
    /// those of all others.
    pub token: Option<u128>,
    /// What the key sees, less what was not asked for (R3, R22, SEC-2).
    pub filter: TypeFilter,
    /// Where to begin.
    pub origin: Origin,
    /// Whether to end at the head of this moment (`until=head`).
    pub until_head: bool,
    /// How to write.
    pub format: Format,
    /// When the token or key expires; the stream ends then.
    pub expires_at: Option<Timestamp>,
    /// Cuts the connection if nobody takes what it carries.
    pub hang_up: Option<HangUp>,
}

/// Why there is no stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// No such team.
    #[error("not found")]
    NotFound,
    /// The key was revoked meanwhile.
    #[error("the key was revoked")]
    KeyRevoked,
    /// One more would be over the limit of the key or of the team.
    #[error("at most {limit} streams may be open; close one, or share one between listeners")]
    TooManyStreams {
        /// The limit that would be passed.
        limit: usize,
    },
    /// The server closes; connect again in a moment.
    #[error("the server is shutting down; connect again in a moment")]
    ShuttingDown,
    /// The store did not answer.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for SubscribeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::ShuttingDown => Self::ShuttingDown,
            other => Self::Store(other),
        }
    }
}
