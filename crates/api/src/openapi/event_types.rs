//! The operations of the catalog.

use cstar_wire as wire;
use cstar_wire::Code;
use http::Method;

use super::operation::{Needs, Operation, op};
use super::operations::{IF_MATCH, PAGE};

/// Its operations.
pub(super) fn all() -> Vec<Operation> {
    vec![
        op(
            Method::GET,
            "/v1/event-types",
            "listEventTypes",
            "Event types",
            "What can be published",
            Needs::AnyKey,
        )
        .taking(&PAGE)
        .answers::<wire::List<wire::EventTypeEntry>>(200, "A page of event types."),
        op(
            Method::GET,
            "/v1/event-types/{type}",
            "getEventType",
            "Event types",
            "One event type",
            Needs::AnyKey,
        )
        .answers::<wire::EventTypeEntry>(200, "The event type; with its `ETag` if it was added.")
        .refuses(&[Code::NotFound]),
        op(
            Method::PUT,
            "/v1/event-types/{type}",
            "putEventType",
            "Event types",
            "Add an event type, or change one that was added",
            Needs::Platform,
        )
        .taking(&[IF_MATCH])
        .body::<wire::PutEventType>()
        .answers::<wire::EventTypeEntry>(201, "The event type is new.")
        .answers::<wire::EventTypeEntry>(200, "The event type, as it is now.")
        .refuses(&[
            Code::Conflict,
            Code::Changed,
            Code::SchemaViolation,
            Code::UnsafeKey,
            Code::DuplicateKey,
            Code::UnrepresentableNumber,
        ]),
        op(
            Method::DELETE,
            "/v1/event-types/{type}",
            "deleteEventType",
            "Event types",
            "Delete an event type that was added; its events stay, and new ones are refused",
            Needs::Platform,
        )
        .taking(&[IF_MATCH])
        .answers_nothing()
        .refuses(&[Code::Conflict, Code::Changed, Code::NotFound, Code::InvalidField]),
    ]
}
