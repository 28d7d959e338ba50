//! Webhooks whose deliveries go one at a time, in the log's order, through the real binary.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cstar_testkit::{Receiver, Reply, until};
use cstar_types::DeliveryStatus;
use cstar_wire::Webhook;
use hyper::Method;
use serde_json::{Value, json};

use crate::{cstar, ticket, with_team};

/// The titles of the tickets that came to a path, in the order of arrival.
fn titles(receiver: &Receiver, path: &str) -> Vec<String> {
    let received = receiver.received_at(path);
    let body = received.iter().map(|request| serde_json::from_slice::<Value>(&request.body).expect("JSON"));
    body.map(|body| body["data"]["title"].as_str().expect("a title").to_owned()).collect()
}

/// One that fails holds back those behind it, of its webhook alone, over a restart in the middle and a change of the webhook;
/// once it succeeds they follow in the log's order. What is resent goes before what stands behind it.
#[tokio::test]
async fn an_ordered_webhook_gets_the_log_in_its_order() {
    let schedule = format!("300ms{}", ",1s".repeat(30));
    let (mut cstar, team) = with_team(cstar().flag("--retry-schedule", schedule)).await;
    let works = Arc::new(AtomicBool::new(false));
    let answer = Arc::clone(&works);
    let receiver = Receiver::new(move |request| {
        let stuck = request.path == "/ordered" && !answer.load(Ordering::Relaxed);
        Reply::status(if stuck { 503 } else { 200 })
    })
    .await;
    let body = json!({"url": receiver.url("/ordered"), "events": ["ticket.*"], "ordered": true});
    let ordered: Webhook = team.http.post(&team.path("webhooks"), body.to_string()).await.expect(201).read();
    assert!(ordered.ordered);
    let other = team.webhook(&receiver.url("/other"), &["ticket.*"]).await.seen;
    let publish = async |title: &str| team.publish("ticket.created", &ticket(title)).await;
    for title in ["1", "2", "3"] {
        publish(title).await;
    }
    until("two attempts of the first", async || (titles(&receiver, "/ordered").len() >= 2).then_some(()))
        .await;
    cstar.restart().await;
    publish("4").await;
    let batch: Vec<Value> =
        ["5", "6"].map(|title| json!({"type": "ticket.created", "data": ticket(title)})).into();
    let _ = team.http.post(&team.path("events"), json!({"events": batch}).to_string()).await.expect(201);
    team.until_ended(&format!("webhook={}", other.id), 6).await;
    let before = titles(&receiver, "/ordered").len();
    until("another attempt", async || (titles(&receiver, "/ordered").len() > before).then_some(())).await;
    let path = team.path(&format!("webhooks/{}", ordered.id));
    let _ = team
        .http
        .call(Method::PATCH, &path, json!({"description": "still in order"}).to_string())
        .await
        .expect(200);
    assert!(titles(&receiver, "/ordered").iter().all(|title| title == "1"), "the others are held back");

    works.store(true, Ordering::Relaxed);
    let ended = team.until_ended(&format!("webhook={}", ordered.id), 6).await;
    assert!(ended.iter().all(|row| row.status == DeliveryStatus::Delivered));
    let came = titles(&receiver, "/ordered");
    let (firsts, rest) = came.split_at(came.len() - 5);
    assert!(firsts.iter().all(|title| title == "1"), "{came:?}");
    assert_eq!(rest, ["2", "3", "4", "5", "6"]);
}
