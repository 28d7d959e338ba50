//! The API's description of itself: OpenAPI 3.1, made from the shapes that the routes take and answer.
//!
//! [`operations`] is the table of what there is. Tests hold it against the router, and the committed `docs/openapi.json`
//! against what is made here.

mod audit;
mod event_types;
mod examples;
mod notices;
mod operation;
mod operations;
mod schemas;
mod sessions;
#[cfg(test)]
mod tests;
mod webhooks;

use std::sync::LazyLock;

use bytes::Bytes;
use cstar_wire::Problem;
use serde_json::{Map, Value, json};

use schemas::Schemas;

/// The document, as it is served and committed.
pub(crate) fn text() -> Bytes {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| {
        let text = serde_json::to_string_pretty(&document()).expect("JSON can be written");
        // The shapes of one generic type are called after its parameter.
        let text = text
            .replace("DeliveryOfuint32", "DeliveryRow")
            .replace("DeliveryOfArray_of_Attempt", "DeliveryDetail");
        (text + "\n").into()
    });
    TEXT.clone()
}

fn document() -> Value {
    let mut schemas = Schemas::default();
    schemas.answer::<Problem>();
    let mut paths = Map::new();
    for operation in operations::all() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_lowercase()] = operation.describe(&mut schemas);
    }
    let webhooks = webhooks::all(&mut schemas);
    let mut document = json!({
        "openapi": "3.1.1",
        "info": {
            "title": "cStar",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Durable events, delivered as signed webhooks and as a live stream",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": operation::TAGS.map(|(name, description)| json!({"name": name, "description": description})),
        "paths": paths,
        "webhooks": webhooks,
        "components": {
            "securitySchemes": {"key": {
                "type": "http",
                "scheme": "bearer",
                "description": "The platform key, or a team key (`csk_…`) with the scope that the operation names. The stream takes \
                                a realtime token (`cst_…`) too.",
            }, "token": {
                "type": "apiKey",
                "in": "query",
                "name": "token",
                "description": "A realtime token (`cst_…`), for the browser's own EventSource, which sends no headers.",
            }, "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": "__Host-cstar_session",
                "description": "A session of the settings page. It opens whatever its key opens; changes are taken from the \
                                server's own page alone.",
            }},
            "schemas": schemas.finish(),
        },
        "security": [{"key": []}],
    });
    for_readers(&mut document);
    document
}

/// The numbers of promises and invariants, which docs cite in parentheses, are for those who read the code.
fn for_readers(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(for_readers),
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = without_numbers(text);
            }
            fields.values_mut().for_each(for_readers);
        }
        _ => {}
    }
}

fn without_numbers(text: &str) -> String {
    let is_number = |word: &str| {
        let digits = word.trim_start_matches(|letter: char| letter.is_ascii_uppercase() || letter == '-');
        digits.len() < word.len() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(" (") {
        kept.push_str(before);
        match behind.split_once(')') {
            Some((inside, after)) if inside.split(", ").all(is_number) => rest = after,
            _ => {
                kept.push_str(" (");
                rest = behind;
            }
        }
    }
    (kept + rest).replace('\n', " ")
}
