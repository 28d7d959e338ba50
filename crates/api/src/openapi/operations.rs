//! The table of operations.

use cstar_types::{DeliveryStatus, EventId, Scope, Timestamp, WebhookId};
use cstar_wire as wire;
use cstar_wire::Code;
use http::Method;
use serde_json::{Value, json};

use super::audit;
use super::event_types;
use super::notices;
use super::operation::{Needs, Operation, Parameter, op};
use super::schemas::Schemas;
use super::sessions;

const LIMIT: Parameter = Parameter(
    "query",
    "limit",
    "Rows in the page.",
    |_| json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
);
const AFTER: Parameter =
    Parameter("query", "after", "Begin behind this row; `next` of the page before.", text);
const BEFORE: Parameter = Parameter("query", "before", "End in front of this row.", text);
pub(super) const PAGE: [Parameter; 3] = [LIMIT, AFTER, BEFORE];
const TYPES: Parameter = Parameter("query", "types", "Only these patterns, separated by commas.", text);
pub(super) const SINCE: Parameter =
    Parameter("query", "since", "Not before this instant.", Schemas::answer::<Timestamp>);
pub(super) const UNTIL: Parameter =
    Parameter("query", "until", "Before this instant.", Schemas::answer::<Timestamp>);
pub(super) const IF_MATCH: Parameter =
    Parameter("header", "If-Match", "The `ETag` of what is to be changed.", text);

pub(super) fn text(_: &mut Schemas) -> Value {
    json!({"type": "string"})
}

pub(super) fn scope(scope: Scope) -> Needs {
    Needs::Scope(scope)
}

/// Every operation, in the order of the reference.
pub(super) fn all() -> Vec<Operation> {
    let groups = [
        events(),
        webhooks(),
        deliveries(),
        operations(),
        realtime(),
        event_types::all(),
        keys(),
        sessions::all(),
        teams(),
        notices::all(),
        audit::all(),
        service(),
    ];
    groups.into_iter().flatten().collect()
}

fn events() -> Vec<Operation> {
    const EVENTS: &str = "/v1/teams/{team}/events";
    const ORDER: Parameter = Parameter(
        "query",
        "order",
        "Newest first, or oldest first.",
        |_| json!({"enum": ["desc", "asc"], "default": "desc"}),
    );
    const IDEMPOTENCY_KEY: Parameter = Parameter(
        "header",
        "Idempotency-Key",
        "A repeat with the same key and event is answered 200 with the first one. Kept 24 h; for one event, not for a batch.",
        |_| json!({"type": "string", "minLength": 1, "maxLength": 255}),
    );
    const TEST: Parameter =
        Parameter("header", "x-cstar-test", "Makes a test event.", |_| json!({"enum": ["true", "false"]}));
    const TRACEPARENT: Parameter = Parameter(
        "header",
        "traceparent",
        "W3C Trace Context: the caller's span, within which the publish stands if the server sends traces.",
        text,
    );
    vec![
        op(Method::POST, EVENTS, "publishEvents", "Events", "Publish an event, or a batch that is stored all or nothing", scope(Scope::EventsWrite))
            .taking(&[IDEMPOTENCY_KEY, TEST, TRACEPARENT])
            .body_of(|schemas| json!({"oneOf": [schemas.request::<wire::Publish>(), schemas.request::<wire::PublishBatch>()]}))
            .answers_as(201, "Stored and synced: the envelope, with `x-cstar-position`, or the batch.", "application/json", |schemas| {
                json!({"oneOf": [schemas.answer::<wire::Envelope>(), schemas.answer::<wire::PublishedBatch>()]})
            })
            .answers::<wire::Envelope>(200, "It was stored before, under the same idempotency key.")
            .refuses(&[
                Code::OutsidePatterns, Code::InProgress, Code::FanOutTooLarge, Code::UnknownEventType, Code::SchemaViolation,
                Code::UnsafeKey, Code::DuplicateKey, Code::UnrepresentableNumber, Code::IdempotencyKeyReused,
                            ]),
        op(Method::GET, EVENTS, "listEvents", "Events", "The log", scope(Scope::EventsRead))
            .taking(&PAGE)
            .taking(&[TYPES, SINCE, UNTIL, ORDER])
            .answers::<wire::List<wire::Envelope>>(200, "A page of envelopes.")
            .refuses(&[Code::InvalidPattern]),
        op(Method::GET, "/v1/teams/{team}/events/{event}", "getEvent", "Events", "One event", scope(Scope::EventsRead))
            .answers::<wire::Envelope>(200, "The envelope, with `x-cstar-position`."),
        op(
            Method::DELETE,
            "/v1/teams/{team}/events/{event}/data",
            "eraseEvent",
            "Events",
            "Erase what an event said: its envelope stays at its position, with an empty `data`",
            Needs::Platform,
        )
        .answers_nothing(),
        op(
            Method::POST,
            "/v1/teams/{team}/events/{event}/resend",
            "resendEvent",
            "Events",
            "Deliver an event to a webhook, whether it matched or not",
            scope(Scope::DeliveriesWrite),
        )
        .body::<wire::ResendEvent>()
        .answers::<wire::DeliveryRow>(200, "The delivery, due now: a new one, or the one that there was.")
        .refuses(&[Code::Conflict]),
    ]
}

