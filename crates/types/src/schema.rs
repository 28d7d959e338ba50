//! JSON Schemas of the nouns, for the API's description of itself.
//!
//! Each is the text form that its `FromStr` takes; its doc and limits stand with the type.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::limits::{PATTERNS_MAX, SEGMENT_MAX_BYTES};
use crate::{
    EventId, EventType, Filter, Id, IdKind, Pattern, Patterns, Position, RetrySchedule, TeamId, Timestamp,
};

/// Written in full wherever it stands: a reader of the description need not look it up.
macro_rules! text {
    ($($noun:ty, $name:literal: $schema:expr;)+) => {$(
        impl JsonSchema for $noun {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )+};
}

/// The characters of an id behind its prefix; the first holds three bits.
const ID: &str = "[0-7][0-9a-hjkmnp-tv-z]{25}";
const TYPE_EXAMPLE: &str = "ticket.created";

fn segment() -> String {
    format!("[a-z][a-z0-9_]{{0,{}}}", SEGMENT_MAX_BYTES - 1)
}

text! {
    EventId, "EventId": json_schema!({
        "type": "string", "pattern": format!("^evt_(test_)?{ID}$"), "examples": ["evt_01hzy3v9k2m4n6p8q0r2s4t6v8"],
    });
    TeamId, "TeamId": json_schema!({"type": "string", "format": "uuid"});
    EventType, "EventType": json_schema!({
        "type": "string", "pattern": format!("^{0}\\.{0}$", segment()), "examples": [TYPE_EXAMPLE],
    });
    Pattern, "Pattern": json_schema!({
        "type": "string", "pattern": format!("^(\\*|{0}\\.{0}|{0}\\.\\*|\\*\\.{0})$", segment()), "examples": ["ticket.*"],
    });
    Position, "Position": json_schema!({
        "type": "string", "pattern": r"^[1-9][0-9]*\.(0|[1-9][0-9]*)$", "examples": ["1.42"],
    });
    RetrySchedule, "RetrySchedule": json_schema!({
        "type": "string", "pattern": r"^([1-9][0-9]*(ms|s|m|h|d)(,[1-9][0-9]*(ms|s|m|h|d)){0,19})?$", "examples": ["1m,5m,30m"],
    });
    Timestamp, "Timestamp": json_schema!({
        "type": "string", "format": "date-time", "examples": ["2025-12-10T14:30:00.000Z"],
    });
}

impl<K: IdKind> JsonSchema for Id<K> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("{}id", K::PREFIX).into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": format!("^{}{ID}$", K::PREFIX)})
    }
}

impl JsonSchema for Patterns {
    fn schema_name() -> Cow<'static, str> {
        "Patterns".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let items = generator.subschema_for::<Pattern>();
        json_schema!({"type": "array", "items": items, "minItems": 1, "maxItems": PATTERNS_MAX})
    }
}

/// A condition, which may hold others: the one noun whose schema leads back to itself.
impl JsonSchema for Filter {
    fn schema_name() -> Cow<'static, str> {
        "Filter".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let condition = generator.subschema_for::<Self>();
        let conditions = json_schema!({"type": "array", "items": condition, "minItems": 1});
        let scalar = json_schema!({"type": ["string", "number", "boolean", "null"]});
        let comparable = json_schema!({"type": ["number", "string"]});
        let pointer = json_schema!({
            "type": "string", "pattern": "^(/([^~/]|~[01])*)+$", "examples": ["/customer/plan"],
        });
        let holding = |key: &str, schema: &Schema| json_schema!({"type": "object", "properties": {key: schema}, "required": [key], "additionalProperties": false});
        let testing = |key: &str, schema: Schema| {
            json_schema!({
                "type": "object",
                "properties": {"pointer": pointer, key: schema},
                "required": ["pointer", key],
                "additionalProperties": false,
            })
        };
        json_schema!({
            "description": "Which events, by their data: a condition, or several within `all`, `any` and `not`.",
            "oneOf": [
                holding("all", &conditions),
                holding("any", &conditions),
                holding("not", &condition),
                testing("equals", scalar.clone()),
                testing("one_of", json_schema!({"type": "array", "items": scalar, "minItems": 1})),
                testing("greater_than", comparable.clone()),
                testing("at_least", comparable.clone()),
                testing("less_than", comparable.clone()),
                testing("at_most", comparable),
                testing("exists", json_schema!({"type": "boolean"})),
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::str::FromStr;

    use super::*;
    use crate::WebhookId;

    /// Its schema takes a text exactly if the noun itself does.
    #[track_caller]
    fn agrees<T: JsonSchema + FromStr<Err: Debug>>(texts: &[&str]) {
        let schema = T::json_schema(&mut SchemaGenerator::default());
        let validator = jsonschema::validator_for(schema.as_value()).unwrap();
        for text in texts {
            assert_eq!(validator.is_valid(&(*text).into()), text.parse::<T>().is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_schema_takes_what_its_noun_takes() {
        agrees::<EventType>(&[
            "ticket.created",
            "ticket",
            "ticket.*",
            "a.b.c",
            "Ticket.created",
            "",
            "t_1.x9",
            "1t.x",
        ]);
        agrees::<EventType>(&[&format!("{}.x", "a".repeat(64)), &format!("{}.x", "a".repeat(65))]);
        agrees::<Pattern>(&[
            "*",
            "ticket.*",
            "*.created",
            "*.*",
            "ticket",
            "**",
            "ticket.created",
            "*created",
        ]);
        agrees::<Position>(&["1.0", "1.42", "0.1", "1", "1.", "01.1", "1.01", "-1.1"]);
        agrees::<RetrySchedule>(&["", "1m,5m,30m", "1m", "m", "1", "1m,", "250ms", "1x"]);
        let id = WebhookId::from_bits(u128::MAX).to_string();
        agrees::<WebhookId>(&[&id, "wh_00000000000000000000000001", "wh_1", &id.to_uppercase(), "evt_1"]);
        agrees::<WebhookId>(&["wh_80000000000000000000000000", "wh_0000000000000000000000000l"]);
        let test = EventId::from_bits(7, true).to_string();
        agrees::<EventId>(&[&test, "evt_test_", "evt_00000000000000000000000001"]);
    }
}
