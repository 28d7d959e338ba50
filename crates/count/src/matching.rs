//! What a type's schema takes, and which events somebody gets.

use std::hint::black_box;

use cstar_types::catalog::Catalog;
use cstar_types::{Filter, Patterns};
use serde_json::Value;

use crate::{Case, Run, given};

/// The fourth pattern is the one that matches.
const PATTERNS: &str = "customer.*,*.deleted,ticket.closed,ticket.created";
/// Each part is looked at: the tests before the last hold, too.
const FILTER: &str = r#"{"all": [
    {"pointer": "/priority", "one_of": ["low", "high"]},
    {"not": {"pointer": "/assignee/none", "exists": true}},
    {"any": [{"pointer": "/status", "equals": "closed"}, {"pointer": "/id", "exists": true}]}
]}"#;

pub(crate) fn cases() -> Vec<Case> {
    vec![("schema_check", schema), ("pattern_match", patterns), ("filter_match", filter)]
}

fn patterns() -> Run {
    let patterns = Patterns::parse_list(PATTERNS).expect("patterns");
    let event_type = given::ticket_created();
    Box::new(move || assert!(patterns.matches(black_box(&event_type))))
}

fn filter() -> Run {
    let filter: Filter = FILTER.parse().expect("a filter");
    let data: Value = serde_json::from_str(given::ticket()).expect("the catalog's examples are JSON");
    Box::new(move || assert!(filter.matches(black_box(&data))))
}

/// The tree of a ticket's data, held against its schema: what `cstar-api` does where the plain check does not cover the schema.
fn schema() -> Run {
    let entry = Catalog::find(&given::ticket_created()).expect("a built-in type");
    let schema: Value = serde_json::from_str(&entry.schema).expect("the catalog's schemas are JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("they are schemas");
    Box::new(move || {
        let data: Value = serde_json::from_slice(black_box(entry.example.as_bytes())).expect("JSON");
        assert!(validator.is_valid(&data));
    })
}
