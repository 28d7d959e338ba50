//! Webhooks.

use std::collections::BTreeMap;

use cstar_types::{
    DisabledReason, EventType, Filter, Patterns, RetrySchedule, Timestamp, WebhookId, WebhookStatus,
};
use serde::{Deserialize, Deserializer, Serialize};

#[cfg(feature = "schema")]
use crate::NO_CONTROLS;
use crate::ShownOnce;

/// A registered endpoint (W2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Webhook {
    /// Which webhook.
    pub id: WebhookId,
    /// Where requests go, as a WHATWG parser writes it.
    pub url: String,
    /// Which events it gets (W4, W5).
    pub events: Patterns,
    /// Which of those, by their data; `None` is all.
    pub filter: Option<Filter>,
    /// For people.
    pub description: String,
    /// Whether deliveries are made.
    pub status: WebhookStatus,
    /// Set exactly while it is disabled.
    pub disabled_reason: Option<DisabledReason>,
    /// When its first attempt failed of those since its last success; `None` while all is well, and once it is enabled again.
    /// To recover what it missed, begin earlier: an event is older than its first attempt.
    pub failing_since: Option<Timestamp>,
    /// Whether its deliveries go one at a time, in the log's order.
    pub ordered: bool,
    /// At most so many attempts a second, retries among them; `None` is as many as it answers well.
    pub rate_limit: Option<u32>,
    /// Its own waits between attempts, such as `1m,5m,30m`; `None` is the server's.
    pub retry_schedule: Option<RetrySchedule>,
    /// The names of the headers that every request carries. Their values may be credentials: they are written and
    /// never read back (SEC-3).
    pub header_names: Vec<String>,
    /// Whether an answer of 410 disables it.
    pub disable_on_gone: bool,
    /// Until when the secret before the last rotation signs too (T3); `None` once that is over.
    pub secret_overlap_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Webhook {
    /// What is shown of a webhook at `now`.
    #[must_use]
    pub fn seen_at(now: Timestamp, webhook: cstar_types::Webhook) -> Self {
        Self {
            secret_overlap_until: webhook.overlap_at(now),
            id: webhook.id,
            url: webhook.url,
            events: webhook.events,
            filter: webhook.filter,
            description: webhook.description,
            status: webhook.status,
            disabled_reason: webhook.disabled_reason,
            failing_since: webhook.failing_since,
            ordered: webhook.ordered,
            rate_limit: webhook.rate_limit,
            retry_schedule: webhook.retry_schedule,
            header_names: webhook.headers.into_iter().map(|(name, _)| name).collect(),
            disable_on_gone: webhook.disable_on_gone,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

/// `POST …/webhooks`.
// It cannot print itself: it may carry a secret and credentials (SEC-3).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreateWebhook {
    /// Where requests go.
    #[cfg_attr(feature = "schema", schemars(url, length(max = 2048)))]
    pub url: String,
    /// Which events it gets.
    pub events: Patterns,
    /// Which of those, by their data; all unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 500), regex(pattern = NO_CONTROLS)))]
    pub description: Option<String>,
    /// Whether it begins enabled, as it does unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// A secret from elsewhere, `whsec_…`; one is made unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<ShownOnce>,
    /// Whether its deliveries go one at a time, in the log's order, one that is retried before those behind it; they do not
    /// unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<bool>,
    /// At most so many attempts a second, retries among them; no limit unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1000)))]
    pub rate_limit: Option<u32>,
    /// Its own waits between attempts; the server's unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_schedule: Option<RetrySchedule>,
    /// Headers that every request carries, value by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// Whether an answer of 410 disables it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_on_gone: Option<bool>,
}

impl CreateWebhook {
    /// A webhook for `events` at `url`, everything else as it is unless said.
    #[must_use]
    pub fn new(url: impl Into<String>, events: Patterns) -> Self {
        Self {
            url: url.into(),
            events,
            filter: None,
            description: None,
            enabled: None,
            secret: None,
            ordered: None,
            rate_limit: None,
            retry_schedule: None,
            headers: None,
            disable_on_gone: None,
        }
    }
}

/// The 201 of `POST …/webhooks`, the one answer that shows the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedWebhook {
    /// What can be seen of it later, too.
    #[serde(flatten)]
    pub seen: Webhook,
    /// What its requests are signed with.
    pub secret: ShownOnce,
}

/// `PATCH …/webhooks/{webhook}`: what is `None` stays as it is.
// It cannot print itself: it may carry credentials.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdateWebhook {
    /// A new URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(url, length(max = 2048)))]
    pub url: Option<String>,
    /// New patterns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Patterns>,
    /// A new filter; `Some(None)`, written `null`, takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub filter: Option<Option<Filter>>,
    /// A new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 500), regex(pattern = NO_CONTROLS)))]
    pub description: Option<String>,
    /// Enables it, or disables it, which cancels what waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether its deliveries go one at a time, in the log's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<bool>,
    /// At most so many attempts a second; `Some(None)`, written `null`, takes the limit away.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1000)))]
    pub rate_limit: Option<Option<u32>>,
    /// Its own waits between attempts; `Some(None)`, written `null`, goes back to the server's.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub retry_schedule: Option<Option<RetrySchedule>>,
    /// Headers that every request carries; they replace the ones before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// Whether an answer of 410 disables it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_on_gone: Option<bool>,
}

