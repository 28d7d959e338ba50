//! The event types that can be published, their schemas compiled once.

use std::collections::HashMap;

use cstar_types::EventType;
use cstar_types::catalog::{self, CatalogEntry};
use cstar_wire::{Code, FieldError};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use crate::fields::escape;

/// What is told of one event: more faults in one are rarely read, and a batch may hold a thousand events.
const FAULTS_PER_EVENT_MAX: usize = 10;

/// Every type that can be published.
pub(crate) struct Catalog {
    known: Vec<Known>,
    by_name: HashMap<&'static str, usize>,
}

/// One type and its compiled schema.
pub(crate) struct Known {
    pub(crate) entry: &'static CatalogEntry,
    schema: Validator,
}

impl Catalog {
    /// The built-in types.
    pub(crate) fn builtin() -> Self {
        let entries = catalog::Catalog::builtin();
        let known: Vec<Known> = entries.iter().map(|entry| Known { entry, schema: compile(entry) }).collect();
        let by_name = entries.iter().enumerate().map(|(place, entry)| (entry.event_type.as_str(), place));
        Self { known, by_name: by_name.collect() }
    }

    /// The type of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&Known> {
        self.by_name.get(name).map(|place| &self.known[*place])
    }

    /// Every type, in the order of the published list.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &'static CatalogEntry> {
        self.known.iter().map(|known| known.entry)
    }

    /// What to say of a name that is none.
    pub(crate) fn unknown(&self, name: &str) -> String {
        let names = self.entries().map(|entry| entry.event_type.as_str());
        match catalog::nearest(name, names).as_slice() {
            [] => "there is no such event type; GET /v1/event-types lists those that there are".to_owned(),
            nearest => format!("there is no such event type; did you mean {}?", nearest.join(" or ")),
        }
    }
}

impl Known {
    /// The type.
    pub(crate) fn event_type(&self) -> &EventType {
        &self.entry.event_type
    }

    /// Where `data`, canonical JSON, breaks the type's schema; `pointer` leads to it in the request.
    pub(crate) fn faults(&self, data: &[u8], pointer: &str) -> Vec<FieldError> {
        let Ok(data) = serde_json::from_slice::<Value>(data) else {
            return vec![FieldError::new(
                Code::SchemaViolation,
                pointer,
                "this cannot be held against the schema",
            )];
        };
        if self.schema.is_valid(&data) {
            return Vec::new();
        }
        let faults = self.schema.iter_errors(&data).take(FAULTS_PER_EVENT_MAX);
        faults.map(|fault| describe(&fault, pointer)).collect()
    }
}

/// A fault by its place. Values are masked: they are the customer's, and can be long.
fn describe(fault: &ValidationError<'_>, pointer: &str) -> FieldError {
    let place = format!("{pointer}{}", fault.instance_path());
    match fault.kind() {
        ValidationErrorKind::Required { property: Value::String(name) } => FieldError::new(
            Code::SchemaViolation,
            format!("{place}/{}", escape(name)),
            "this field is needed",
        ),
        _ => FieldError::new(Code::SchemaViolation, place, fault.masked_with("it").to_string()),
    }
}

fn compile(entry: &CatalogEntry) -> Validator {
    let schema: Value = serde_json::from_str(&entry.schema).expect("the catalog holds canonical JSON");
    // Linear-time patterns, and nothing is fetched: `data` comes from outside.
    let options = jsonschema::options().offline().with_pattern_options(PatternOptions::regex());
    options.build(&schema).expect("the built-in schemas are compiled by the tests of this crate")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W8–W29: each example can be published; an empty object cannot.
    #[test]
    fn each_type_takes_its_example() {
        let catalog = Catalog::builtin();
        assert_eq!(catalog.entries().count(), 14);
        for entry in catalog.entries() {
            let known = catalog.find(entry.event_type.as_str()).unwrap();
            assert!(known.faults(entry.example.as_bytes(), "/data").is_empty(), "{:?}", entry.event_type);
            assert!(!known.faults(b"{}", "/data").is_empty(), "{:?}", entry.event_type);
        }
    }

    /// W35: what is missing or wrong in a ticket is named in the request, and no value is repeated.
    #[test]
    fn faults_are_pointed_at() {
        let catalog = Catalog::builtin();
        let ticket = catalog.find("ticket.created").unwrap();
        let faults = ticket.faults(br#"{"id":"4711-secret","title":7,"status":"new"}"#, "/events/3/data");
        let mut pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/events/3/data/id", "/events/3/data/priority", "/events/3/data/title"]);
        assert!(faults.iter().all(|fault| !fault.detail.contains("4711")), "{faults:?}");
    }

    #[test]
    fn the_nearest_type_is_named() {
        let catalog = Catalog::builtin();
        assert!(catalog.unknown("ticket.create").contains("ticket.created"));
        assert!(catalog.unknown("zzz").contains("/v1/event-types"));
    }
}
