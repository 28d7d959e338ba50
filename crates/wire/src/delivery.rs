//! The webhook logs (W54).

use cstar_types::{
    CancelReason, DeliveryId, DeliveryStatus, EventId, EventType, Outcome, Timestamp, WebhookId,
};
use serde::{Deserialize, Serialize};

/// An event on its way to one webhook; `A` is what is told of its attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "DeliveryOf{A}"))]
pub struct Delivery<A> {
    /// Which delivery; `x-cstar-delivery` on every attempt (T8).
    pub id: DeliveryId,
    /// To where.
    pub webhook_id: WebhookId,
    /// What.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: EventType,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Why it was cancelled; set exactly when it was.
    pub cancel_reason: Option<CancelReason>,
    /// The attempts on record: how many in a list, each of them in the answer for one delivery.
    pub attempts: A,
    /// When the delivery was made.
    pub created_at: Timestamp,
    /// When the next attempt is due; set exactly while the delivery has not ended.
    pub next_attempt_at: Option<Timestamp>,
    /// The last attempt in short.
    pub last_attempt: Option<AttemptSummary>,
}

/// A row of `GET …/deliveries`: how many attempts.
pub type DeliveryRow = Delivery<u32>;

/// `GET …/deliveries/{delivery}`: every attempt, in order.
pub type DeliveryDetail = Delivery<Vec<Attempt>>;

impl From<cstar_types::Delivery> for DeliveryRow {
    fn from(delivery: cstar_types::Delivery) -> Self {
        let count = delivery.attempts;
        with_attempts(delivery, count)
    }
}

impl From<(cstar_types::Delivery, Vec<cstar_types::Attempt>)> for DeliveryDetail {
    fn from((delivery, attempts): (cstar_types::Delivery, Vec<cstar_types::Attempt>)) -> Self {
        with_attempts(delivery, attempts.into_iter().map(Attempt::from).collect())
    }
}

fn with_attempts<A>(delivery: cstar_types::Delivery, attempts: A) -> Delivery<A> {
    Delivery {
        id: delivery.id,
        webhook_id: delivery.webhook,
        event_id: delivery.event,
        event_type: delivery.event_type,
        status: delivery.status,
        cancel_reason: delivery.cancel_reason,
        attempts,
        created_at: delivery.created_at,
        next_attempt_at: delivery.next_attempt_at,
        last_attempt: delivery.last_attempt.map(AttemptSummary::from),
    }
}

/// `POST …/events/{event}/resend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResendEvent {
    /// To where.
    pub webhook: WebhookId,
}

/// The last attempt, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttemptSummary {
    /// Its number.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The status of the answer, if there was one.
    pub status_code: Option<u16>,
    /// One sentence for people: "your endpoint answered 503".
    pub detail: String,
}

impl From<cstar_types::AttemptSummary> for AttemptSummary {
    fn from(attempt: cstar_types::AttemptSummary) -> Self {
        Self {
            number: attempt.number,
            started_at: attempt.started_at,
            duration_ms: attempt.duration_ms,
            outcome: attempt.outcome,
            status_code: attempt.status_code,
            detail: attempt.detail,
        }
    }
}

/// One POST and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attempt {
    /// From 1, going on over resends (T8).
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The status of the answer, if there was one.
    pub status_code: Option<u16>,
    /// One sentence for people: "your endpoint answered 503".
    pub detail: String,
    /// The answer's headers in order, shortened to what is kept; a name can stand more than once.
    pub response_headers: Vec<HeaderLine>,
    /// The beginning of the answer's body, as text.
    pub response_body: String,
    /// What was asked of whom; the body was the event. `None` to a key that may not read the webhook (SEC-2).
    pub request: Option<SentRequest>,
}

impl From<cstar_types::Attempt> for Attempt {
    fn from(attempt: cstar_types::Attempt) -> Self {
        let header = |(name, value)| HeaderLine { name, value };
        Self {
            number: attempt.number,
            started_at: attempt.started_at,
            duration_ms: attempt.duration_ms,
            outcome: attempt.outcome,
            status_code: attempt.status_code,
            detail: attempt.detail,
            response_headers: attempt.response_headers.into_iter().map(header).collect(),
            response_body: attempt.response_body,
            request: Some(SentRequest {
                url: attempt.request.url,
                address: attempt.request.address,
                signature: attempt.request.signature,
            }),
        }
    }
}

/// One header of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeaderLine {
    /// Its name.
    pub name: String,
    /// Its value, as text.
    pub value: String,
}

/// What an attempt sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SentRequest {
    /// The URL at that time.
    pub url: String,
    /// The address that was dialled, `ip:port`; `None` if it never came to that.
    pub address: Option<String>,
    /// The value of `x-cstar-signature`; `None` if nothing was sent.
    pub signature: Option<String>,
}