fn webhooks() -> Vec<Operation> {
    const WEBHOOKS: &str = "/v1/teams/{team}/webhooks";
    const WEBHOOK: &str = "/v1/teams/{team}/webhooks/{webhook}";
    const SECRET: &str = "/v1/teams/{team}/webhooks/{webhook}/secret";
    const PREVIOUS: &str = "/v1/teams/{team}/webhooks/{webhook}/secret/previous";
    const WRITES: [Code; 3] = [Code::OutsidePatterns, Code::InvalidPattern, Code::BlockedTarget];
    let (read, write) = (scope(Scope::WebhooksRead), scope(Scope::WebhooksWrite));
    vec![
        op(Method::POST, WEBHOOKS, "createWebhook", "Webhooks", "Register a webhook", write)
            .body::<wire::CreateWebhook>()
            .answers::<wire::CreatedWebhook>(201, "The webhook and its secret, which no other answer shows.")
            .refuses(&WRITES)
            .refuses(&[Code::TooManyWebhooks]),
        op(Method::GET, WEBHOOKS, "listWebhooks", "Webhooks", "The webhooks, newest first", read)
            .taking(&PAGE)
            .answers::<wire::List<wire::Webhook>>(200, "A page of webhooks."),
        op(Method::GET, WEBHOOK, "getWebhook", "Webhooks", "One webhook", read)
            .answers::<wire::Webhook>(200, "The webhook, with its `ETag`."),
        op(
            Method::GET,
            "/v1/teams/{team}/webhooks/{webhook}/stats",
            "getWebhookStats",
            "Webhooks",
            "How a webhook has been doing for a day, hour by hour",
            scope(Scope::DeliveriesRead),
        )
        .answers::<wire::WebhookStats>(200, "Its deliveries, counted."),
        op(
            Method::PATCH,
            WEBHOOK,
            "updateWebhook",
            "Webhooks",
            "Change a webhook: what is not named stays",
            write,
        )
        .taking(&[IF_MATCH])
        .body::<wire::UpdateWebhook>()
        .answers::<wire::Webhook>(200, "The changed webhook.")
        .refuses(&WRITES)
        .refuses(&[Code::Changed]),
        op(
            Method::DELETE,
            WEBHOOK,
            "deleteWebhook",
            "Webhooks",
            "Delete a webhook, and cancel what waits for it",
            write,
        )
        .taking(&[IF_MATCH])
        .answers_nothing()
        .refuses(&[Code::Changed]),
        op(
            Method::POST,
            SECRET,
            "rotateSecret",
            "Webhooks",
            "Rotate the secret; the old one signs beside the new one for a while",
            write,
        )
        .taking(&[IF_MATCH])
        .body::<wire::RotateSecret>()
        .answers::<wire::RotatedSecret>(200, "The new secret, which no other answer shows.")
        .refuses(&[Code::Conflict, Code::Changed]),
        op(
            Method::POST,
            "/v1/teams/{team}/webhooks/{webhook}/test",
            "testWebhook",
            "Webhooks",
            "Send an example to a webhook now, as a test event, and see what comes of it",
            write,
        )
        .body::<wire::TestWebhook>()
        .answers::<wire::Attempt>(200, "The attempt, whether it succeeded or not.")
        .refuses(&[Code::OutsidePatterns, Code::UnknownEventType, Code::Conflict]),
        op(Method::DELETE, PREVIOUS, "endOverlap", "Webhooks", "End a rotation's overlap", write)
            .taking(&[IF_MATCH])
            .answers_nothing()
            .refuses(&[Code::Changed]),
    ]
}

