//! Notices through the real binary: what the server does by itself reaches the operator's own endpoint, signed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cstar_signature::{Headers, Secret, verify_body, verify_standard};
use cstar_testkit::{CstarProcess, Http, Received, Receiver, Reply, Team, until};
use cstar_types::{Patterns, RetrySchedule, TeamId, WebhookId};
use cstar_wire::{CreateNoticeWebhook, CreateWebhook, CreatedNoticeWebhook, CreatedWebhook};
use hyper::Method;
use serde_json::{Value, json};

use crate::{cstar, ticket, with_team};

/// A notice is tried six times within two seconds: long enough for a restart in between.
fn patient() -> CstarProcess {
    cstar().flag("--retry-schedule", "400ms,400ms,400ms,400ms,400ms")
}

async fn hearing(http: &Http, url: String) -> CreatedNoticeWebhook {
    let asked = CreateNoticeWebhook { url, types: None, description: None };
    http.post("/v1/notices", serde_json::to_string(&asked).unwrap()).await.expect(201).read()
}

/// A webhook of the team's that answers badly, is given up after one attempt, and is disabled by 410.
async fn failing(team: &Team, url: &str) -> WebhookId {
    let asked = CreateWebhook {
        retry_schedule: Some("".parse::<RetrySchedule>().unwrap()),
        disable_on_gone: Some(true),
        ..CreateWebhook::new(url, Patterns::all())
    };
    let made = team.http.post(&team.path("webhooks"), serde_json::to_string(&asked).unwrap()).await;
    made.expect(201).read::<CreatedWebhook>().seen.id
}

/// The notices that came to a path, one for each delivery, with the last request of each.
fn notices(receiver: &Receiver, path: &str) -> Vec<(String, Received)> {
    let mut found: Vec<(String, Received)> = Vec::new();
    for request in receiver.received_at(path) {
        let delivery = request.header("x-cstar-delivery").to_owned();
        found.retain(|(known, _)| *known != delivery);
        found.push((delivery, request));
    }
    found
}

async fn until_notices(receiver: &Receiver, path: &str, count: usize) -> Vec<(String, Received)> {
    until(&format!("{count} notices at {path}"), async || {
        let found = notices(receiver, path);
        (found.len() >= count).then_some(found)
    })
    .await
}

/// The `data` of a notice, which is the operator's event and signed like every other.
#[track_caller]
fn data(request: &Received, secret: &str, notice: &str) -> Value {
    let secret = Secret::parse(secret).unwrap();
    verify_body(&secret, &request.body, Some(request.header("x-cstar-signature"))).unwrap();
    let get = |name| request.headers.get(name).map(hyper::header::HeaderValue::as_bytes);
    let at = request.header("webhook-timestamp").parse().unwrap();
    verify_standard(&secret, Headers::from_fn(get), &request.body, at, 0).unwrap();
    assert_eq!((request.header("x-cstar-event"), request.header("x-cstar-test")), (notice, ""));
    let envelope: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!((&envelope["type"], &envelope["team_id"]), (&json!(notice), &json!(TeamId::OPERATOR)));
    envelope["data"].clone()
}

