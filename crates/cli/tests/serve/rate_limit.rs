//! Webhooks that take so many attempts a second, through the real binary.

use cstar_testkit::Receiver;
use cstar_types::DeliveryStatus;
use cstar_wire::Webhook;
use hyper::Method;
use serde_json::{Value, json};

use crate::{cstar, ticket, with_team};

/// One attempt a second holds up nobody else: another webhook has everything while the limited one still waits, for longer than
/// all of this takes. Once the limit is taken away the rest arrives, each event once.
#[tokio::test]
async fn a_rate_limit_holds_up_nobody_else() {
    const EVENTS: usize = 200;
    let (_cstar, team) = with_team(cstar()).await;
    let receiver = Receiver::ok().await;
    let body = json!({"url": receiver.url("/limited"), "events": ["*"], "rate_limit": 1});
    let limited: Webhook = team.http.post(&team.path("webhooks"), body.to_string()).await.expect(201).read();
    assert_eq!(limited.rate_limit, Some(1));
    let other = team.webhook(&receiver.url("/other"), &["*"]).await.seen;
    let event = |number| json!({"type": "ticket.created", "data": ticket(&format!("event {number}"))});
    let batch: Vec<Value> = (0..EVENTS).map(event).collect();
    let _ = team.http.post(&team.path("events"), json!({"events": batch}).to_string()).await.expect(201);
    let served = team.until_ended(&format!("webhook={}", other.id), EVENTS).await;
    assert!(served.iter().all(|row| row.status == DeliveryStatus::Delivered));
    let waiting = team.deliveries(&format!("webhook={}&status=pending", limited.id)).await;
    assert!(!waiting.is_empty(), "the limited one has everything too");

    let path = team.path(&format!("webhooks/{}", limited.id));
    let free: Webhook = team
        .http
        .call(Method::PATCH, &path, json!({"rate_limit": null}).to_string())
        .await
        .expect(200)
        .read();
    assert_eq!(free.rate_limit, None);
    let all = team.until_ended(&format!("webhook={}", limited.id), EVENTS).await;
    assert!(all.iter().all(|row| (row.status, row.attempts) == (DeliveryStatus::Delivered, 1)));
    assert_eq!(receiver.received_at("/limited").len(), EVENTS);
}
