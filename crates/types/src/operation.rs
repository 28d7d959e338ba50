//! An operation: long work that was asked for in one call and goes on in slices.

use serde::{Deserialize, Serialize};

use crate::{DeliveryStatus, EventId, OperationId, Patterns, TeamId, Timestamp, WebhookId};

/// Where an operation stands. All but the first are ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OperationStatus {
    /// More is to be done.
    Running,
    /// All of it was done.
    Done,
    /// Somebody cancelled it; what was done before stays done.
    Cancelled,
    /// It could not go on; what was done before stays done.
    Failed,
}

impl OperationStatus {
    /// As the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// Why an operation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OperationFailure {
    /// The webhook that it was for is disabled.
    WebhookDisabled,
    /// The webhook that it was for was deleted.
    WebhookDeleted,
    /// Stored bytes that it needed are damaged (LOG-3); the server's log says which.
    Damaged,
}

/// Which deliveries a resend of many is about: those that meet everything that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResendFilter {
    /// Of this webhook.
    pub webhook: Option<WebhookId>,
    /// Of this event.
    pub event: Option<EventId>,
    /// That ended so.
    pub status: Option<DeliveryStatus>,
    /// Of events of these types.
    pub types: Option<Patterns>,
    /// Made at this time or later.
    pub since: Option<Timestamp>,
    /// Made before this time.
    pub until: Option<Timestamp>,
}

/// What an operation does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationWork {
    /// Resends deliveries that have ended.
    Resend(ResendFilter),
    /// Makes pending again, for one webhook, what failed, was cancelled or was missed.
    Recover {
        /// Which webhook.
        webhook: WebhookId,
        /// Of events committed at this time or later.
        since: Timestamp,
        /// Of events committed before this time.
        until: Option<Timestamp>,
    },
}

/// An operation. SEC-2: it touches nothing that its maker's key did not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Which operation.
    pub id: OperationId,
    /// Whose.
    pub team: TeamId,
    /// What it does.
    pub work: OperationWork,
    /// The types that its maker's key sees.
    pub visible: Patterns,
    /// Where it stands.
    pub status: OperationStatus,
    /// Set exactly while it is `failed`.
    pub failure: Option<OperationFailure>,
    /// Deliveries that wait because of it.
    pub done: u64,
    /// Deliveries that it would have made wait, but could not.
    pub skipped: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last went on.
    pub updated_at: Timestamp,
    /// When it ended; set exactly while it does not run.
    pub ended_at: Option<Timestamp>,
}

impl Operation {
    /// It has come to an end.
    pub fn end(&mut self, status: OperationStatus, now: Timestamp) {
        self.status = status;
        self.updated_at = now;
        self.ended_at = Some(now);
    }
}
