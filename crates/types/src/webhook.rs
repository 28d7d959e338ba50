//! A webhook: where a team wants its events posted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Event, Filter, Patterns, RetrySchedule, TeamId, Timestamp, WebhookId};

/// Whether a webhook takes part in publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WebhookStatus {
    /// Each event that matches makes a delivery.
    Enabled,
    /// No deliveries are made.
    Disabled,
}

/// Why a webhook is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// Somebody with a key said so.
    ByRequest,
    /// The endpoint answered 410 and the webhook has `disable_on_gone`.
    Gone,
    /// Every attempt had failed for days: see [`crate::FailureRule`].
    Failing,
}

/// A registered endpoint. Its secrets are kept apart and never appear here (SEC-3); the values of its headers do not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Which webhook.
    pub id: WebhookId,
    /// Whose webhook.
    pub team: TeamId,
    /// Where requests go, as the WHATWG parser normalised it.
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
    /// When its first attempt failed of those since its last success; `None` if the last one succeeded, or none was made since
    /// it was enabled or pointed elsewhere.
    pub failing_since: Option<Timestamp>,
    /// Whether its deliveries go one at a time, in the log's order.
    pub ordered: bool,
    /// At most so many attempts a second, retries among them; `None` is as many as it answers well.
    pub rate_limit: Option<u32>,
    /// Its own retry schedule, or `None` for the server's.
    pub retry_schedule: Option<RetrySchedule>,
    /// Headers that every request carries, in order. Values may be credentials of the receiver: see [`HeaderNames`].
    pub headers: Vec<(String, String)>,
    /// Whether an answer of 410 disables it.
    pub disable_on_gone: bool,
    /// When the overlap of the last rotation ends, or ended (T3); `None` if there was none. See [`Webhook::overlap_at`].
    pub secret_overlap_until: Option<Timestamp>,
    /// Counts changes from 1; the `ETag`.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Prints the names of headers without their values, which may be credentials (SEC-3).
#[derive(Clone, Copy)]
pub struct HeaderNames<'a>(pub &'a [(String, String)]);

impl fmt::Debug for HeaderNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id)
            .field("team", &self.team)
            .field("url", &self.url)
            .field("events", &self.events)
            .field("filter", &self.filter)
            .field("description", &self.description)
            .field("status", &self.status)
            .field("disabled_reason", &self.disabled_reason)
            .field("failing_since", &self.failing_since)
            .field("ordered", &self.ordered)
            .field("rate_limit", &self.rate_limit)
            .field("retry_schedule", &self.retry_schedule)
            .field("headers", &HeaderNames(&self.headers))
            .field("disable_on_gone", &self.disable_on_gone)
            .field("secret_overlap_until", &self.secret_overlap_until)
            .field("version", &self.version)
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .finish()
    }
}

impl Webhook {
    /// Whether this event, committed now, makes a delivery (DLV-1).
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        self.status == WebhookStatus::Enabled
            && self.events.matches(&event.event_type)
            && self.filter.as_ref().is_none_or(|filter| filter.matches(&event.data_tree()))
    }

    /// When the overlap that is open at `now` ends: until then the secret before the last rotation signs too (T3).
    #[must_use]
    pub fn overlap_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.secret_overlap_until.filter(|until| now < *until)
    }
}
