//! One endpoint never delays another.

use std::time::Duration;

use cstar_testkit::{Received, Receiver, Reply, until_within};
use serde_json::json;

use crate::{cstar, ticket, with_team};

/// DLV-4: 200 endpoints that accept and never answer, more than there are slots, and one that is well: it gets every
/// event while not one attempt of the others has ended.
#[tokio::test]
async fn dlv_4_endpoints_that_hang_do_not_hold_up_one_that_is_well() {
    const HANGING: usize = 200;
    const EVENTS: usize = 50;
    let patient = cstar()
        .flag("--max-in-flight", "64")
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
        team.webhook(&receiver.url(&format!("/hangs/{number}")), &["ticket.created"]).await;
    }

    let event = json!({"type": "ticket.created", "data": ticket("for everybody")});
    let batch = json!({"events": vec![event; EVENTS]}).to_string();
    let _ = team.http.post(&team.path("events"), batch).await.expect(201);
    // Shorter than the attempts of the others take: if it had to wait for one of them, this would be over.
    until_within(Duration::from_secs(45), "every event at the endpoint that is well", async || {
        (receiver.received_at("/well").len() > EVENTS).then_some(())
    })
    .await;
    team.until_ended(&format!("webhook={well}"), EVENTS + 1).await;
    let hanging = receiver.received().iter().filter(|request| request.path != "/well").count();
    assert!(hanging > 1, "others were tried meanwhile");
    let retrying: cstar_wire::List<serde_json::Value> = team.page("deliveries?status=retrying").await;
    assert_eq!(retrying.data.len(), 0, "and not one of their attempts has ended");
}
