//! Nodes that each do a part of the work, over a real server.

use cstar_testkit::{PostgresServer, Receiver, StreamReader, Team, ticket};
use cstar_types::DeliveryStatus;
use serde_json::{Value, json};

use crate::cstar;
use crate::nodes::{at, node};

const EVENTS: usize = 20;

/// DLV-1, DLV-2, RT-1, LOG-2: what is published on a node that answers the API alone is sent by those that send, in order where that was
/// asked for, each once, and streamed by those that hold streams. What a node is not there for it says.
#[tokio::test]
async fn nodes_may_each_do_a_part() {
    let Some(postgres) = PostgresServer::start().await else { return };
    one_node_alone_does_everything().await;
    let store = postgres.url("postgres");
    let [mut api, mut sender, mut both] =
        ["api", "delivery", "delivery,realtime"].map(|roles| node(&store, "").flag("--roles", roles));
    tokio::join!(api.start(), sender.start(), both.start());
    let team = Team::create(&api.http()).await;
    let receiver = Receiver::ok().await;
    let webhook = team.webhook(&receiver.url("/any"), &["*"]).await.seen;
    let ordered = json!({"url": receiver.url("/ordered"), "events": ["*"], "ordered": true}).to_string();
    let _ = team.http.post(&team.path("webhooks"), ordered).await.expect(201);
    let reader = StreamReader::open(&both.http(), &team.path("realtime"), None).await;
    for title in 1..=EVENTS {
        team.publish("ticket.created", &ticket(&title.to_string())).await;
    }
    let frames = reader.until_events(EVENTS).await;
    assert_eq!(frames.len(), EVENTS);
    let deliveries = team.until_ended("", 2 * EVENTS).await;
    for delivery in &deliveries {
        assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Delivered, 1), "{delivery:?}");
    }
    let titles = receiver.received_at("/ordered").into_iter().map(|request| {
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        body["data"]["title"].as_str().expect("a title").to_owned()
    });
    assert!(titles.eq((1..=EVENTS).map(|title| title.to_string())), "in order");

    let before = receiver.received().len();
    let _ = team.http.post(&team.path(&format!("webhooks/{}/test", webhook.id)), "{}").await.expect(200);
    let resend = team.path(&format!("deliveries/{}/resend", deliveries[0].id));
    let _ = team.http.post(&resend, "").await;
    receiver.until_received(before + 2).await;

    for node in [&api, &sender, &both] {
        let _ = node.http().get("/readyz").await.expect(200);
        let _ = node.http().get("/metrics").await.expect(200);
    }
    let is_elsewhere = async |team: &Team, below: &str| {
        assert_eq!(team.http.get(&team.path(below)).await.expect(421).code(), "wrong_node", "{below}");
    };
    let [on_sender, on_both] = [&sender, &both].map(|node| at(node, &team));
    is_elsewhere(&team, "realtime").await;
    is_elsewhere(&on_sender, "realtime").await;
    is_elsewhere(&on_both, "events").await;
    let event = json!({"type": "ticket.created", "data": ticket("x")}).to_string();
    assert_eq!(on_both.http.post(&team.path("events"), event).await.expect(421).code(), "wrong_node");
}

async fn one_node_alone_does_everything() {
    let mut alone = cstar().flag("--roles", "api,delivery");
    let ended = alone.try_start().await.expect_err("it is refused").0;
    assert_eq!(ended.code(), Some(2), "{}", alone.log());
    assert!(alone.log().contains("--roles is for nodes that share a --store"), "{}", alone.log());
}
