//! Each row of the table of refusals that a request can reach.

use std::collections::BTreeSet;

use cstar_store::Upkeep;
use cstar_types::limits::{BATCH_MAX_BYTES, BATCH_MAX_EVENTS, COMMIT_MAX_DELIVERIES, WEBHOOKS_A_TEAM};
use cstar_wire::Code;
use http::Method;
use serde_json::json;

use crate::world::{Answer, TICKET, World};

/// What no request can bring about here: the store's own states, which the table in `error.rs` maps, and what is counted
/// by streams.
const ELSEWHERE: [Code; 6] = [
    Code::InProgress,
    Code::TooManyStreams,
    Code::Internal,
    Code::QueueFull,
    Code::OutcomeUnknown,
    Code::StorageFull,
];

fn event(event_type: &str, data: &str) -> String {
    format!(r#"{{"type":"{event_type}","data":{data}}}"#)
}

fn ticket_batch(events: usize) -> String {
    format!(r#"{{"events":[{}]}}"#, vec![event("ticket.created", TICKET); events].join(","))
}

/// Every refusal is a whole problem document, its `type` leads to a page, and every code is either met here or named
/// above.
#[tokio::test]
async fn each_row_of_the_table_is_met() {
    let mut met: BTreeSet<Code> = ELSEWHERE.into();
    for (code, answer) in refusals().await {
        let page = World::new()
            .get(answer.refused(code).kind.into_owned())
            .without("authorization")
            .await
            .expect(200);
        assert!(page.text().starts_with(&format!("# `{code}`")));
        met.insert(code);
    }
    let missed: Vec<Code> = Code::ALL.into_iter().filter(|code| !met.contains(code)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

async fn refusals() -> Vec<(Code, Answer)> {
    let mut all = by_header_and_path().await;
    all.push((Code::RateLimited, too_often().await));
    all.extend(by_key().await);
    all.extend(by_body().await);
    all.extend(by_state().await);
    all
}

async fn by_header_and_path() -> Vec<(Code, Answer)> {
    let world = World::new();
    let team = world.team().await;
    let events = format!("/v1/teams/{team}/events");
    let publish = || world.post(&*events, event("ticket.created", TICKET));
    let strict = World::with(|options| options.hosts = Some(Vec::new()));
    let without_api = World::with(|options| options.serves_api = false);
    let without_streams = World::with(|options| options.serves_streams = false);
    let mut rows = vec![
        (Code::WrongHost, strict.get("/v1/teams").header("host", "evil.example.com").await),
        (Code::WrongNode, without_api.post(&*events, event("ticket.created", TICKET)).await),
        (Code::WrongNode, without_api.get("/").await),
        (Code::WrongNode, without_streams.get(format!("/v1/teams/{team}/realtime")).await),
        (Code::MalformedHeader, publish().header("x-cstar-test", "yes").await),
        (Code::MalformedHeader, publish().header("idempotency-key", "").await),
        (Code::MalformedHeader, publish().header("idempotency-key", "k".repeat(256)).await),
        (Code::MalformedHeader, publish().header("idempotency-key", vec![0xff]).await),
        (Code::MalformedHeader, publish().header("authorization", "Bearer two").await),
        (Code::MalformedHeader, world.post(&*events, ticket_batch(1)).header("idempotency-key", "k").await),
        (Code::MalformedHeader, world.delete(format!("/v1/teams/{team}")).header("if-match", "3").await),
        (Code::UnsupportedMediaType, publish().without("content-type").await),
        (
            Code::UnsupportedMediaType,
            publish().without("content-type").header("content-type", "text/plain").await,
        ),
        (Code::UnsupportedMediaType, publish().header("content-encoding", "gzip").await),
        (Code::NotAcceptable, world.get(&*events).header("accept", "text/html").await),
        (Code::NotFound, world.get("/v1/nothing").await),
        (Code::NotFound, world.get("/").await),
        (Code::NotFound, world.get("/errors/nothing").await),
        (Code::NotFound, world.get("/v1/teams/no-uuid/events").await),
        (Code::NotFound, world.get(format!("{events}/")).await),
        (Code::NotFound, world.get(format!("{events}/%ff")).await),
        (Code::NotFound, world.get("/v1/teams/550e8400-e29b-41d4-a716-446655440000/events").await),
        (Code::NotFound, world.get("/v1/event-types/no.type").await),
        (
            Code::NotFound,
            world
                .post(
                    "/v1/teams/550e8400-e29b-41d4-a716-446655440000/events",
                    event("ticket.created", TICKET),
                )
                .await,
        ),
    ];
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=1&limit=1",
        "colour=red",
        "order=up",
        "since=now",
        "after=x",
        "after=evt_00000000000000000000000001",
    ] {
        rows.push((Code::BadQuery, world.get(format!("{events}?{query}")).await));
    }
    for query in ["types=**", "types=", "types=a.b,"] {
        rows.push((Code::InvalidPattern, world.get(format!("{events}?{query}")).await));
    }
    rows.push((Code::BadQuery, world.post(format!("{events}?x=1"), event("ticket.created", TICKET)).await));
    rows
}

/// A key that asks more often than it may: until it is refused, with what to do.
async fn too_often() -> Answer {
    let world = World::with(|options| options.requests_per_key = 5);
    let team = world.team().await;
    let key = world.key(team, &["events:read"], &["*"]).await;
    for _ in 0..10_000 {
        let answer = world.get(format!("/v1/teams/{team}/events")).key(&key).await;
        if answer.status == 429 {
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert_eq!(answer.header("ratelimit"), Some("\"key-requests\";r=0;t=1"));
            assert_eq!(answer.header("ratelimit-policy"), Some("\"key-requests\";q=5;w=1"));
            world.get(format!("/v1/teams/{team}/events")).await.expect(200); // the platform key
            return answer;
        }
    }
    panic!("10,000 requests were taken");
}

async fn by_key() -> Vec<(Code, Answer)> {
    let world = World::new();
    let (team, other) = (world.team().await, world.team().await);
    let events = format!("/v1/teams/{team}/events");
    let narrow = world.key(team, &["events:write"], &["ticket.*"]).await;
    let typo = narrow.replace(narrow.chars().last().unwrap(), "!");
    let stranger = World::new();
    let stranger_team = stranger.team().await;
    let unknown = stranger.key(stranger_team, &["events:read"], &["*"]).await;
    let short = json!({"name": "k", "scopes": ["events:read"], "expires_at": "2025-12-10T14:31:00Z"});
    let short = world.post(format!("/v1/teams/{team}/keys"), short).await.expect(201).value();
    let revoked = world
        .post(format!("/v1/teams/{team}/keys"), json!({"name": "k", "scopes": ["events:read"]}))
        .await
        .value();
    world.delete(format!("/v1/teams/{team}/keys/{}", revoked["id"].as_str().unwrap())).await.expect(204);
    world.wait_s(60);
    let link = json!({"link": "csl_unknown"});
    vec![
        (Code::Unauthenticated, world.get(&*events).without("authorization").await),
        (Code::Unauthenticated, world.get("/v1/nothing").without("authorization").await),
        (
            Code::Unauthenticated,
            world.get(&*events).without("authorization").header("authorization", "Basic x").await,
        ),
        (Code::Unauthenticated, world.get(&*events).key("platform-key-of-at-least-32-characterz").await),
        (Code::Unauthenticated, world.get(&*events).key(&typo).await),
        (Code::Unauthenticated, world.get(&*events).key(&unknown).await),
        (Code::KeyRevoked, world.get(&*events).key(revoked["key"].as_str().unwrap()).await),
        (Code::TokenExpired, world.get(&*events).key(short["key"].as_str().unwrap()).await),
        (Code::LinkInvalid, world.post("/v1/session", &link).without("authorization").await),
        (Code::CrossOrigin, world.post("/v1/session", &link).header("sec-fetch-site", "cross-site").await),
        (Code::WrongTeam, world.get(format!("/v1/teams/{other}/events")).key(&narrow).await),
        (Code::MissingScope, world.get(&*events).key(&narrow).await),
        (Code::MissingScope, world.get("/v1/teams").key(&narrow).await),
        (Code::OutsidePatterns, world.post(&*events, event("boss.spawned", "{}")).key(&narrow).await),
        (Code::MethodNotAllowed, world.ask(Method::PUT, &*events).await),
    ]
}

async fn by_body() -> Vec<(Code, Answer)> {
    let world = World::new();
    let team = world.team().await;
    let events = format!("/v1/teams/{team}/events");
    let webhooks = format!("/v1/teams/{team}/webhooks");
    let publish = |body: String| world.post(&*events, body);
    let ticket = |extra: &str| event("ticket.created", &TICKET.replacen('{', &format!("{{{extra},"), 1));
    let webhook = |extra: serde_json::Value| {
        let mut body = json!({"url": "https://example.com/", "events": ["*"]});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        world.post(&*webhooks, body)
    };
    vec![
        (Code::MalformedJson, publish("{".into()).await),
        (Code::MalformedJson, publish(String::new()).await),
        (Code::TooLarge, publish(" ".repeat(BATCH_MAX_BYTES + 1)).await),
        (Code::TooLarge, publish(ticket_batch(BATCH_MAX_EVENTS + 1)).await),
        (Code::TooLarge, publish(ticket(&format!(r#""x":"{}""#, "x".repeat(65_536)))).await),
        (Code::InvalidField, publish(r#"{"type":"ticket.created"}"#.into()).await),
        (Code::UnknownEventType, publish(event("ticket.create", TICKET)).await),
        (Code::UnknownEventType, publish(event("Ticket", TICKET)).await),
        (Code::SchemaViolation, publish(event("ticket.created", "{}")).await),
        (Code::UnsafeKey, publish(ticket(r#""__proto__":1"#)).await),
        (Code::UnsafeKey, publish(ticket(r#""constructor":{"prototype":1}"#)).await),
        (Code::DuplicateKey, publish(ticket(r#""\u0069d":1"#)).await),
        (Code::UnrepresentableNumber, publish(ticket(r#""n":9007199254740993"#)).await),
        (Code::InvalidPattern, webhook(json!({"events": ["**"]})).await),
        (Code::BlockedTarget, webhook(json!({"url": "https://inner.example.com/"})).await),
        (Code::InvalidField, webhook(json!({"filter": "x"})).await),
        (Code::InvalidField, webhook(json!({"ordered": "yes"})).await),
        (Code::InvalidField, webhook(json!({"rate_limit": 0})).await),
        (Code::InvalidField, world.post("/v1/teams", "[]").await),
        (Code::TooLarge, world.post("/v1/teams", json!({"name": "x".repeat(70_000)})).await),
    ]
}

async fn by_state() -> Vec<(Code, Answer)> {
    let world = World::new();
    let team = world.team().await;
    let path = format!("/v1/teams/{team}");
    let publish = |body: String| world.post(format!("{path}/events"), body);
    let mut rows = vec![
        (Code::Conflict, world.post("/v1/teams", json!({"name": "again", "id": team})).await),
        (Code::Changed, world.delete(&*path).header("if-match", "\"7\"").await),
    ];
    publish(event("ticket.created", TICKET)).header("idempotency-key", "k").await.expect(201);
    let reused = publish(event("ticket.updated", r#"{"id":"1"}"#)).header("idempotency-key", "k").await;
    rows.push((Code::IdempotencyKeyReused, reused));
    for _ in 0..WEBHOOKS_A_TEAM {
        world.webhook(team, &["*"]).await;
    }
    let one_more = json!({"url": "https://example.com/", "events": ["*"]});
    rows.push((Code::TooManyWebhooks, world.post(format!("{path}/webhooks"), one_more).await));
    let fan_out = ticket_batch(COMMIT_MAX_DELIVERIES / WEBHOOKS_A_TEAM + 1);
    rows.push((Code::FanOutTooLarge, publish(fan_out).await));
    world.store.close().await;
    rows.push((Code::ShuttingDown, publish(event("ticket.created", TICKET)).await));
    rows.push((Code::ShuttingDown, world.get("/readyz").await));
    rows
}

#[tokio::test]
async fn a_405_lists_what_the_path_takes() {
    let world = World::new();
    let team = world.team().await;
    let answer = world.ask(Method::PUT, format!("/v1/teams/{team}")).await.expect(405);
    let mut allowed: Vec<&str> = answer.header("allow").unwrap().split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "HEAD", "PATCH"]);
}

#[tokio::test]
async fn a_401_says_how_to_authenticate() {
    let answer = World::new().get("/v1/teams").without("authorization").await;
    assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="cstar""#));
}

#[tokio::test]
async fn refusals_that_a_repeat_can_cure_say_when() {
    let world = World::new();
    let team = world.team().await;
    world.store.close().await;
    let answer =
        world.post(format!("/v1/teams/{team}/events"), event("ticket.created", TICKET)).await.expect(503);
    assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
}

/// Every answer carries a request id: the caller's own if it is sane, and one that can be quoted otherwise.
#[tokio::test]
async fn every_answer_carries_a_request_id() {
    let world = World::new();
    for path in ["/healthz", "/v1/teams", "/nothing", "/metrics", "/readyz"] {
        let answer = world.get(path).header("x-request-id", "mine-1").await;
        assert_eq!(answer.header("x-request-id"), Some("mine-1"), "{path}");
        let answer = world.get(path).header("x-request-id", "a b").await;
        assert!(answer.header("x-request-id").unwrap().starts_with("req_"), "{path}");
    }
}

/// A fault of many fields is told at once, with the type that was probably meant.
#[tokio::test]
async fn all_bad_fields_are_told_at_once() {
    let world = World::new();
    let team = world.team().await;
    let body = format!(
        r#"{{"events":[{},{},{}]}}"#,
        event("ticket.create", TICKET),
        event("ticket.created", TICKET),
        event("ticket.closed", "{}"),
    );
    let problem = world.post(format!("/v1/teams/{team}/events"), body).await.refused(Code::UnknownEventType);
    assert_eq!(crate::world::pointers(&problem), ["/events/0/type", "/events/2/data/id"]);
    assert!(problem.errors[0].detail.contains("ticket.created"), "{problem}");
    assert_eq!(world.head(team).await, 0, "all or nothing");
}
