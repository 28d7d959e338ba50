//! The catalog of event types.

use cstar_types::EventType;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// `GET /v1/event-types/{type}`, and a row of the list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventTypeEntry {
    /// The type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// What the type tells, in a sentence.
    pub description: String,
    /// When the application publishes it.
    pub fires_on: String,
    /// The JSON Schema (2020-12) of the event's `data`.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub schema: Box<RawValue>,
    /// An event's `data` as it could be.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub example: Box<RawValue>,
}
