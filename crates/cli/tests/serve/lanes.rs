//! One endpoint never delays another.

use std::time::Duration;

use cstar_testkit::{Received, Receiver, Reply, until_within};

use crate::{cstar, ticket, with_team};

/// DLV-4: 200 endpoints that accept and never answer, more than there are slots, and one that is well: time after time
/// its next event is delivered at once, though it had nothing in flight, and not one attempt of the others has ended.
#[tokio::test]
async fn dlv_4_endpoints_that_hang_do_not_hold_up_one_that_is_well() {
    const HANGING: usize = 200;
    const SLOTS: usize = 64;
    const EVENTS: usize = 20;
    let patient = cstar()
        .flag("--max-in-flight", SLOTS.to_string())
        .flag("--webhooks-per-team", "1000")
        .flag("--attempt-timeout", "60s");
    let (_cstar, team) = with_team(patient).await;
    let script =
        |request: &Received| if request.path == "/well" { Reply::status(200) } else { Reply::never() };
    let receiver = Receiver::new(script).await;
    let well = team.webhook(&receiver.url("/well"), &["ticket.created"]).await.seen.id;
    team.publish("ticket.created", &ticket("its last attempt succeeded")).await;
    team.until_ended(&format!("webhook={well}"), 1).await;
    for number in 0..HANGING {
        team.webhook(&receiver.url(&format!("/hangs/{number}")), &["*"]).await;
    }

    team.publish("ticket.closed", &ticket("for those that hang")).await;
    receiver.until_received(1 + SLOTS / 2).await;
    for number in 1..=EVENTS {
        team.publish("ticket.created", &ticket(&format!("event {number}"))).await;
        // Half as long as an attempt of the others takes: were it to wait for one of them, this would be over.
        until_within(Duration::from_secs(30), "the event at the endpoint that is well", async || {
            (receiver.received_at("/well").len() > number).then_some(())
        })
        .await;
        team.until_ended(&format!("webhook={well}"), 1 + number).await;
    }
    let retrying: cstar_wire::List<serde_json::Value> = team.page("deliveries?status=retrying").await;
    assert_eq!(retrying.data.len(), 0, "not one of the others' attempts has ended");
}