fn deliveries() -> Vec<Operation> {
    const DELIVERY: &str = "/v1/teams/{team}/deliveries/{delivery}";
    let filters = [
        Parameter("query", "webhook", "Only to this webhook.", Schemas::answer::<WebhookId>),
        Parameter("query", "status", "Only those that stand so.", Schemas::answer::<DeliveryStatus>),
        Parameter("query", "event", "Only of this event.", Schemas::answer::<EventId>),
    ];
    vec![
        op(
            Method::GET,
            "/v1/teams/{team}/deliveries",
            "listDeliveries",
            "Deliveries",
            "The webhook logs, newest first",
            scope(Scope::DeliveriesRead),
        )
        .taking(&PAGE)
        .taking(&filters)
        .taking(&[TYPES, SINCE, UNTIL])
        .answers::<wire::List<wire::DeliveryRow>>(200, "A page of deliveries.")
        .refuses(&[Code::InvalidPattern]),
        op(
            Method::GET,
            DELIVERY,
            "getDelivery",
            "Deliveries",
            "One delivery with its attempts",
            scope(Scope::DeliveriesRead),
        )
        .answers::<wire::DeliveryDetail>(
            200,
            "The delivery. What was asked of whom is told to who may read the webhook.",
        ),
        op(
            Method::POST,
            "/v1/teams/{team}/deliveries/{delivery}/resend",
            "resendDelivery",
            "Deliveries",
            "Send an ended delivery again, with one new schedule",
            scope(Scope::DeliveriesWrite),
        )
        .answers::<wire::DeliveryRow>(200, "The delivery, due now.")
        .refuses(&[Code::Conflict]),
    ]
}

fn operations() -> Vec<Operation> {
    const OPERATION: &str = "/v1/teams/{team}/operations/{operation}";
    let write = scope(Scope::DeliveriesWrite);
    vec![
        op(
            Method::POST,
            "/v1/teams/{team}/deliveries/resend",
            "resendDeliveries",
            "Operations",
            "Send again all ended deliveries that a filter matches",
            write,
        )
        .body::<wire::ResendDeliveries>()
        .answers::<wire::Operation>(202, "The operation, which goes on by itself.")
        .answers::<wire::ResendCount>(200, "What a dry run counted.")
        .refuses(&[Code::InvalidPattern, Code::Conflict, Code::StorageFull]),
        op(
            Method::POST,
            "/v1/teams/{team}/webhooks/{webhook}/recover",
            "recoverWebhook",
            "Operations",
            "Make pending again what failed, was cancelled or was missed while the webhook was disabled",
            write,
        )
        .body::<wire::RecoverWebhook>()
        .answers::<wire::Operation>(202, "The operation, which goes on by itself.")
        .refuses(&[Code::Conflict, Code::StorageFull]),
        op(
            Method::GET,
            "/v1/teams/{team}/operations",
            "listOperations",
            "Operations",
            "The operations, newest first",
            write,
        )
        .taking(&PAGE)
        .answers::<wire::List<wire::Operation>>(200, "A page of operations."),
        op(Method::GET, OPERATION, "getOperation", "Operations", "One operation, and how far it is", write)
            .answers::<wire::Operation>(200, "The operation."),
        op(
            Method::DELETE,
            OPERATION,
            "cancelOperation",
            "Operations",
            "End an operation where it stands; what was done stays done",
            write,
        )
        .answers_nothing()
        .refuses(&[Code::Conflict]),
    ]
}

fn realtime() -> Vec<Operation> {
    const STREAM: &str = "/v1/teams/{team}/realtime";
    const LAST_EVENT_ID: Parameter = Parameter(
        "header",
        "Last-Event-ID",
        "Go on behind this position; `0` is the oldest event that is kept.",
        text,
    );
    const LAST_EVENT_ID_IN_URL: Parameter =
        Parameter("query", "last_event_id", "The same, for who cannot send headers.", text);
    const HEAD: Parameter =
        Parameter("query", "until", "End once the present head is reached.", |_| json!({"enum": ["head"]}));
    vec![
        op(
            Method::GET,
            STREAM,
            "openStream",
            "Realtime",
            "The live stream, from any position that is kept",
            scope(Scope::EventsRead),
        )
        .taking(&[TYPES, LAST_EVENT_ID, LAST_EVENT_ID_IN_URL, HEAD])
        .answers_as(
            200,
            "Server-Sent Events, or lines of JSON with `Accept: application/x-ndjson`.",
            "text/event-stream",
            text,
        )
        .answers_as(200, "The same.", "application/x-ndjson", text)
        .or_token_in_url()
        .refuses(&[Code::InvalidPattern, Code::TooManyStreams]),
        op(
            Method::GET,
            "/v1/teams/{team}/realtime/streams",
            "listStreams",
            "Realtime",
            "The open streams, and how far behind they are",
            scope(Scope::KeysWrite),
        )
        .taking(&PAGE)
        .answers::<wire::List<wire::Stream>>(200, "A page of streams."),
        op(
            Method::DELETE,
            "/v1/teams/{team}/realtime/streams/{stream}",
            "endStream",
            "Realtime",
            "End a stream; its client may come back",
            scope(Scope::KeysWrite),
        )
        .answers_nothing(),
        op(
            Method::POST,
            "/v1/teams/{team}/realtime/tokens",
            "createToken",
            "Realtime",
            "A short-lived token for a browser",
            scope(Scope::EventsRead),
        )
        .body::<wire::CreateToken>()
        .answers::<wire::CreatedToken>(201, "The token.")
        .refuses(&[Code::OutsidePatterns, Code::InvalidPattern]),
    ]
}

