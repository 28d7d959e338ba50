//! Calls, against a server that plays a script over TCP.

use std::time::Duration;

use cstar_types::{DeliveryStatus, EventId, Pattern, Patterns, Position, WebhookId};
use cstar_wire::{
    BatchEvent, Code, CreateTeam, CreateWebhook, Problem, Publish, PublishBatch, RotateSecret, TestWebhook,
    header,
};
use futures_util::TryStreamExt;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::testing::{Answer, Finish, Received, Server, envelope};
use crate::transport::Transport;
use crate::{
    BatchOptions, Client, Config, DeliveryQuery, Error, EventQuery, KeySource, NetworkError, Order,
    PublishOptions, TeamClient,
};

const TEAM: &str = "550e8400-e29b-41d4-a716-446655440000";

fn client(config: Config) -> Client {
    let mut transport = Transport::new(config).unwrap();
    transport.random = || 0.0;
    Client::from_transport(transport)
}

async fn serving(answers: impl IntoIterator<Item = Answer>) -> (Server, TeamClient) {
    let server = Server::start(answers.into_iter().collect()).await;
    let client = client(Config::new(server.url.clone(), KeySource::fixed("csk_1")));
    let team = client.team(TEAM.parse().unwrap());
    (server, team)
}

fn json(status: u16, body: impl Into<Value>) -> Answer {
    Answer::new(status, &[("content-type", "application/json")], body)
}

fn problem(code: Code) -> Answer {
    let body = serde_json::to_value(Problem::new(code, "what to do", "r-1")).unwrap();
    let headers =
        [("content-type", header::PROBLEM_MEDIA_TYPE), ("retry-after", "0"), (header::REQUEST_ID, "r-1")];
    Answer::new(code.status(), &headers, body)
}

fn broken() -> Answer {
    json(201, "{").then(Finish::Break)
}

