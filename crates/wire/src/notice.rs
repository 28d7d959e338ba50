//! Notices: what the server tells its operator by itself.

use cstar_types::{DisabledReason, EventType, Patterns, Timestamp, Webhook, WebhookId, WebhookStatus};
use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::NO_CONTROLS;
use crate::ShownOnce;

/// A URL of the operator's that hears notices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NoticeWebhook {
    /// Which one.
    pub id: WebhookId,
    /// Where notices go, as a WHATWG parser writes it.
    pub url: String,
    /// Which notices it gets.
    pub types: Patterns,
    /// For people.
    pub description: String,
    /// Whether notices are sent there.
    pub status: WebhookStatus,
    /// Set exactly while it is disabled: then delete it, and register it again.
    pub disabled_reason: Option<DisabledReason>,
    /// When its first attempt failed of those since its last success; `None` while all is well.
    pub failing_since: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<Webhook> for NoticeWebhook {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id,
            url: webhook.url,
            types: webhook.events,
            description: webhook.description,
            status: webhook.status,
            disabled_reason: webhook.disabled_reason,
            failing_since: webhook.failing_since,
            created_at: webhook.created_at,
        }
    }
}

/// `POST /v1/notices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreateNoticeWebhook {
    /// Where notices go.
    #[cfg_attr(feature = "schema", schemars(url, length(max = 2048)))]
    pub url: String,
    /// Which notices it gets; all unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Patterns>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 500), regex(pattern = NO_CONTROLS)))]
    pub description: Option<String>,
}

/// The 201 of `POST /v1/notices`, the one answer that shows the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedNoticeWebhook {
    /// What can be seen of it later, too.
    #[serde(flatten)]
    pub seen: NoticeWebhook,
    /// What its requests are signed with.
    pub secret: ShownOnce,
}

/// `POST /v1/notices/{notice}/test`, answered with the [`Attempt`](crate::Attempt).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TestNoticeWebhook {
    /// Of which type the example is sent: the first that it gets, unless said.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub notice_type: Option<EventType>,
}
