//! What endpoints get: the `webhooks` part.

use cstar_types::catalog::Catalog;
use cstar_types::{DeliveryFailed, NoticeType, StorageLow, WebhookDisabled};
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

/// One request for each built-in event type, which a team's webhooks get, and for each notice, which the operator's do.
pub(super) fn all(schemas: &mut Schemas) -> Map<String, Value> {
    let events = Catalog::builtin().iter().map(|entry| Sent {
        event_type: entry.event_type.as_str(),
        summary: &entry.description,
        description: entry.fires_on.clone(),
        data: serde_json::from_str(&entry.schema).expect("the catalog holds JSON"),
    });
    let notices = NoticeType::ALL.map(|notice| Sent {
        event_type: notice.as_str(),
        summary: notice.description(),
        description: format!("To the URLs of `/v1/notices`. {}", notice.fires_on()),
        data: match notice {
            NoticeType::WebhookDisabled => schemas.answer::<WebhookDisabled>(),
            NoticeType::DeliveryFailed => schemas.answer::<DeliveryFailed>(),
            NoticeType::StorageLow => schemas.answer::<StorageLow>(),
        },
    });
    let envelope = schemas.answer::<wire::Envelope>();
    events.chain(notices).map(|sent| (sent.event_type.to_owned(), request(&sent, &envelope))).collect()
}

/// What is said of one type.
struct Sent<'a> {
    event_type: &'a str,
    summary: &'a str,
    description: String,
    /// The schema of its `data`.
    data: Value,
}

fn request(sent: &Sent<'_>, envelope: &Value) -> Value {
    let of_type = json!({"properties": {"type": {"const": sent.event_type}, "data": sent.data}});
    let headers = HEADERS.map(|(name, description)| {
        let required = name != "x-cstar-test";
        json!({"in": "header", "name": name, "description": description, "required": required, "schema": {"type": "string"}})
    });
    json!({"post": {
        "operationId": format!("on.{}", sent.event_type),
        "summary": sent.summary,
        "description": sent.description,
        "parameters": headers,
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"allOf": [envelope, of_type]}}}},
        "responses": {
            "2XX": {"description": "It arrived. Any other answer, or none within 10 s, is a failure and is retried."},
        },
        "security": [],
    }})
}