/// DLV-3, SEC-3: a webhook that the server disables, and a delivery that fails for good, are told to the operator, over a kill,
/// with nothing of the event and nothing of the URL but its host. Notices that fail make none, and no team sees any.
#[tokio::test]
async fn the_operator_is_told_over_a_restart() {
    let (mut cstar, team) = with_team(patient()).await;
    let works = Arc::new(AtomicBool::new(false));
    let answer = Arc::clone(&works);
    let operator = Receiver::new(move |request| {
        Reply::status(if request.path == "/good" && answer.load(Ordering::Relaxed) { 200 } else { 503 })
    })
    .await;
    let secret = hearing(&cstar.http(), operator.url("/good")).await.secret;
    let bad = hearing(&cstar.http(), operator.url("/bad")).await.seen.id;
    let customer =
        Receiver::new(|request| Reply::status(if request.path.starts_with("/gone") { 410 } else { 503 }))
            .await;
    let gone = failing(&team, &customer.url("/gone/canary?token=canary")).await;
    let fails = failing(&team, &customer.url("/fails/canary?token=canary")).await;
    let event = team.publish("ticket.created", &ticket("canary")).await;

    let before = until_notices(&operator, "/good", 3).await;
    cstar.kill_9();
    let refused = operator.received_at("/good").len();
    works.store(true, Ordering::Relaxed);
    cstar.start().await;
    until("each notice to be taken", async || {
        let taken = operator.received_at("/good").split_off(refused);
        let taken: BTreeSet<_> = taken.iter().map(|one| one.header("x-cstar-delivery").to_owned()).collect();
        (taken.len() == 3).then_some(())
    })
    .await;
    let mut told = notices(&operator, "/good");
    let ids = |of: &[(String, Received)]| of.iter().map(|(id, _)| id.clone()).collect::<BTreeSet<_>>();
    assert_eq!(ids(&before), ids(&told), "T8: the same deliveries");
    assert!(told.iter().all(|(_, request)| !request.body.windows(6).any(|part| part == b"canary")));
    told.sort_by_key(|(_, request)| request.header("x-cstar-event").to_owned());
    let of = |webhook: WebhookId| {
        let deliveries =
            told[..2].iter().map(|(_, request)| data(request, secret.reveal(), "delivery.failed"));
        let mut of_webhook = deliveries.filter(|data| data["webhook_id"] == json!(webhook));
        of_webhook.next().expect("a notice of its delivery")
    };
    for (webhook, status) in [(gone, 410), (fails, 503)] {
        let delivery = &team.deliveries(&format!("webhook={webhook}")).await[0];
        let expected = json!({
            "team_id": team.id, "webhook_id": webhook, "delivery_id": delivery.id, "event_id": event.id,
            "event_type": "ticket.created", "attempts": 1, "outcome": "http_status", "status_code": status,
            "deliveries_failed": 1,
        });
        assert_eq!(of(webhook), expected);
    }
    let disabled = data(&told[2].1, secret.reveal(), "webhook.disabled");
    let since = &disabled["failing_since"];
    let expected = json!({
        "team_id": team.id, "webhook_id": gone, "url_host": "127.0.0.1", "reason": "gone", "failing_since": since,
    });
    assert!(since.is_string() && disabled == expected, "{disabled}");

    // Each is tried six times at the bad URL, and given up. The next notice tells that none was made of that.
    let list = async || cstar.http().get("/v1/notices").await.expect(200).read::<Value>();
    until("the bad URL's last attempts", async || {
        let last =
            notices(&operator, "/bad").into_iter().filter(|(_, last)| last.header("x-cstar-attempt") == "6");
        (last.count() == 3).then_some(())
    })
    .await;
    let next = failing(&team, &customer.url("/gone")).await;
    team.publish("boss.spawned", &json!({"id": "1"})).await;
    let told = until_notices(&operator, "/good", 5).await;
    let about = told.iter().map(|(_, request)| request.body.clone());
    assert!(about.into_iter().all(|body| !String::from_utf8_lossy(&body).contains(&bad.to_string())));
    assert_eq!(list().await["data"][0]["id"], json!(bad));
    assert!(list().await["data"][0]["failing_since"].is_string());
    is_hidden(&team, next).await;
}

/// What a team sees is its own, and there is no team of the operator's.
async fn is_hidden(team: &Team, webhook: WebhookId) {
    let of_teams: Value = team.http.get("/v1/teams").await.expect(200).read();
    assert_eq!(of_teams["data"].as_array().unwrap().len(), 1);
    let types: BTreeSet<_> =
        team.deliveries("").await.into_iter().map(|row| row.event_type.to_string()).collect();
    assert_eq!(types.into_iter().collect::<Vec<_>>(), ["boss.spawned", "ticket.created"]);
    let operators = format!("/v1/teams/{}", TeamId::OPERATOR);
    for rest in ["", "/events", "/webhooks", "/deliveries", "/realtime?until=head"] {
        let _ = team.http.get(&format!("{operators}{rest}")).await.expect(404);
    }
    let _ = team.http.call(Method::DELETE, &format!("/v1/notices/{webhook}"), "").await.expect(404);
}
