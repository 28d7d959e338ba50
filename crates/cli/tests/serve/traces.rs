//! Traces, as a collector receives them from the binary.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use cstar_testkit::{CstarProcess, Received, Receiver, Reply, Team, until};
use hyper::Method;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;

use crate::metrics::samples;
use crate::{cstar, ticket, with_team};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// The binary, sending its spans there every so often.
fn traced(collector: &str) -> CstarProcess {
    cstar().flag("--otlp-endpoint", collector).variable("OTEL_BSP_SCHEDULE_DELAY", "50")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every span that a collector was sent.
fn spans(collector: &Receiver) -> Vec<Span> {
    let read = |request: &Received| {
        assert_eq!(request.path, "/v1/traces");
        assert_eq!(request.headers["content-type"], "application/x-protobuf");
        ExportTraceServiceRequest::decode(&*request.body).expect("OTLP in protobuf")
    };
    let requests = collector.received();
    let resources = requests.iter().flat_map(|request| read(request).resource_spans);
    resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
}

/// The spans of this name, in the order of their beginnings, once there are so many.
async fn named(collector: &Receiver, name: &str, count: usize) -> Vec<Span> {
    until(&format!("{count} spans called {name}"), async || {
        let mut found: Vec<Span> = spans(collector).into_iter().filter(|span| span.name == name).collect();
        found.sort_by_key(|span| span.start_time_unix_nano);
        (found.len() >= count).then_some(found)
    })
    .await
}

/// Each attribute of a span, as text.
fn attributes(span: &Span) -> Vec<(&str, String)> {
    let text = |value: &Option<Value>| match value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    let attribute = |value: &Option<opentelemetry_proto::tonic::common::v1::AnyValue>| {
        text(&value.as_ref().and_then(|value| value.value.clone()))
    };
    span.attributes.iter().map(|pair| (pair.key.as_str(), attribute(&pair.value))).collect()
}

async fn publish_within(team: &Team, traceparent: &str, title: &str) -> u16 {
    let body = json!({"type": "ticket.created", "data": ticket(title)}).to_string();
    let headers = [("content-type", "application/json"), ("traceparent", traceparent)];
    team.http.send(Method::POST, &team.path("events"), &headers, body).await.unwrap().status
}

/// Publish, commit and every attempt stand in the caller's trace, and endpoints are told nothing of it.
#[tokio::test]
async fn a_publish_and_its_attempts_are_one_trace() {
    let collector = Receiver::ok().await;
    let flags = traced(&collector.url("")).flag("--retry-schedule", "10ms");
    let (_cstar, team) = with_team(flags).await;
    let tries = AtomicU16::new(0);
    let endpoint = Receiver::new(move |_| match tries.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::status(500),
        _ => Reply::status(200),
    })
    .await;
    let webhook = team.webhook(&endpoint.url("/"), &["*"]).await;
    assert_eq!(publish_within(&team, &format!("00-{TRACE}-{CALLER}-01"), "traced").await, 201);
    let delivery = team.until_ended("status=delivered", 1).await.remove(0);

    let publish = named(&collector, "publish", 1).await.remove(0);
    let commit = named(&collector, "commit", 1).await.remove(0);
    let attempts = named(&collector, "delivery attempt", 2).await;
    assert_eq!((hex(&publish.trace_id).as_str(), hex(&publish.parent_span_id).as_str()), (TRACE, CALLER));
    for child in [&commit, &attempts[0], &attempts[1]] {
        assert_eq!((hex(&child.trace_id).as_str(), &child.parent_span_id), (TRACE, &publish.span_id));
        assert!(child.start_time_unix_nano >= publish.start_time_unix_nano);
    }
    assert!(commit.end_time_unix_nano <= publish.end_time_unix_nano);
    let common = |number: u32, status: u32| {
        vec![
            ("cstar.event", delivery.event_id.to_string()),
            ("cstar.event_type", "ticket.created".to_owned()),
            ("cstar.webhook", webhook.seen.id.to_string()),
            ("cstar.delivery", delivery.id.to_string()),
            ("cstar.attempt", number.to_string()),
            ("http.response.status_code", status.to_string()),
        ]
    };
    let failed = [common(1, 500), vec![("error.type", "http_status".to_owned())]].concat();
    assert_eq!(attributes(&attempts[0]), failed);
    assert_eq!(attributes(&attempts[1]), common(2, 200));
    assert!(endpoint.received().iter().all(|request| !request.headers.contains_key("traceparent")));
}

