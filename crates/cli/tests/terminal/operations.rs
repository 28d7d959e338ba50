//! Long work from the command line: resends of many, recoveries, and how far they are.

use cstar_testkit::{Receiver, Reply};
use cstar_types::{Patterns, Timestamp, WebhookId};
use cstar_wire::{RecoverWebhook, ResendDeliveries, UpdateWebhook};
use insta::assert_snapshot;

use crate::scene::Scene;
use crate::ticket;

/// A receiver that answers 503 to the first attempt at each delivery, and 200 to those that follow.
async fn late() -> Receiver {
    Receiver::new(|request| Reply::status(if request.header("x-cstar-attempt") == "1" { 503 } else { 200 }))
        .await
}

/// A server that does not retry, and three deliveries that failed.
async fn three_failures(receiver: &Receiver) -> (Scene, WebhookId) {
    let scene = Scene::with(crate::cstar().flag("--retry-schedule", "")).await;
    let webhook = scene.team.webhook(&receiver.url("/"), &["ticket.*"]).await.seen.id;
    for title in ["a", "b", "c"] {
        scene.team.publish("ticket.created", &ticket(title)).await;
    }
    scene.team.until_ended("status=failed", 3).await;
    (scene, webhook)
}

/// T8: what a filter matches is counted, asked about, resent, and watched to the end.
#[tokio::test]
async fn all_that_failed_is_resent() {
    let receiver = late().await;
    let (scene, webhook) = three_failures(&receiver).await;
    let resend = async |flags: &str| scene.home.run(&format!("deliveries resend {flags}")).await;
    let filter = format!("--webhook {webhook} --status failed");
    assert_snapshot!(resend(&format!("{filter} --dry-run")).await, @r#"
    exit 0
    --- stdout
    {
      "deliveries": 3,
      "complete": true
    }
    "#);
    assert_snapshot!(resend(&filter).await, @r"
    exit 2
    --- stderr
    error: 3 deliveries will be resent
    hint:  nobody is there to be asked: say --yes if it shall be done
    ");
    assert_eq!(receiver.received().len(), 3, "nothing was resent yet");
    assert_snapshot!(resend(&format!("{filter} --yes")).await, @r#"
    exit 0
    --- stdout
    {
      "id": "op_xxxxxxxxxxxxxxxxxxxxxxxxxx",
      "kind": "resend",
      "filter": {
        "webhook": "wh_xxxxxxxxxxxxxxxxxxxxxxxxxx",
        "status": "failed",
        "types": null,
        "event": null,
        "since": null,
        "until": null
      },
      "status": "done",
      "failure": null,
      "done": 3,
      "skipped": 0,
      "created_at": "0000-00-00T00:00:00.000Z",
      "updated_at": "0000-00-00T00:00:00.000Z",
      "ended_at": "0000-00-00T00:00:00.000Z"
    }
    --- stderr
    op_xxxxxxxxxxxxxxxxxxxxxxxxxx goes on by itself; `cstar operations cancel op_xxxxxxxxxxxxxxxxxxxxxxxxxx` ends it
    "#);
    receiver.until_received(6).await;
    scene.team.until_ended("status=delivered", 3).await;
    assert_snapshot!(resend("--yes").await, @r"
    exit 2
    --- stderr
    error: which deliveries shall be resent?
    hint:  give an id, or at least one of --webhook, --status, --types, --event, --since, --until
    ");
    assert_snapshot!(resend("--status pending --yes").await, @r"
    exit 5
    --- stderr
    error: invalid_field: A field has a wrong value
      /status  only what has ended is resent: write delivered, failed or cancelled
      (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
}

/// DLV-1: what happened while a webhook was disabled reaches it after a recovery.
#[tokio::test]
async fn a_webhook_is_recovered() {
    let scene = Scene::set().await;
    let receiver = Receiver::ok().await;
    let webhook = scene.team.webhook(&receiver.url("/"), &["ticket.*"]).await.seen.id;
    let recover = format!("webhooks recover {webhook} --since 2020-01-01T00:00:00Z");
    scene.home.stdout(&format!("webhooks update {webhook} --disable")).await;
    scene.team.publish("ticket.created", &ticket("missed")).await;
    assert_snapshot!(scene.home.run(&recover).await, @r"
    exit 5
    --- stderr
    error: conflict: the webhook is disabled (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
    scene.home.stdout(&format!("webhooks update {webhook} --enable")).await;
    let begun = scene.home.stdout(&format!("{recover} --json --no-wait")).await;
    assert!(begun.starts_with("{\"id\":\"op_") && begun.contains("\"status\":\"running\""), "{begun}");
    receiver.until_received(1).await;
    let again = scene.home.run(&format!("{recover} --json")).await;
    assert_eq!(again.code, Some(0));
    assert!(again.stdout.contains("\"status\":\"done\",\"failure\":null,\"done\":0"), "{}", again.stdout);
}

/// Operations are listed, shown, and cancelled while they run.
#[tokio::test]
async fn operations_are_shown() {
    let receiver = late().await;
    let (scene, _) = three_failures(&receiver).await;
    assert_snapshot!(scene.home.run("operations list").await, @r"
    exit 0
    --- stderr
    none
    ");
    scene.home.stdout("deliveries resend --status failed --yes").await;
    let list = scene.home.run("operations list").await;
    assert_snapshot!(list, @r"
    exit 0
    --- stdout
    ID                             KIND    STATUS  DONE  SKIPPED  CREATED
    op_xxxxxxxxxxxxxxxxxxxxxxxxxx  resend  done    3     0        0000-00-00T00:00:00.000Z
    ");
    let line = scene.home.stdout("operations list --json").await;
    let operation: serde_json::Value = serde_json::from_str(&line).unwrap();
    let id = operation["id"].as_str().unwrap();
    assert_snapshot!(scene.home.run(&format!("operations get {id}")).await, @r#"
    exit 0
    --- stdout
    {
      "id": "op_xxxxxxxxxxxxxxxxxxxxxxxxxx",
      "kind": "resend",
      "filter": {
        "webhook": null,
        "status": "failed",
        "types": null,
        "event": null,
        "since": null,
        "until": null
      },
      "status": "done",
      "failure": null,
      "done": 3,
      "skipped": 0,
      "created_at": "0000-00-00T00:00:00.000Z",
      "updated_at": "0000-00-00T00:00:00.000Z",
      "ended_at": "0000-00-00T00:00:00.000Z"
    }
    "#);
    assert_snapshot!(scene.home.run(&format!("operations cancel {id}")).await, @r"
    exit 5
    --- stderr
    error: conflict: the operation has ended (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
}

/// The client's calls, each against the real server.
#[tokio::test]
async fn the_client_begins_and_follows_operations() {
    let receiver = late().await;
    let (scene, webhook) = three_failures(&receiver).await;
    let team = scene.team_client();
    let filter = ResendDeliveries { types: Some(Patterns::all()), ..ResendDeliveries::default() };
    let counted = team.deliveries().count_resend(&filter).await.unwrap();
    assert_eq!((counted.deliveries, counted.complete), (3, true));
    let off = UpdateWebhook { enabled: Some(false), ..UpdateWebhook::default() };
    let range = RecoverWebhook { since: Timestamp::from_millis(0), until: None };
    team.webhooks().update(webhook, &off).await.unwrap();
    let refused = team.webhooks().recover(webhook, &range).await.unwrap_err();
    assert_eq!(refused.code(), Some("conflict"));
    let resent = team.deliveries().resend_all(&filter).await.unwrap();
    let ended = cstar_testkit::until("the end of the resend", async || {
        Some(team.operations().get(resent.id).await.unwrap()).filter(|operation| operation.ended_at.is_some())
    })
    .await;
    assert_eq!((ended.done, ended.skipped), (0, 3));
    assert_eq!(team.operations().cancel(resent.id).await.unwrap_err().code(), Some("conflict"));
    let page = team.operations().list().next_page().await.unwrap().unwrap();
    assert_eq!(page.data, [ended]);
}
