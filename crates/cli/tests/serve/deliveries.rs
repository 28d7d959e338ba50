//! Webhooks through the real binary, with a schedule of milliseconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cstar_signature::{Headers, Secret, verify_body, verify_standard};
use cstar_testkit::{CstarProcess, Received, Receiver, Reply};
use cstar_types::{DeliveryStatus, Outcome};
use cstar_wire::{Attempt, DeliveryDetail, DeliveryRow};

use crate::{cstar, ticket, with_team};

/// Long enough to be told from one another, short enough to be waited for.
const WAITS: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(300), Duration::from_millis(400)];

/// A server that retries soon and gives an endpoint one second.
fn impatient() -> CstarProcess {
    cstar().flag("--retry-schedule", "200ms,300ms,400ms").flag("--attempt-timeout", "1s")
}

/// W1, W4, W5, W7, W36–W43, T4, T8: the event is posted to the webhooks whose patterns match, each request with the
/// stored bytes, the headers as published, and signatures that verify in both ways.
#[tokio::test]
async fn a_delivery_is_as_published() {
    let (_cstar, team) = with_team(impatient()).await;
    let receiver = Receiver::ok().await;
    let webhook = team.webhook(&receiver.url("/tickets"), &["ticket.*"]).await;
    team.webhook(&receiver.url("/created"), &["*.created"]).await;
    team.webhook(&receiver.url("/players"), &["player.level_up"]).await;
    let event = team.publish("ticket.created", &ticket("posted")).await;
    let rows = team.until_ended(&format!("event={}", event.id), 2).await;
    assert!(rows.iter().all(|row| row.status == DeliveryStatus::Delivered));

    let row = rows.iter().find(|row| row.webhook_id == webhook.seen.id).expect("its delivery");
    let [request] = &receiver.received_at("/tickets")[..] else { panic!("one request") };
    assert_eq!((request.method.as_str(), &request.body[..]), ("POST", event.envelope.as_bytes()));
    for (name, value) in [
        ("content-type", "application/json"),
        ("user-agent", "cStar-Webhooks/1"),
        ("x-cstar-event", "ticket.created"),
        ("x-cstar-delivery", &row.id.to_string()),
        ("x-cstar-attempt", "1"),
        ("x-cstar-test", ""),
        ("webhook-id", &event.id.to_string()),
    ] {
        assert_eq!(request.header(name), value, "{name}");
    }
    let signature = request.header("x-cstar-signature");
    assert!(
        signature.len() == 64 && signature.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        "{signature}"
    );
    let secret = Secret::parse(webhook.secret.reveal()).unwrap();
    verify_body(&secret, &request.body, Some(signature)).unwrap();
    let get = |name| request.headers.get(name).map(hyper::header::HeaderValue::as_bytes);
    let at = request.header("webhook-timestamp").parse().unwrap();
    verify_standard(&secret, Headers::from_fn(get), &request.body, at, 0).unwrap();
    assert_eq!((receiver.received_at("/created").len(), receiver.received_at("/players").len()), (1, 0));
}

/// W47, T7: any 2xx is success, whatever becomes of the body behind its head.
#[tokio::test]
async fn any_2xx_is_success() {
    let script = |request: &Received| match request.path.as_str() {
        "/unfinished" => Reply::status(200).unfinished_body("{"),
        "/endless" => Reply::status(200).endless_body(vec![b'x'; 64 * 1024]),
        "/large" => Reply::status(200).body(vec![b'x'; 1 << 20]),
        path => Reply::status(path[1..].parse().expect("a status")),
    };
    let paths = ["/200", "/201", "/202", "/204", "/226", "/299", "/unfinished", "/endless", "/large"];
    for (path, delivery) in deliver(&paths, script).await {
        let [attempt] = &delivery.attempts[..] else { panic!("{path}: {delivery:?}") };
        assert_eq!(
            (delivery.status, attempt.outcome),
            (DeliveryStatus::Delivered, Outcome::Success),
            "{path}"
        );
        assert!(attempt.response_body.len() <= 4096, "{path}: what is kept is bounded");
    }
}

