//! Sending by hand: an event to one webhook, and a test of one.

use cstar_testkit::{PLATFORM_KEY, Receiver, Reply};
use insta::assert_snapshot;

use crate::scene::Scene;
use crate::ticket;

/// DLV-1: an event goes to a webhook that did not want it, and the delivery is shown.
#[tokio::test]
async fn an_event_is_resent_to_one_webhook() {
    let scene = Scene::set().await;
    let receiver = Receiver::ok().await;
    let webhook = scene.team.webhook(&receiver.url("/"), &["boss.*"]).await.seen.id;
    let event = scene.team.publish("ticket.created", &ticket("resent")).await.id;
    let resent = scene.home.run(&format!("events resend {event} --webhook {webhook}")).await;
    assert_snapshot!(resent, @r#"
    exit 0
    --- stdout
    {
      "id": "dlv_xxxxxxxxxxxxxxxxxxxxxxxxxx",
      "webhook_id": "wh_xxxxxxxxxxxxxxxxxxxxxxxxxx",
      "event_id": "evt_xxxxxxxxxxxxxxxxxxxxxxxxxx",
      "event_type": "ticket.created",
      "status": "pending",
      "cancel_reason": null,
      "attempts": 0,
      "created_at": "0000-00-00T00:00:00.000Z",
      "next_attempt_at": "0000-00-00T00:00:00.000Z",
      "last_attempt": null
    }
    "#);
    receiver.until_received(1).await;
}

/// What cannot be taken back is asked for; then nothing but the envelope is left.
#[tokio::test]
async fn an_events_data_is_erased() {
    let scene = Scene::set().await;
    let event = scene.team.publish("ticket.created", &ticket("erased")).await.id;
    assert_snapshot!(scene.home.run(&format!("events erase {event}")).await, @r"
    exit 2
    --- stderr
    error: the data of evt_xxxxxxxxxxxxxxxxxxxxxxxxxx will be erased for good, and what waits of it cancelled
    hint:  nobody is there to be asked: say --yes if it shall be done
    ");
    let line = format!("events erase {event} --yes");
    assert_snapshot!(scene.home.cstar(&line).env("CSTAR_KEY", PLATFORM_KEY).run().await, @r"
    exit 0
    --- stderr
    erased evt_xxxxxxxxxxxxxxxxxxxxxxxxxx
    ");
    let left = scene.home.stdout(&format!("events get {event}")).await;
    assert!(left.trim_end().ends_with(r#","data":{}}"#), "{left}");
}

/// T20: a test says what came of it, and a failed one is told by the exit code too.
#[tokio::test]
async fn a_webhook_is_tested() {
    let scene = Scene::with(crate::cstar().flag("--retry-schedule", "1h")).await;
    let receiver = Receiver::new(|request| {
        Reply::status(if request.header("x-cstar-event") == "boss.spawned" { 200 } else { 503 })
    })
    .await;
    let webhook = scene.team.webhook(&receiver.url("/"), &["boss.*"]).await.seen.id;
    let test = async |flags: &str| scene.home.run(&format!("webhooks test {webhook} {flags}")).await;
    assert_snapshot!(test("").await, @r"
    exit 0
    --- stdout
    success  200  N ms
    ");
    assert_snapshot!(test("--type ticket.created").await, @r"
    exit 6
    --- stdout
    http_status  503  N ms
    --- stderr
    error: your endpoint answered 503
    hint:  `cstar deliveries list --webhook wh_xxxxxxxxxxxxxxxxxxxxxxxxxx` shows its retries
    ");
    let json = test("--type ticket.created --json").await;
    assert_eq!((json.code, json.stdout.lines().count()), (Some(6), 1));
    assert!(json.stdout.starts_with("{\"number\":1,"), "{}", json.stdout);
    assert_snapshot!(test("--type ticket.create").await, @r"
    exit 5
    --- stderr
    error: unknown_event_type: No such event type
      /type  there is no such event type; did you mean ticket.created or ticket.updated or article.created?
      (request req_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
    ");
}
