//! Sending by hand: an event to one webhook.

use cstar_testkit::Receiver;
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