/// W48, W49, W53, W54, T6, T7, T8: anything else is a failure and is retried three times, never earlier than the
/// schedule says; then the delivery is failed, and the webhook logs show each attempt and why. A redirect is not
/// followed.
#[tokio::test]
async fn anything_else_is_retried_and_then_failed() {
    let canary = Receiver::ok().await;
    let elsewhere = canary.url("/canary");
    let script = move |request: &Received| match request.path.as_str() {
        "/never" => Reply::never(),
        "/half-a-head" => Reply::raw("HTTP/1.1 200 OK\r\ncontent-").then_hang(),
        "/hang-up" => Reply::hang_up(),
        "/no-http" => Reply::raw("SSH-2.0-OpenSSH_9.2\r\n"),
        "/302" | "/307" => Reply::status(request.path[1..].parse().unwrap()).header("location", &elsewhere),
        path => Reply::status(path[1..].parse().expect("a status")),
    };
    let statuses = ["/300", "/302", "/304", "/307", "/400", "/401", "/404", "/410", "/429", "/500", "/503"];
    let others = ["/never", "/half-a-head", "/hang-up", "/no-http"];
    let paths: Vec<&str> = statuses.into_iter().chain(others).collect();
    for (path, delivery) in deliver(&paths, script).await {
        let outcome = match path {
            "/never" | "/half-a-head" => Outcome::Timeout,
            "/hang-up" => Outcome::Reset,
            "/no-http" => Outcome::BadResponse,
            _ => Outcome::HttpStatus,
        };
        assert_eq!(delivery.status, DeliveryStatus::Failed, "{path}");
        assert_eq!(delivery.attempts.len(), 4, "{path}: the first and three retries");
        for (attempt, number) in delivery.attempts.iter().zip(1..) {
            assert_eq!((attempt.number, attempt.outcome), (number, outcome), "{path}: {attempt:?}");
            assert_eq!(attempt.status_code, path[1..].parse().ok(), "{path}");
            assert!(!attempt.detail.is_empty(), "{path}: a sentence for people");
        }
        let waits: Vec<Duration> =
            delivery.attempts.windows(2).map(|pair| waited(&pair[0], &pair[1])).collect();
        assert!(waits.iter().zip(WAITS).all(|(waited, wait)| *waited >= wait), "{path}: {waits:?}");
    }
    assert_eq!(canary.connections(), 0, "no redirect was followed");
}

/// From the end of one attempt to the begin of the next.
fn waited(one: &Attempt, next: &Attempt) -> Duration {
    let ended = one.started_at.as_millis() + i64::from(one.duration_ms);
    // Both are cut to whole milliseconds.
    Duration::from_millis((next.started_at.as_millis() - ended + 1).try_into().unwrap_or_default())
}