/// Who decided not to record, decided it for all that follows; a refusal is recorded with its code.
#[tokio::test]
async fn the_caller_decides_what_is_recorded() {
    let collector = Receiver::ok().await;
    let (_cstar, team) = with_team(traced(&collector.url("/v1/traces"))).await;
    let endpoint = Receiver::ok().await;
    team.webhook(&endpoint.url("/"), &["*"]).await;
    assert_eq!(publish_within(&team, &format!("00-{TRACE}-{CALLER}-00"), "quiet").await, 201);
    team.until_ended("status=delivered", 1).await;
    let refused = team.http.post(&team.path("events"), r#"{"type":"ticket.created","data":{}}"#).await;
    assert_eq!(refused.status, 422);
    let publishes = named(&collector, "publish", 1).await;
    assert_eq!(attributes(&publishes[0])[1], ("error.type", refused.code()));
    assert_eq!(spans(&collector).len(), 1, "nothing of the first");
}

/// Nothing of a trace is stored: an attempt after a restart begins a trace of its own.
#[tokio::test]
async fn an_attempt_after_a_restart_stands_alone() {
    let collector = Receiver::ok().await;
    let (mut cstar, team) = with_team(traced(&collector.url(""))).await;
    let endpoint = Receiver::ok().await;
    team.webhook(&endpoint.url("/"), &["*"]).await;
    assert_eq!(publish_within(&team, &format!("00-{TRACE}-{CALLER}-01"), "traced").await, 201);
    let delivered = team.until_ended("status=delivered", 1).await.remove(0);
    let first = named(&collector, "delivery attempt", 1).await.remove(0);
    cstar.restart().await;
    let resent = team.http.post(&team.path(&format!("deliveries/{}/resend", delivered.id)), "").await;
    assert!((200..300).contains(&resent.status), "{resent}");
    let second = named(&collector, "delivery attempt", 2).await.remove(1);
    assert_eq!(attributes(&second)[..4], attributes(&first)[..4], "the same delivery");
    assert_eq!(attributes(&second)[4], ("cstar.attempt", "2".to_owned()));
    assert_ne!(hex(&second.trace_id), TRACE);
    assert_eq!(hex(&second.parent_span_id), "");
}

/// SEC-3: what is in a span is ids, types, numbers and codes; the collector's key is told to it alone.
#[tokio::test]
async fn nothing_secret_is_in_a_span() {
    let collector = Receiver::ok().await;
    let flags = traced(&collector.url("")).flag("--log", "trace");
    let (cstar, team) =
        with_team(flags.variable("OTEL_EXPORTER_OTLP_HEADERS", "x-collector-key=canary-of-the-collector"))
            .await;
    let endpoint = Receiver::ok().await;
    let webhook = team.webhook(&endpoint.url("/path-canary?query=canary"), &["*"]).await;
    publish_within(&team, &format!("00-{TRACE}-{CALLER}-01"), "data-canary").await;
    named(&collector, "delivery attempt", 1).await;
    named(&collector, "publish", 1).await;
    let secret = webhook.secret.reveal();
    for request in collector.received() {
        assert_eq!(request.headers["x-collector-key"], "canary-of-the-collector");
        let body = String::from_utf8_lossy(&request.body).into_owned();
        for told in ["canary", secret, team.http.key(), "127.0.0.1"] {
            assert!(!body.contains(told), "{told} in {body}");
        }
    }
    assert!(!cstar.log().contains("canary-of-the-collector"));
}

/// SEC-3: who redirects is no collector: its key goes nowhere else, and its spans are not counted as sent.
#[tokio::test]
async fn a_collector_that_redirects_is_not_followed() {
    let elsewhere = Receiver::ok().await;
    let there = elsewhere.url("/v1/traces");
    let collector = Receiver::new(move |_| Reply::status(307).header("location", &there)).await;
    let flags = traced(&collector.url("")).variable("OTEL_EXPORTER_OTLP_HEADERS", "x-collector-key=canary");
    let (cstar, team) = with_team(flags).await;
    team.publish("ticket.created", &ticket("traced")).await;
    until("spans to be refused", async || cstar.log().contains("spans cannot be sent").then_some(())).await;
    assert!(elsewhere.received().is_empty());
    assert_eq!(samples(&cstar.http()).await["cstar_spans_sent_total"], 0.0);
}

/// A collector that is not there, or refuses, costs its spans and nothing else; it is said once, and counted.
#[tokio::test]
async fn a_collector_that_fails_harms_nobody() {
    let heals = Arc::new(AtomicBool::new(false));
    let healed = Arc::clone(&heals);
    let collector = Receiver::new(move |_| match healed.load(Ordering::Relaxed) {
        false => Reply::status(400),
        true => Reply::status(200),
    })
    .await;
    let (cstar, team) = with_team(traced(&collector.url(""))).await;
    let endpoint = Receiver::ok().await;
    team.webhook(&endpoint.url("/"), &["*"]).await;
    for number in 0..20 {
        team.publish("ticket.created", &ticket(&format!("event {number}"))).await;
    }
    until("a batch", async || (!collector.received().is_empty()).then_some(())).await;
    team.publish("ticket.created", &ticket("in another batch")).await;
    team.until_ended("status=delivered", 21).await;
    until("another batch", async || (collector.received().len() > 1).then_some(())).await;
    let counted = samples(&cstar.http()).await;
    assert_eq!(counted["cstar_spans_sent_total"], 0.0);
    until("every span to be counted", async || {
        (samples(&cstar.http()).await["cstar_spans_recorded_total"] == 63.0).then_some(())
    })
    .await;
    assert_eq!(cstar.log().matches("spans cannot be sent").count(), 1);

    heals.store(true, Ordering::Relaxed);
    team.publish("ticket.created", &ticket("the last")).await;
    until("spans to be taken", async || {
        (samples(&cstar.http()).await["cstar_spans_sent_total"] > 0.0).then_some(())
    })
    .await;
    assert!(cstar.log().contains("spans are sent again"));
}

/// Nor does one that never answers, and it holds up no shutdown for long.
#[tokio::test]
async fn a_collector_that_hangs_holds_up_nobody() {
    let collector = Receiver::new(|_| Reply::never()).await;
    let (mut cstar, team) = with_team(traced(&collector.url(""))).await;
    for number in 0..20 {
        team.publish("ticket.created", &ticket(&format!("event {number}"))).await;
    }
    until("a batch", async || (!collector.received().is_empty()).then_some(())).await;
    cstar.terminate();
    let ended = tokio::time::timeout(Duration::from_secs(8), cstar.ended()).await;
    assert!(ended.expect("the last spans have three seconds").success());
}
