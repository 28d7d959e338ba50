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
    /// Whether every server has it; the others were added by the platform.
    pub builtin: bool,
    /// The JSON Schema (2020-12) of the event's `data`.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub schema: Box<RawValue>,
    /// An event's `data` as it could be.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub example: Box<RawValue>,
}

/// `PUT /v1/event-types/{type}`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PutEventType {
    /// What the type tells, in a sentence.
    pub description: String,
    /// When the application publishes it.
    pub fires_on: String,
    /// The JSON Schema (2020-12) of the event's `data`: a tree, with patterns that are matched in linear time. At most 32 KiB.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub schema: Box<RawValue>,
    /// An event's `data` as it could be: what a test event carries.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub example: Box<RawValue>,
}