fn keys() -> Vec<Operation> {
    let write = scope(Scope::KeysWrite);
    vec![
        op(
            Method::POST,
            "/v1/teams/{team}/keys",
            "createKey",
            "Keys",
            "Make a key, within the scopes and patterns of its maker",
            write,
        )
        .body::<wire::CreateKey>()
        .answers::<wire::CreatedKey>(201, "The key, which no other answer shows.")
        .refuses(&[Code::OutsidePatterns, Code::InvalidPattern]),
        op(Method::GET, "/v1/teams/{team}/keys", "listKeys", "Keys", "The keys, newest first", write)
            .taking(&PAGE)
            .answers::<wire::List<wire::Key>>(200, "A page of keys."),
        op(
            Method::DELETE,
            "/v1/teams/{team}/keys/{key}",
            "revokeKey",
            "Keys",
            "Revoke a key; its streams end within a second",
            write,
        )
        .answers_nothing(),
    ]
}

fn teams() -> Vec<Operation> {
    const TEAM: &str = "/v1/teams/{team}";
    vec![
        op(
            Method::POST,
            "/v1/teams",
            "createTeam",
            "Teams",
            "Make a team; its id may be the application's own",
            Needs::Platform,
        )
        .body::<wire::CreateTeam>()
        .answers::<wire::Team>(201, "The team.")
        .refuses(&[Code::Conflict]),
        op(
            Method::GET,
            "/v1/teams",
            "listTeams",
            "Teams",
            "The teams, in the order of their making",
            Needs::Platform,
        )
        .taking(&PAGE)
        .answers::<wire::List<wire::Team>>(200, "A page of teams."),
        op(Method::GET, TEAM, "getTeam", "Teams", "One team", Needs::Platform)
            .answers::<wire::Team>(200, "The team, with its `ETag`."),
        op(Method::PATCH, TEAM, "updateTeam", "Teams", "Rename a team", Needs::Platform)
            .taking(&[IF_MATCH])
            .body::<wire::UpdateTeam>()
            .answers::<wire::Team>(200, "The team.")
            .refuses(&[Code::Changed]),
        op(
            Method::DELETE,
            TEAM,
            "deleteTeam",
            "Teams",
            "Delete a team: streams end, deliveries are cancelled, everything is erased",
            Needs::Platform,
        )
        .taking(&[IF_MATCH])
        .answers_nothing()
        .refuses(&[Code::Changed]),
    ]
}

fn service() -> Vec<Operation> {
    let status = |_: &mut Schemas| json!({"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}});
    vec![
        op(Method::GET, "/healthz", "isAlive", "Service", "The process answers", Needs::Nothing).answers_as(
            200,
            "It does.",
            "application/json",
            status,
        ),
        op(
            Method::POST,
            "/v1/backup",
            "makeBackup",
            "Service",
            "A consistent copy of everything, made while publishing goes on; without the master key, which opens the secrets in it",
            Needs::Platform,
        )
        .answers_as(200, "The copy, for `cstar restore`.", "application/octet-stream", |_| json!({"type": "string", "format": "binary"}))
        .refuses(&[Code::Conflict]),
        op(Method::GET, "/readyz", "isReady", "Service", "A publish would be taken", Needs::Nothing)
            .answers_as(200, "It would.", "application/json", status)
            .refuses(&[Code::ShuttingDown, Code::StorageFull]),
        op(
            Method::GET,
            "/metrics",
            "readMetrics",
            "Service",
            "Metrics, unless they are served on an address of their own",
            Needs::Nothing,
        )
        .answers_as(200, "OpenMetrics.", "application/openmetrics-text", text)
        .refuses(&[Code::NotFound]),
        op(
            Method::GET,
            "/errors/{code}",
            "readErrorPage",
            "Service",
            "What a refusal's code means, and what to do",
            Needs::Nothing,
        )
        .answers_as(200, "The page.", "text/markdown", text)
        .refuses(&[Code::NotFound]),
        op(Method::GET, "/openapi.json", "readDescription", "Service", "This description", Needs::Nothing)
            .answers_as(200, "OpenAPI 3.1.", "application/json", |_| json!({"type": "object"})),
        op(Method::GET, "/docs", "readReference", "Service", "This description, as a page", Needs::Nothing)
            .answers_as(200, "The page.", "text/html", text),
    ]
}
