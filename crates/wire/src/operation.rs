//! Operations: long work that goes on after its answer.

use cstar_types::{
    DeliveryStatus, EventId, OperationFailure, OperationId, OperationStatus, OperationWork, Patterns,
    ResendFilter, Timestamp, WebhookId,
};
use serde::{Deserialize, Serialize};

/// Long work that was asked for in one call and goes on in slices, also over a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Operation {
    /// Which operation.
    pub id: OperationId,
    /// What it does.
    pub kind: OperationKind,
    /// What it is about, as it was asked for.
    pub filter: OperationFilter,
    /// Where it stands.
    pub status: OperationStatus,
    /// Why it failed; set exactly when it did.
    pub failure: Option<OperationFailure>,
    /// Deliveries that wait because of it, so far.
    pub done: u64,
    /// Deliveries that it is about but that could not be made to wait, so far.
    pub skipped: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last went on.
    pub updated_at: Timestamp,
    /// When it ended; set exactly while it does not run.
    pub ended_at: Option<Timestamp>,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Resends deliveries that have ended.
    Resend,
    /// Makes pending again, for one webhook, what failed, was cancelled or was missed.
    Recover,
}

impl OperationKind {
    /// As the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::Recover => "recover",
        }
    }
}

/// What an operation is about; what is `None` cuts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OperationFilter {
    /// This webhook.
    pub webhook: Option<WebhookId>,
    /// Deliveries that ended so.
    pub status: Option<DeliveryStatus>,
    /// Events of these types.
    pub types: Option<Patterns>,
    /// This event.
    pub event: Option<EventId>,
    /// Not before this instant: of deliveries when they were made, of a recovery's events when they were stored.
    pub since: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
}

impl From<cstar_types::Operation> for Operation {
    fn from(operation: cstar_types::Operation) -> Self {
        let (kind, filter) = match operation.work {
            OperationWork::Resend(filter) => (OperationKind::Resend, filter.into()),
            OperationWork::Recover { webhook, since, until } => {
                let range = OperationFilter { since: Some(since), until, ..OperationFilter::default() };
                (OperationKind::Recover, OperationFilter { webhook: Some(webhook), ..range })
            }
        };
        Self {
            id: operation.id,
            kind,
            filter,
            status: operation.status,
            failure: operation.failure,
            done: operation.done,
            skipped: operation.skipped,
            created_at: operation.created_at,
            updated_at: operation.updated_at,
            ended_at: operation.ended_at,
        }
    }
}

impl From<ResendFilter> for OperationFilter {
    fn from(ResendFilter { webhook, event, status, types, since, until }: ResendFilter) -> Self {
        Self { webhook, status, types, event, since, until }
    }
}

/// `POST …/deliveries/resend`: all that meet everything that is set, which must be something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResendDeliveries {
    /// Only to this webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookId>,
    /// Only those that ended so: `delivered`, `failed` or `cancelled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<DeliveryStatus>,
    /// Only of events of these types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Patterns>,
    /// Only of this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// Only those made at this instant or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only those made before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Whether to count and resend nothing; that is answered 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

/// What a dry run answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResendCount {
    /// As many deliveries would be resent, of those that were looked at.
    pub deliveries: u64,
    /// Whether all were looked at; a count looks at a bounded number of rows.
    pub complete: bool,
}

/// `POST …/webhooks/{webhook}/recover`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoverWebhook {
    /// Of events stored at this instant or later.
    pub since: Timestamp,
    /// Of events stored before this instant; all until now unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}
