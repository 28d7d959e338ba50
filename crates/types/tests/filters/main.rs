//! DLV-1: payload filters, held against a plain model, against their schema, and against their reference.

mod faults;
mod model;
mod reference;

use std::sync::LazyLock;

use cstar_types::{Filter, FilterError};
use serde_json::Value;

fn parse(text: &str) -> Result<Filter, FilterError> {
    text.parse()
}

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = schemars::schema_for!(Filter);
    jsonschema::validator_for(schema.as_value()).expect("the schema of filters is one")
});

fn value(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}