/// One event to an endpoint at each path; answers what became of each, after checking what holds for all.
async fn deliver(
    paths: &[&'static str],
    script: impl Fn(&Received) -> Reply + Send + Sync + 'static,
) -> Vec<(&'static str, DeliveryDetail)> {
    let (_cstar, team) = with_team(impatient()).await;
    let receiver = Receiver::new(script).await;
    let mut webhooks = Vec::new();
    for path in paths {
        webhooks.push((*path, team.webhook(&receiver.url(path), &["ticket.created"]).await.seen.id));
    }
    let event = team.publish("ticket.created", &ticket("delivered or not")).await;
    let rows = team.until_ended(&format!("event={}", event.id), paths.len()).await;
    let mut details = Vec::new();
    for (path, webhook) in webhooks {
        let row = rows.iter().find(|row| row.webhook_id == webhook).expect("a delivery for each webhook");
        let detail = team.delivery(row.id).await;
        let requests = receiver.received_at(path);
        assert_eq!(requests.len(), detail.attempts.len(), "{path}: a request for each attempt on record");
        for (request, number) in requests.iter().zip(1..) {
            assert_eq!(request.header("x-cstar-delivery"), detail.id.to_string(), "{path}");
            assert_eq!(request.header("x-cstar-attempt"), number.to_string(), "{path}");
            assert_eq!(request.body, event.envelope, "{path}");
        }
        details.push((path, detail));
    }
    details
}

/// T8, W54: a delivery that failed is found in the logs, resent by hand under the same `x-cstar-delivery`, its attempts
/// counting on; while one is pending it cannot be resent.
#[tokio::test]
async fn a_failed_delivery_is_resent_under_its_name() {
    let (_cstar, team) = with_team(impatient()).await;
    let works = Arc::new(AtomicBool::new(false));
    let answer = Arc::clone(&works);
    let receiver =
        Receiver::new(move |_| Reply::status(if answer.load(Ordering::Relaxed) { 200 } else { 500 })).await;
    let webhook = team.webhook(&receiver.url("/"), &["*"]).await.seen.id;
    team.publish("ticket.created", &ticket("resent")).await;
    receiver.until_received(1).await;
    let pending = team.deliveries("").await[0].id;
    let resend = team.path(&format!("deliveries/{pending}/resend"));
    let early = team.http.post(&resend, "").await;
    assert_eq!((early.status, early.code().as_str()), (409, "conflict"), "{early}");

    let failed = team.until_ended(&format!("webhook={webhook}&status=failed"), 1).await.remove(0);
    assert_eq!((failed.id, failed.attempts), (pending, 4));
    works.store(true, Ordering::Relaxed);
    let resent = team.http.post(&resend, "").await;
    assert!((200..300).contains(&resent.status), "{resent}");
    team.until_ended(&format!("webhook={webhook}&status=delivered"), 1).await;
    let numbers: Vec<u32> =
        team.delivery(failed.id).await.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let received = receiver.received();
    assert_eq!(received[4].header("x-cstar-attempt"), "5");
    assert!(received.iter().all(|request| request.header("x-cstar-delivery") == failed.id.to_string()));
}

/// DLV-1, T8: an event that was published before is sent at once to a webhook that did not want it, and again under the same
/// `x-cstar-delivery`.
#[tokio::test]
async fn an_event_is_resent_to_a_webhook_that_did_not_want_it() {
    let (_cstar, team) = with_team(impatient()).await;
    let receiver = Receiver::ok().await;
    let event = team.publish("ticket.created", &ticket("late")).await;
    let webhook = team.webhook(&receiver.url("/"), &["boss.*"]).await.seen.id;
    let resend = async || {
        let path = team.path(&format!("events/{}/resend", event.id));
        let body = serde_json::json!({"webhook": webhook}).to_string();
        let row: DeliveryRow = team.http.post(&path, body).await.expect(200).read();
        team.until_ended(&format!("webhook={webhook}&status=delivered"), 1).await;
        row.id
    };
    let (made, reopened) = (resend().await, resend().await);
    assert_eq!(made, reopened);
    let received = receiver.received();
    let numbers: Vec<&str> = received.iter().map(|request| request.header("x-cstar-attempt")).collect();
    assert_eq!(numbers, ["1", "2"]);
    for request in &received {
        assert_eq!((&request.body[..], request.header("x-cstar-test")), (event.envelope.as_bytes(), ""));
        assert_eq!(request.header("x-cstar-delivery"), made.to_string());
    }
}

/// T20, T7: a test of a webhook is sent at once, to it alone and as a test event that streams see, and answered with its attempt,
/// of an endpoint that does not answer as well.
#[tokio::test]
async fn a_test_of_a_webhook_is_answered_with_its_attempt() {
    let (_cstar, team) = with_team(impatient().flag("--retry-schedule", "1h")).await;
    let receiver =
        Receiver::new(|request| if request.path == "/never" { Reply::never() } else { Reply::status(204) })
            .await;
    let works = team.webhook(&receiver.url("/works"), &["boss.*"]).await.seen.id;
    let never = team.webhook(&receiver.url("/never"), &["*"]).await.seen.id;
    let test = async |webhook| -> Attempt {
        let path = team.path(&format!("webhooks/{webhook}/test"));
        team.http.post(&path, "{}".to_owned()).await.expect(200).read()
    };
    let attempt = test(works).await;
    assert_eq!((attempt.number, attempt.outcome, attempt.status_code), (1, Outcome::Success, Some(204)));
    let [request] = &receiver.received()[..] else { panic!("one request, to that webhook alone") };
    assert_eq!(
        (request.path.as_str(), request.header("x-cstar-event"), request.header("x-cstar-test")),
        ("/works", "boss.spawned", "true")
    );
    let attempt = test(never).await;
    assert_eq!((attempt.number, attempt.outcome, attempt.status_code), (1, Outcome::Timeout, None));
    let log = team.log().await;
    assert_eq!(log.len(), 2);
    assert_eq!(log[0].1.as_bytes(), &receiver.received_at("/works")[0].body[..]);
    assert!(log.iter().all(|(_, envelope)| envelope.starts_with("{\"id\":\"evt_test_")), "{log:?}");
}

/// DLV-1, DLV-2: a webhook that is disabled gets nothing more; what waited for it is cancelled, and says so.
#[tokio::test]
async fn a_disabled_webhook_gets_nothing_more() {
    let (_cstar, team) = with_team(impatient().flag("--retry-schedule", "1h")).await;
    let receiver = Receiver::new(|_| Reply::status(500)).await;
    let webhook = team.webhook(&receiver.url("/"), &["*"]).await.seen.id;
    team.publish("ticket.created", &ticket("waits")).await;
    receiver.until_received(1).await;
    let path = team.path(&format!("webhooks/{webhook}"));
    let _ = team.http.call(hyper::Method::PATCH, &path, r#"{"enabled":false}"#).await.expect(200);
    let cancelled = team.until_ended("status=cancelled", 1).await;
    assert_eq!(cancelled[0].attempts, 1);
    team.publish("ticket.created", &ticket("for nobody")).await;
    assert_eq!(team.deliveries("").await.len(), 1, "no delivery was made");
}
