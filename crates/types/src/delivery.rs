//! A delivery (event × webhook), its attempts, and how each ended.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DeliveryId, DisabledReason, EventId, EventType, TeamId, Timestamp, WebhookId};

/// Where a delivery stands. The last three are ends, each with a recorded cause (DLV-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// The first attempt (of this schedule) is still to come.
    Pending,
    /// An attempt failed; another is due.
    Retrying,
    /// An endpoint answered 2xx (W47).
    Delivered,
    /// The last retry failed (W53).
    Failed,
    /// Its webhook was deleted or disabled, or its event's data erased, before it ended otherwise; the [`CancelReason`] says
    /// which.
    Cancelled,
}

impl DeliveryStatus {
    /// Every status, in the order of a delivery's life.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Retrying, Self::Delivered, Self::Failed, Self::Cancelled];

    /// As the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Retrying => "retrying",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether no attempt will follow unless somebody resends.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for DeliveryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no delivery status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a status: one of pending, retrying, delivered, failed, cancelled")]
pub struct NotAStatus;

impl FromStr for DeliveryStatus {
    type Err = NotAStatus;

    fn from_str(text: &str) -> Result<Self, NotAStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(NotAStatus)
    }
}

/// Why a delivery was cancelled (DLV-2): what became of its webhook, or of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Somebody disabled it.
    WebhookDisabled,
    /// Its endpoint answered 410, and it has `disable_on_gone`.
    EndpointGone,
    /// Somebody deleted it.
    WebhookDeleted,
    /// It was disabled because it had only failed for long.
    EndpointFailing,
    /// The event's data was erased.
    EventErased,
}

impl CancelReason {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::WebhookDisabled,
        Self::EndpointGone,
        Self::WebhookDeleted,
        Self::EndpointFailing,
        Self::EventErased,
    ];
}

impl From<DisabledReason> for CancelReason {
    fn from(reason: DisabledReason) -> Self {
        match reason {
            DisabledReason::ByRequest => Self::WebhookDisabled,
            DisabledReason::Gone => Self::EndpointGone,
            DisabledReason::Failing => Self::EndpointFailing,
        }
    }
}

/// What came of one attempt. Everything but [`Outcome::Success`] is a failure and is retried (W48).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A 2xx answer within the deadline (W47).
    Success,
    /// Any other status, redirects included (T7).
    HttpStatus,
    /// No response head within the deadline (W49).
    Timeout,
    /// The name did not resolve.
    Dns,
    /// No connection.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The connection broke before the answer.
    Reset,
    /// The answer was no HTTP.
    BadResponse,
    /// The target rule refused the address (SEC-1).
    BlockedTarget,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::HttpStatus,
        Self::Timeout,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Reset,
        Self::BadResponse,
        Self::BlockedTarget,
    ];

    /// As the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::HttpStatus => "http_status",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Reset => "reset",
            Self::BadResponse => "bad_response",
            Self::BlockedTarget => "blocked_target",
        }
    }
}

/// One POST and what came of it: a row of the webhook logs (W54).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// From 1, going on over resends (T8).
    pub number: u32,
    /// When resolving began; also `webhook-timestamp`, in whole seconds.
    pub started_at: Timestamp,
    /// Until the body was read or the attempt given up, in milliseconds.
    pub duration_ms: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The status of the answer, if there was one.
    pub status_code: Option<u16>,
    /// One sentence for people: "your endpoint answered 503".
    pub detail: String,
    /// The answer's headers in order, shortened to what is kept.
    pub response_headers: Vec<(String, String)>,
    /// The beginning of the answer's body, as text.
    pub response_body: String,
    /// What was asked of whom.
    pub request: AttemptRequest,
}

impl Attempt {
    /// The same without what the endpoint answered beside its status: an answer may repeat what it was sent.
    #[must_use]
    pub fn without_answer(self) -> Self {
        Self { response_headers: Vec::new(), response_body: String::new(), ..self }
    }
}

/// What an attempt sent, without what is secret or stored elsewhere (the body is the event's).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttemptRequest {
    /// The URL at that time.
    pub url: String,
    /// The vetted address that was dialled, `ip:port`; `None` if it never came to that.
    pub address: Option<String>,
    /// The value of `x-cstar-signature`; `None` if nothing was sent.
    pub signature: Option<String>,
}

/// An event on its way to one webhook. At least once: the same `id` on every attempt (DLV-3, T8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Which delivery; `x-cstar-delivery`.
    pub id: DeliveryId,
    /// Whose delivery.
    pub team: TeamId,
    /// To where.
    pub webhook: WebhookId,
    /// What.
    pub event: EventId,
    /// The event's type.
    pub event_type: EventType,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Why it was cancelled; set exactly when it was (DLV-2).
    pub cancel_reason: Option<CancelReason>,
    /// How many attempts are on record.
    pub attempts: u32,
    /// When the delivery was committed.
    pub created_at: Timestamp,
    /// When the next attempt is due; set exactly while the delivery has not ended.
    pub next_attempt_at: Option<Timestamp>,
    /// The last attempt in short.
    pub last_attempt: Option<AttemptSummary>,
}

/// The last attempt, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptSummary {
    /// Its number.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The status of the answer.
    pub status_code: Option<u16>,
    /// One sentence for people.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DLV-2: three ends, and every status has one spelling.
    #[test]
    fn statuses_come_back() {
        for status in DeliveryStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        let ends = DeliveryStatus::ALL.into_iter().filter(|status| status.has_ended()).count();
        assert_eq!(ends, 3);
        assert!("Pending".parse::<DeliveryStatus>().is_err());
    }

    #[test]
    fn outcomes_are_written_as_the_api_names_them() {
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
    }
}
