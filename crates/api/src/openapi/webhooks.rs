//! What endpoints get: the `webhooks` part.

use cstar_types::catalog::Catalog;
use cstar_wire as wire;
use serde_json::{Map, Value, json};

use super::schemas::Schemas;

/// The headers of each request, and what they are.
const HEADERS: [(&str, &str); 8] = [
    ("x-cstar-event", "The event's type."),
    ("x-cstar-delivery", "The delivery: the same on every repeat, so keep it to recognise one."),
    ("x-cstar-attempt", "Which attempt this is, from 1."),
    ("x-cstar-test", "`true` on test events, else not there."),
    ("x-cstar-signature", "HMAC-SHA256 of the body under the whole secret, in lower-case hex."),
    ("webhook-id", "The delivery, for Standard Webhooks."),
    ("webhook-timestamp", "When this attempt began, in seconds."),
    (
        "webhook-signature",
        "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; one for each valid secret.",
    ),
];

/// One request for each built-in event type.
pub(super) fn all(schemas: &mut Schemas) -> Map<String, Value> {
    let envelope = schemas.answer::<wire::Envelope>();
    let types = Catalog::builtin().iter();
    types.map(|entry| (entry.event_type.to_string(), request(entry, &envelope))).collect()
}

fn request(entry: &cstar_types::catalog::CatalogEntry, envelope: &Value) -> Value {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("the catalog holds JSON");
    let of_type = json!({"properties": {"type": {"const": entry.event_type}, "data": parsed(&entry.schema)}});
    let headers = HEADERS.map(|(name, description)| {
        let required = name != "x-cstar-test";
        json!({"in": "header", "name": name, "description": description, "required": required, "schema": {"type": "string"}})
    });
    json!({"post": {
        "operationId": format!("on.{}", entry.event_type),
        "summary": entry.description,
        "description": entry.fires_on,
        "parameters": headers,
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"allOf": [envelope, of_type]}}}},
        "responses": {
            "2XX": {"description": "It arrived. Any other answer, or none within 10 s, is a failure and is retried."},
        },
        "security": [],
    }})
}
