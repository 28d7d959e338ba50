//! SIGTERM: what was begun ends, what is open is told, and the next start goes on.

use cstar_testkit::{CstarProcess, Gate, Receiver, Reply, Stream, until};
use cstar_types::DeliveryStatus;

use crate::{cstar, ticket, with_team};

/// Waits until it takes no new connection.
async fn until_deaf(cstar: &CstarProcess) {
    let http = cstar.http();
    until("the server to take nothing new", async || http.try_get("/healthz").await.is_err().then_some(()))
        .await;
}

/// DLV-3: an attempt that is in flight ends and is recorded, so that the next start does not repeat it.
#[tokio::test]
async fn what_is_in_flight_ends_and_is_recorded() {
    let (mut cstar, team) = with_team(cstar()).await;
    let gate = Gate::closed();
    let held = gate.clone();
    let receiver = Receiver::new(move |_| Reply::status(200).behind(&held)).await;
    team.webhook(&receiver.url("/"), &["*"]).await;
    team.publish("ticket.created", &ticket("in flight")).await;
    receiver.until_received(1).await;
    cstar.terminate();
    until_deaf(&cstar).await;
    gate.open();
    assert_eq!(cstar.ended().await.code(), Some(0), "{}", cstar.log());

    cstar.start().await;
    let delivered = team.until_ended("", 1).await;
    assert_eq!((delivered[0].status, delivered[0].attempts), (DeliveryStatus::Delivered, 1));
    assert_eq!(receiver.received().len(), 1);
}

/// DLV-3: what was still waiting is delivered after the next start.
#[tokio::test]
async fn what_waits_is_delivered_after_the_next_start() {
    let (mut cstar, team) = with_team(cstar().flag("--retry-schedule", "2s,2s,2s")).await;
    let receiver = Receiver::new(|request| {
        Reply::status(if request.header("x-cstar-attempt") == "1" { 503 } else { 200 })
    })
    .await;
    team.webhook(&receiver.url("/"), &["*"]).await;
    team.publish("ticket.created", &ticket("waits")).await;
    receiver.until_received(1).await;
    cstar.restart().await;
    let delivered = team.until_ended("", 1).await;
    assert_eq!((delivered[0].status, delivered[0].attempts), (DeliveryStatus::Delivered, 2));
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].header("x-cstar-delivery"), received[1].header("x-cstar-delivery"));
}

/// R4, R6: streams are told when to come back, each at a time of its own, and from where.
#[tokio::test]
async fn streams_are_told_when_to_come_back() {
    let (mut cstar, team) = with_team(cstar()).await;
    let event = team.publish("ticket.created", &ticket("the last")).await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut stream = Stream::open(&team.http, &team.path("realtime"), Some("0")).await.unwrap().unwrap();
        while stream.next().await.expect("it goes on").name.is_some() {}
        streams.push(stream);
    }
    cstar.terminate();
    let mut waits = std::collections::BTreeSet::new();
    for stream in streams {
        let rest = stream.rest().await;
        let last = rest.last().expect("a word before the end");
        assert_eq!((last.name.as_deref(), &last.id), (Some("cstar.reconnect"), &event.position.to_string()));
        let told: serde_json::Value = serde_json::from_str(&last.data).unwrap();
        waits.insert(told["after_ms"].as_u64().expect("a number of milliseconds"));
    }
    assert!(waits.len() > 1, "they do not come back all at once: {waits:?}");
    assert_eq!(cstar.ended().await.code(), Some(0), "{}", cstar.log());
}
