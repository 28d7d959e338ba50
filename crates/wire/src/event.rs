//! Publishing, and the envelope in which everybody gets an event.

use cstar_types::{EventId, EventType, Position, TeamId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// `POST …/events` with one event.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Publish {
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// What there is to say about it: a JSON object.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub data: Box<RawValue>,
    /// Whether webhooks that match get a delivery, as they do unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhooks: Option<bool>,
}

/// `POST …/events` with many, stored all or nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublishBatch {
    /// The events, in the order in which they will stand.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1000)))]
    pub events: Vec<BatchEvent>,
    /// Whether webhooks that match get deliveries, as they do unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhooks: Option<bool>,
}

/// One event of a [`PublishBatch`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchEvent {
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// What there is to say about it: a JSON object.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub data: Box<RawValue>,
    /// A repeat with the same key, type and data finds the first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 255)))]
    pub idempotency_key: Option<String>,
}

/// The 201 of a [`PublishBatch`]: both lists in the order of the batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublishedBatch {
    /// The envelopes.
    pub data: Vec<Envelope>,
    /// Where each stands in the team's log.
    pub positions: Vec<Position>,
}

/// `{id, type, team_id, created_at, data}` (W30), byte for byte as it was stored: the bytes that are signed and sent
/// to webhooks (T9).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Envelope(
    #[cfg_attr(feature = "schema", schemars(with = "EnvelopeFields<'static>"))] Box<RawValue>,
);

impl Envelope {
    /// The envelope's bytes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The fields of the envelope, its `data` unread.
    ///
    /// # Errors
    /// What came is no envelope.
    pub fn fields(&self) -> serde_json::Result<EnvelopeFields<'_>> {
        serde_json::from_str(self.as_str())
    }
}

impl From<Box<RawValue>> for Envelope {
    fn from(raw: Box<RawValue>) -> Self {
        Self(raw)
    }
}

/// What an [`Envelope`] holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EnvelopeFields<'a> {
    /// Which event, the same everywhere (T8).
    pub id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Whose event.
    pub team_id: TeamId,
    /// When it was published, to the second.
    pub created_at: Timestamp,
    /// What there is to say about it, byte for byte.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub data: &'a RawValue,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVELOPE: &str = r#"{"id":"evt_00000000000000000000000001","type":"ticket.created","team_id":"550e8400-e29b-41d4-a716-446655440000","created_at":"2025-12-10T14:30:00Z","data":{"7":1e+21,"é":"\u001f"}}"#;

    /// T9: an envelope goes through a client's hands without a byte changed.
    #[test]
    fn an_envelope_keeps_its_bytes() {
        let answer = format!(r#"{{"data":[{ENVELOPE}, {ENVELOPE}],"positions":["1.1","1.2"]}}"#);
        let batch: PublishedBatch = serde_json::from_str(&answer).unwrap();
        assert_eq!(batch.data[1].as_str(), ENVELOPE);
        assert_eq!(serde_json::to_string(&batch.data[0]).unwrap(), ENVELOPE);
        assert_eq!(batch.positions, [Position::new(1, 1), Position::new(1, 2)]);

        let fields = batch.data[0].fields().unwrap();
        assert_eq!(fields.event_type.as_str(), "ticket.created");
        assert_eq!(fields.data.get(), r#"{"7":1e+21,"é":"\u001f"}"#);
    }
}