/// `POST …/webhooks/{webhook}/secret`.
// It cannot print itself: it may carry a secret (SEC-3).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RotateSecret {
    /// How long the secret before stays valid beside the new one, in seconds: a day unless given, at most a week, and 0 ends
    /// it at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(max = 604800)))]
    pub overlap_seconds: Option<u64>,
    /// A secret from elsewhere, `whsec_…`; one is made unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<ShownOnce>,
}

/// `POST …/webhooks/{webhook}/test`, answered with the [`Attempt`](crate::Attempt).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TestWebhook {
    /// Of which type the example is sent: the first of the catalog that the webhook wants, unless said.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
}

/// The 200 of `POST …/webhooks/{webhook}/secret`, the one answer that shows the new secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RotatedSecret {
    /// Whose secret.
    pub id: WebhookId,
    /// What its requests are signed with from now on.
    pub secret: ShownOnce,
    /// Until when `x-cstar-signature` is made with the secret before, and `webhook-signature` with both (T3); `None` if
    /// that one ended at once.
    pub secret_overlap_until: Option<Timestamp>,
}

/// Tells `null` from a field that is not there.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_told_from_absence() {
        let absent: UpdateWebhook = serde_json::from_str("{}").unwrap();
        assert_eq!(absent.retry_schedule, None);
        assert_eq!(serde_json::to_string(&absent).unwrap(), "{}");

        let null: UpdateWebhook = serde_json::from_str(r#"{"retry_schedule":null}"#).unwrap();
        assert_eq!(null.retry_schedule, Some(None));
        assert_eq!(serde_json::to_string(&null).unwrap(), r#"{"retry_schedule":null}"#);
    }

    /// SEC-3: what is answered after the creation holds names of headers alone.
    #[test]
    fn header_values_are_not_read_back() {
        let at = Timestamp::from_millis(0);
        let webhook = cstar_types::Webhook {
            id: WebhookId::from_bits(1),
            team: "550e8400-e29b-41d4-a716-446655440000".parse().unwrap(),
            url: "https://example.com/".into(),
            events: Patterns::all(),
            filter: None,
            description: String::new(),
            status: WebhookStatus::Enabled,
            disabled_reason: None,
            failing_since: None,
            ordered: false,
            rate_limit: None,
            retry_schedule: None,
            headers: vec![("x-api-key".into(), "hunter2".into())],
            disable_on_gone: false,
            secret_overlap_until: None,
            version: 1,
            created_at: at,
            updated_at: at,
        };
        let answer = serde_json::to_string(&Webhook::seen_at(at, webhook)).unwrap();
        assert!(answer.contains("x-api-key") && !answer.contains("hunter2"), "{answer}");
    }
}
