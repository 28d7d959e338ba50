//! Payload filters of webhooks, through the real binary.

use cstar_testkit::{Receiver, Team};
use cstar_wire::Webhook;
use hyper::Method;
use serde_json::{Value, json};

use crate::{cstar, with_team};

fn priority(priority: &str) -> Value {
    json!({"id": "00000000-0000-4000-8000-000000000000", "title": priority, "status": "open", "priority": priority})
}

async fn patch(team: &Team, webhook: &Webhook, change: Value) -> Webhook {
    let path = team.path(&format!("webhooks/{}", webhook.id));
    team.http.call(Method::PATCH, &path, change.to_string()).await.expect(200).read()
}

/// The priorities of the tickets that came to a path, sorted: what is in flight together may overtake.
fn priorities(receiver: &Receiver, path: &str) -> Vec<String> {
    let received = receiver.received_at(path);
    let body = |body: &[u8]| serde_json::from_slice::<Value>(body).expect("JSON");
    let priority = |body: Value| body["data"]["priority"].as_str().expect("a priority").to_owned();
    let mut all: Vec<String> = received.iter().map(|request| priority(body(&request.body))).collect();
    all.sort();
    all
}

/// DLV-1: a webhook gets the events that its filter lets through, before and behind a restart, and each change of the filter
/// counts from the next publish on; a recovery asks it too, and a resend of an event does not.
#[tokio::test]
async fn a_webhook_gets_what_its_filter_lets_through() {
    let (mut cstar, team) = with_team(cstar()).await;
    let receiver = Receiver::ok().await;
    let urgent = json!({"pointer": "/priority", "one_of": ["high", "urgent"]});
    let body = json!({"url": receiver.url("/filtered"), "events": ["ticket.*"], "filter": urgent});
    let filtered: Webhook = team.http.post(&team.path("webhooks"), body.to_string()).await.expect(201).read();
    let all = team.webhook(&receiver.url("/all"), &["ticket.created"]).await.seen;
    let publish = async |name: &str| team.publish("ticket.created", &priority(name)).await;
    for name in ["high", "low", "urgent"] {
        publish(name).await;
    }
    cstar.restart().await;
    for name in ["low", "high"] {
        publish(name).await;
    }
    team.until_ended(&format!("webhook={}", all.id), 5).await;
    team.until_ended(&format!("webhook={}", filtered.id), 3).await;
    assert_eq!(priorities(&receiver, "/filtered"), ["high", "high", "urgent"]);

    let low = json!({"filter": {"not": {"pointer": "/priority", "equals": "high"}}, "enabled": false});
    patch(&team, &filtered, low).await;
    let since = publish("high").await;
    let missed = publish("low").await;
    patch(&team, &filtered, json!({"enabled": true})).await;
    let recover = json!({"since": "2020-01-01T00:00:00Z"}).to_string();
    let path = team.path(&format!("webhooks/{}/recover", filtered.id));
    let _ = team.http.post(&path, recover).await.expect(202);
    // What it had no delivery of and lets through now: the two that it refused before, and the one that it missed.
    team.until_ended(&format!("webhook={}", filtered.id), 6).await;
    assert_eq!(team.deliveries(&format!("webhook={}&event={}", filtered.id, missed.id)).await.len(), 1);
    assert_eq!(team.deliveries(&format!("webhook={}&event={}", filtered.id, since.id)).await.len(), 0);

    let resend = json!({"webhook": filtered.id}).to_string();
    let path = team.path(&format!("events/{}/resend", since.id));
    let _ = team.http.post(&path, resend).await.expect(200);
    team.until_ended(&format!("webhook={}", filtered.id), 7).await;

    assert_eq!(patch(&team, &filtered, json!({"filter": null})).await.filter, None);
    publish("high").await;
    team.until_ended(&format!("webhook={}", filtered.id), 8).await;
}
