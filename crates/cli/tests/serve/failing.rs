//! Webhooks that only fail, with a rule of seconds instead of days.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cstar_testkit::{CstarProcess, Receiver, Reply, Team, until};
use cstar_types::{CancelReason, DeliveryStatus, DisabledReason, Timestamp, WebhookId, WebhookStatus};
use cstar_wire::Webhook;
use hyper::Method;
use serde_json::json;

use crate::{cstar, ticket, with_team};

/// With it a delivery is not given up before its webhook is disabled.
pub(crate) const WAITS: &str = "300ms,300ms,300ms,300ms,300ms,300ms,300ms,1h";

/// A server that disables after a second and four attempts.
pub(crate) fn hasty(waits: &str) -> CstarProcess {
    cstar().flag("--disable-after", "1s").flag("--disable-attempts", "4").flag("--retry-schedule", waits)
}

async fn webhook(team: &Team, id: WebhookId) -> Webhook {
    team.http.get(&team.path(&format!("webhooks/{id}"))).await.expect(200).read()
}

pub(crate) async fn until_disabled(team: &Team, id: WebhookId) -> Webhook {
    until("the webhook to be disabled", async || {
        let webhook = webhook(team, id).await;
        (webhook.status == WebhookStatus::Disabled).then_some(webhook)
    })
    .await
}

/// DLV-1, DLV-2: a webhook that has only failed is disabled and says why and since when, though the server was killed
/// meanwhile; what waits is cancelled with its cause, and nothing is delivered from then on. Enabled again it counts anew,
/// and gets from the log what it missed.
#[tokio::test]
async fn a_webhook_that_only_fails_is_disabled_and_recovered() {
    let (mut cstar, team) = with_team(hasty(WAITS)).await;
    let works = Arc::new(AtomicBool::new(false));
    let answer = Arc::clone(&works);
    let receiver =
        Receiver::new(move |_| Reply::status(if answer.load(Ordering::Relaxed) { 200 } else { 503 })).await;
    let id = team.webhook(&receiver.url("/"), &["*"]).await.seen.id;
    team.publish("ticket.created", &ticket("fails")).await;
    let since = until("the first failure", async || webhook(&team, id).await.failing_since).await;
    cstar.kill_9();
    cstar.start().await;

    let disabled = until_disabled(&team, id).await;
    assert_eq!(disabled.disabled_reason, Some(DisabledReason::Failing));
    assert_eq!(disabled.failing_since, Some(since));
    let [row] = &team.deliveries("").await[..] else { panic!("one delivery") };
    assert_eq!(
        (row.status, row.cancel_reason),
        (DeliveryStatus::Cancelled, Some(CancelReason::EndpointFailing))
    );
    assert!(row.attempts >= 4, "{row:?}");
    team.publish("ticket.created", &ticket("missed")).await;
    assert_eq!(team.deliveries("").await.len(), 1, "no delivery was made");
    assert!(cstar.log().contains("a webhook is disabled"), "{}", cstar.log());

    works.store(true, Ordering::Relaxed);
    let path = team.path(&format!("webhooks/{id}"));
    let enabled: Webhook =
        team.http.call(Method::PATCH, &path, r#"{"enabled":true}"#).await.expect(200).read();
    assert_eq!((enabled.disabled_reason, enabled.failing_since), (None, None));
    let from = Timestamp::from_millis(since.as_millis() - 60_000); // events are older than their attempts
    let begun = json!({"since": from}).to_string();
    let _ = team.http.post(&format!("{path}/recover"), begun).await.expect(202);
    team.until_ended("status=delivered", 2).await;
    assert_eq!(webhook(&team, id).await.failing_since, None);
}

/// A success forgets the failures before it: an endpoint that answers now and then is left alone.
#[tokio::test]
async fn a_webhook_that_succeeds_now_and_then_stays_enabled() {
    let (_cstar, team) = with_team(hasty("150ms,150ms,150ms")).await;
    let receiver = Receiver::new(|request| {
        let is_third = request.header("x-cstar-attempt") == "3";
        Reply::status(if is_third { 200 } else { 503 })
    })
    .await;
    let id = team.webhook(&receiver.url("/"), &["*"]).await.seen.id;
    for turn in 1..=5 {
        team.publish("ticket.created", &ticket("now and then")).await;
        team.until_ended("status=delivered", turn).await;
    }
    let webhook = webhook(&team, id).await;
    assert_eq!((webhook.status, webhook.failing_since), (WebhookStatus::Enabled, None));
    assert_eq!(receiver.received().len(), 15, "ten failures over more than a second");
}