fn published(status: u16, replayed: &str) -> Answer {
    let headers = [(header::POSITION, "1.41"), (header::IDEMPOTENCY_REPLAYED, replayed)];
    Answer::new(status, &headers, envelope(Position::new(1, 41)))
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn ticket() -> Publish {
    Publish { event_type: "ticket.created".parse().unwrap(), data: raw(r#"{"id":"41"}"#), webhooks: None }
}

fn paths(received: &[Received]) -> Vec<String> {
    received
        .iter()
        .map(|request| format!("{} {}", request.method, request.target.replace(TEAM, "T")))
        .collect()
}

/// T9: what is published goes out as it is given, and the envelope comes back byte for byte.
#[tokio::test]
async fn publishing_sends_the_data_and_returns_the_envelope() {
    let (server, team) = serving([published(201, "false")]).await;
    let event = Publish { data: raw(r#"{"b": 1.0, "a":"é"}"#), webhooks: Some(false), ..ticket() };
    let options = PublishOptions { idempotency_key: Some("mine".into()), test: true };
    let published = team.events().publish(&event, options).await.unwrap();
    assert_eq!(published.envelope.as_str(), envelope(Position::new(1, 41)));
    assert_eq!((published.position, published.replayed), (Position::new(1, 41), false));

    let request = &server.received()[0];
    assert_eq!(paths(&server.received()), ["POST /v1/teams/T/events"]);
    assert_eq!(request.body, r#"{"type":"ticket.created","data":{"b": 1.0, "a":"é"},"webhooks":false}"#);
    for (name, value) in [
        ("authorization", "Bearer csk_1"),
        ("content-type", "application/json"),
        ("idempotency-key", "mine"),
        ("x-cstar-test", "true"),
        ("user-agent", concat!("cstar-client/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(request.headers[name], value);
    }
}

/// A publish whose outcome is not known is settled by repeating it with the same key.
#[tokio::test]
async fn a_publish_is_repeated_with_one_key() {
    let (server, team) =
        serving([broken(), problem(Code::OutcomeUnknown), problem(Code::InProgress), published(200, "true")])
            .await;
    let published = team.events().publish(&ticket(), PublishOptions::default()).await.unwrap();
    assert!(published.replayed);

    let keys: Vec<_> =
        server.received().iter().map(|request| request.headers["idempotency-key"].clone()).collect();
    assert_eq!(keys.len(), 4);
    assert!(keys[0].len() == 32 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn each_event_of_a_batch_gets_a_key() {
    let at = Position::new(1, 41);
    let body = format!(r#"{{"data":[{0},{0}],"positions":["1.41","1.42"]}}"#, envelope(at));
    let (server, team) = serving([problem(Code::QueueFull), json(201, body)]).await;
    let event = |key: Option<&str>| BatchEvent {
        event_type: "ticket.created".parse().unwrap(),
        data: raw("{}"),
        idempotency_key: key.map(str::to_owned),
    };
    let batch = PublishBatch { events: vec![event(Some("mine")), event(None)], webhooks: None };
    let published = team.events().publish_batch(batch, BatchOptions::default()).await.unwrap();
    assert_eq!(published.data[1].as_str(), envelope(at));
    assert_eq!(published.positions, [at, Position::new(1, 42)]);

    let received = server.received();
    let body: Value = serde_json::from_str(&received[0].body).unwrap();
    assert_eq!(body["events"][0]["idempotency_key"], "mine");
    assert_eq!(body["events"][1]["idempotency_key"].as_str().unwrap().len(), 32);
    assert_eq!(received[0].body, received[1].body);
    assert!(!received[0].headers.contains_key("idempotency-key"));
}

#[tokio::test]
async fn what_changes_something_is_repeated_only_where_nothing_was_done() {
    let team_answer = json!({"id": TEAM, "name": "n", "created_at": "2025-12-10T14:30:00.000Z"});
    for (first, repeated) in [
        (broken(), false),
        (problem(Code::OutcomeUnknown), false),
        (problem(Code::Internal), false),
        (problem(Code::QueueFull), true),
        (problem(Code::RateLimited), true),
    ] {
        let status = first.status;
        let server = Server::start(vec![first, json(201, team_answer.clone())]).await;
        let client = client(Config::new(server.url.clone(), KeySource::fixed("csk_1")));
        let created = client.teams().create(&CreateTeam { name: "n".into(), id: None }).await;
        assert_eq!(created.is_ok(), repeated, "{status}: {created:?}");
        assert_eq!(server.received().len(), if repeated { 2 } else { 1 }, "{status}");
    }
}

#[tokio::test]
async fn a_read_is_repeated_and_gives_up_with_the_last_refusal() {
    let (server, team) = serving([broken(), broken(), broken(), problem(Code::Internal), broken()]).await;
    let error = team.events().get("evt_00000000000000000000000041".parse().unwrap()).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(500), Some("internal")));
    assert_eq!(error.to_string(), "internal: what to do (request r-1)");
    assert_eq!(error.refusal().unwrap().request_id.as_deref(), Some("r-1"));
    assert_eq!(paths(&server.received()), ["GET /v1/teams/T/events/evt_00000000000000000000000041"; 4]);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_so() {
    let (server, team) = serving([]).await;
    let url = server.url.clone();
    drop(server);
    let create = CreateWebhook::new("http://h", Patterns::all());
    let mut error = team.webhooks().create(&create).await.unwrap_err();
    // Until the server's task has let go of its socket.
    for _ in 0..1000 {
        match &error {
            Error::Network(network) if !network.may_have_reached() => break,
            _ => error = team.webhooks().create(&create).await.unwrap_err(),
        }
    }
    let host = url.as_str().trim_end_matches('/');
    assert!(error.to_string().starts_with(&format!("cannot reach {host}: Connection refused")), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_a_timeout() {
    let server = Server::start(vec![json(200, "{").then(Finish::Stay); 4]).await;
    let mut config = Config::new(server.url.clone(), KeySource::fixed("csk_1"));
    config.timeout = Duration::from_millis(50);
    let error = client(config).event_types().get(&"boss.spawned".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{error}");
}

/// A key goes to the address that it was given for, and to no other.
#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let elsewhere = Server::start(vec![json(200, "{}")]).await;
    let (_server, team) = serving([Answer::new(302, &[("location", elsewhere.url.as_str())], "")]).await;
    let error = team.webhooks().get(WebhookId::from_bits(1)).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().location.as_deref(), Some(elsewhere.url.as_str()));
    assert!(error.to_string().contains("redirects"), "{error}");
    assert!(elsewhere.received().is_empty());
}

/// T13: whatever the call, a refused key is asked for once more where it comes from a function.
#[tokio::test]
async fn a_refused_key_is_asked_for_again() {
    let server = Server::start(vec![
        problem(Code::TokenExpired),
        json(204, ""),
        problem(Code::KeyRevoked),
        problem(Code::KeyRevoked),
    ])
    .await;
    let count = std::sync::atomic::AtomicU32::new(1);
    let key = KeySource::function(move || {
        let key = format!("key{}", count.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        async { Ok(key) }
    });
    let client = client(Config::new(server.url.clone(), key));
    client.teams().delete(TEAM.parse().unwrap()).await.unwrap();
    let error = client.teams().delete(TEAM.parse().unwrap()).await.unwrap_err();
    assert_eq!(error.code(), Some("key_revoked"));
    let keys: Vec<_> =
        server.received().iter().map(|request| request.headers["authorization"].clone()).collect();
    assert_eq!(keys, ["Bearer key1", "Bearer key2", "Bearer key2", "Bearer key3"]);
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let page = |seqs: &[u64], next: Value| {
        let rows: Vec<_> = seqs.iter().map(|seq| envelope(Position::new(1, *seq))).collect();
        let body =
            format!(r#"{{"data":[{}],"has_more":{},"next":{next}}}"#, rows.join(", "), !next.is_null());
        json(200, body)
    };
    let (server, team) =
        serving([page(&[3, 2], json!("a b")), page(&[], json!("c")), page(&[1], Value::Null)]).await;
    let query = EventQuery { order: Order::Ascending, ..EventQuery::default() };
    let rows: Vec<_> = team.events().list(&query).limit(2).rows().try_collect().await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.fields().unwrap().id.to_string()).collect();
    assert_eq!(ids, [3, 2, 1].map(|seq| format!("evt_{seq:026}")));
    assert_eq!(rows[0].as_str(), envelope(Position::new(1, 3)), "T9");
    assert_eq!(
        paths(&server.received()),
        [
            "GET /v1/teams/T/events?order=asc&limit=2",
            "GET /v1/teams/T/events?order=asc&limit=2&after=a+b",
            "GET /v1/teams/T/events?order=asc&limit=2&after=c",
        ]
    );
}

/// T3: what is not said is left to the server.
#[tokio::test]
async fn a_secret_is_rotated_and_its_overlap_ended() {
    let webhook = WebhookId::from_bits(1);
    let until = "2025-12-11T14:30:00.000Z";
    let answer = |until: Value| json!({"id": webhook, "secret": "whsec_new", "secret_overlap_until": until});
    let (server, team) =
        serving([json(200, answer(json!(until))), json(200, answer(Value::Null)), json(204, "")]).await;
    let webhooks = team.webhooks();
    let rotated = webhooks.rotate_secret(webhook, &RotateSecret::default()).await.unwrap();
    assert_eq!((rotated.id, rotated.secret.reveal()), (webhook, "whsec_new"));
    assert_eq!(rotated.secret_overlap_until.unwrap().to_string(), until);
    let at_once = RotateSecret { overlap_seconds: Some(0), secret: None };
    let rotated = webhooks.rotate_secret(webhook, &at_once).await.unwrap();
    assert_eq!(rotated.secret_overlap_until, None);
    webhooks.end_overlap(webhook).await.unwrap();

    let received = server.received();
    let path = "/v1/teams/T/webhooks/wh_00000000000000000000000001/secret";
    assert_eq!(
        paths(&received),
        [format!("POST {path}"), format!("POST {path}"), format!("DELETE {path}/previous")]
    );
    assert_eq!([&*received[0].body, &received[1].body], ["{}", r#"{"overlap_seconds":0}"#]);
}

/// DLV-1, T20: an event to one webhook, and a test of one, whose failed attempt is an answer like any other. Neither is repeated
/// by itself: it may have been sent.
#[tokio::test]
async fn an_event_is_resent_and_a_webhook_tested() {
    let (webhook, event) = (WebhookId::from_bits(1), EventId::from_bits(2, false));
    let delivery = json!({
        "id": "dlv_00000000000000000000000003", "webhook_id": webhook, "event_id": event,
        "event_type": "ticket.created", "status": "pending", "cancel_reason": null, "attempts": 0,
        "created_at": "2025-12-10T14:30:00.000Z", "next_attempt_at": "2025-12-10T14:30:00.000Z", "last_attempt": null,
    });
    let attempt = json!({
        "number": 1, "started_at": "2025-12-10T14:30:00.000Z", "duration_ms": 7, "outcome": "http_status",
        "status_code": 503, "detail": "your endpoint answered 503", "response_headers": [], "response_body": "",
        "request": null,
    });
    let answers = [json(200, delivery), json(200, attempt), problem(Code::OutcomeUnknown)];
    let (server, team) = serving(answers).await;
    let resent = team.deliveries().resend_event(event, webhook).await.unwrap();
    assert_eq!((resent.webhook_id, resent.status), (webhook, DeliveryStatus::Pending));
    let test = TestWebhook { event_type: Some("boss.spawned".parse().unwrap()) };
    assert_eq!(team.webhooks().test(webhook, &test).await.unwrap().status_code, Some(503));
    let unknown = team.webhooks().test(webhook, &TestWebhook::default()).await.unwrap_err();
    assert_eq!(unknown.code(), Some("outcome_unknown"));

    let received = server.received();
    let path = format!("POST /v1/teams/T/webhooks/{webhook}/test");
    assert_eq!(paths(&received), [format!("POST /v1/teams/T/events/{event}/resend"), path.clone(), path]);
    let bodies: Vec<&str> = received.iter().map(|request| &*request.body).collect();
    assert_eq!(bodies, [&*format!(r#"{{"webhook":"{webhook}"}}"#), r#"{"type":"boss.spawned"}"#, "{}"]);
}

/// A server that always says that more follow does not keep a client for ever.
#[tokio::test]
async fn a_list_that_does_not_move_is_an_error() {
    let page = |next: Value| json(200, json!({"data": [], "has_more": true, "next": next}));
    let (_server, team) = serving([page(json!("a")), page(json!("a")), page(Value::Null)]).await;
    let mut pages = team.keys().list();
    assert!(pages.next_page().await.is_ok());
    for _ in 0..2 {
        assert!(matches!(pages.next_page().await, Err(Error::Protocol(_))));
    }
}

#[tokio::test]
async fn filters_are_sent() {
    let (server, team) = serving([json(200, json!({"data": [], "has_more": false, "next": null}))]).await;
    let query = DeliveryQuery {
        webhook: Some(WebhookId::from_bits(1)),
        status: Some(DeliveryStatus::Failed),
        types: Some(
            ["ticket.*", "boss.defeated"].iter().map(|text| text.parse::<Pattern>().unwrap()).collect(),
        ),
        event: Some("evt_00000000000000000000000041".parse().unwrap()),
        since: Some(cstar_types::Timestamp::from_millis(1500)),
        until: None,
    };
    let mut pages = team.deliveries().list(&query).after("dlv_7").before("dlv_9");
    assert!(pages.next_page().await.unwrap().unwrap().data.is_empty());
    assert!(pages.next_page().await.unwrap().is_none(), "the last page was there");
    assert_eq!(
        server.received()[0].target.split_once('?').unwrap().1,
        "webhook=wh_00000000000000000000000001&status=failed&types=ticket.*%2Cboss.defeated\
         &event=evt_00000000000000000000000041&since=1970-01-01T00%3A00%3A01.500Z&after=dlv_7&before=dlv_9"
    );
}

#[tokio::test]
async fn what_is_not_cstars_is_said_so() {
    let (_server, team) = serving([
        json(200, "<p>hello</p>"),
        Answer::new(404, &[("content-type", "text/html")], "<p>nothing here</p>"),
        json(200, "x".repeat(33 * 1024 * 1024)),
    ])
    .await;
    for expected in
        ["cannot be read", "an answer of 404 that is not cStar's", "an answer of more than 33554432 bytes"]
    {
        let error = team.webhooks().get(WebhookId::from_bits(1)).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn probes_are_asked_once() {
    let server = Server::start(vec![json(200, ""), problem(Code::ShuttingDown)]).await;
    let client = client(Config::new(server.url.clone(), KeySource::fixed("csk_1")));
    client.healthz().await.unwrap();
    assert_eq!(client.readyz().await.unwrap_err().status(), Some(503));
    assert_eq!(paths(&server.received()), ["GET /healthz", "GET /readyz"]);
}

#[test]
fn errors_are_plain_sentences() {
    let network = |sent| {
        let inner = std::io::Error::other("broken pipe");
        NetworkError { url: "http://h:1".into(), sent, source: Box::new(std::io::Error::other(inner)) }
    };
    assert_eq!(network(true).to_string(), "the connection to http://h:1 broke: broken pipe");
    assert_eq!(
        network(false).to_string(),
        "cannot reach http://h:1: broken pipe; check the address, and that the server runs"
    );
}
