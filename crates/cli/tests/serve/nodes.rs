//! Several nodes that share a database, over real servers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use cstar_testkit::{
    Crash, CstarProcess, Evidence, Gate, Ledger, Life, NatsServer, PostgresServer, Received, Receiver, Reply,
    Stream, StreamReader, Team, Verdict, Watched, ticket, until,
};
use futures_util::future::join_all;
use hyper::Method;
use serde_json::json;

use crate::cstar;

const MASTER_KEY: &str = "3f1c5be50a5d17aa7f1f7e2a6e1f0c4ad9a6a6a1c8b9e0d7f6e5d4c3b2a19080";

pub(crate) fn node(store: &str, doorbell: &str) -> CstarProcess {
    cstar()
        .variable("CSTAR_STORE", store)
        .variable("CSTAR_DOORBELL", doorbell)
        .variable("CSTAR_MASTER_KEY", MASTER_KEY)
        .flag("--node-lease", "3s")
        .flag("--retry-schedule", "1s,1s,1s,1s,1s,1s,1s,1s,1s,1s")
}

/// The same team, asked of another node.
pub(crate) fn at(node: &CstarProcess, team: &Team) -> Team {
    Team { id: team.id, http: node.http() }
}

/// LOG-1, LOG-2, DLV-1, DLV-2, DLV-3, RT-1, SEC-2: what is published on one node is streamed by another in order; of a node that
/// is killed under load, in the middle of its lease, the others take over what it was about to send; bells that are lost and a
/// database that goes away cost time and nothing else. The ledger finds nothing lost.
#[tokio::test]
async fn what_nodes_share_outlives_one_of_them() {
    let Some(mut postgres) = PostgresServer::start().await else { return };
    let Some(mut nats) = NatsServer::start().await else { return };
    let (store, doorbell) = (postgres.url("postgres"), format!("nats://{}", nats.address()));
    a_database_that_cannot_be_used_refuses_the_start(&store).await;
    let [mut a, mut b, mut c] = [0; 3].map(|_| node(&store, &doorbell));
    tokio::join!(a.start(), b.start(), c.start());
    let team = Team::create(&a.http()).await;
    // Until a node is killed no attempt of its ends: it has something on its way then.
    let killed = Gate::closed();
    let behind = killed.clone();
    let receiver = Receiver::new(move |_| Reply::status(200).behind(&behind)).await;
    let webhook = team.webhook(&receiver.url("/webhook"), &["*"]).await;
    let reader = StreamReader::open(&b.http(), &team.path("realtime"), None).await;
    let ledger = Ledger::new("nodes");
    for count in 1..=10 {
        assert!(matches!(ledger.publish(&team).await, Verdict::Ok(_)));
        reader.until_events(count).await;
    }
    changes_on_one_node_hold_on_another(&a, &b).await;

    let begun = Instant::now();
    let [on_a, on_c] = [&a, &c].map(|node| at(node, &team));
    let load = join_all((0..8).map(|_| ledger.publish_until_refused(&on_c)));
    let beside = join_all((0..4).map(|_| async { join_all((0..40).map(|_| ledger.publish(&on_a))).await }));
    let kill = async {
        until("some publishes", async || (ledger.acknowledged() >= 120).then_some(())).await;
        c.kill_9();
        killed.open();
    };
    tokio::join!(load, beside, kill);

    nats.kill();
    assert!(matches!(ledger.publish(&on_a).await, Verdict::Ok(_)));
    ledger.settle(&on_a).await;
    reader.until_events(on_a.log().await.len()).await;

    postgres.stop();
    let asked = a.http();
    let away = until("a database that is away", async || {
        let answer = asked.get("/readyz").await;
        (answer.status == 503).then_some(answer)
    });
    assert_eq!(away.await.code(), "queue_full");
    let event = json!({"type": "ticket.created", "data": ticket("x")}).to_string();
    let refused = asked.post(&team.path("events"), event).await.expect(503);
    assert!(!refused.header("retry-after").is_empty(), "{refused}");
    postgres.start_again().await;
    until("a node that is ready again", async || (asked.get("/readyz").await.status == 200).then_some(()))
        .await;
    assert!(matches!(ledger.publish(&on_a).await, Verdict::Ok(_)));

    let watched = [Watched { webhook: &webhook, receiver: &receiver }];
    let life = Life { crashes: vec![Crash::since(begun); 2], ..Life::default() };
    let evidence = Evidence::gather(&ledger, &on_a, &watched, &reader, life).await;
    evidence.judge(&ledger, String::new);
    assert_eq!(reader.connections().len(), 1, "the stream stayed open all the while");
    assert!(a.runs() && b.runs());
}

/// SEC-2: a key that is revoked on one node opens nothing on another, and its streams end; a webhook that is changed on one is
/// another's, too.
async fn changes_on_one_node_hold_on_another(a: &CstarProcess, b: &CstarProcess) {
    let from_a = a.http();
    let team = Team::create(&from_a).await;
    let key = team.key(&["events:read", "events:write"], &["*"]).await;
    let on_b = at(b, &team).with_key(&key);
    let stream =
        Stream::open(&on_b.http, &team.path("realtime"), None).await.expect("an answer").expect("a stream");
    let (old, new) = (Receiver::ok().await, Receiver::ok().await);
    let webhook = team.webhook(&old.url("/"), &["*"]).await.seen;
    on_b.publish("ticket.created", &ticket("1")).await;
    old.until_received(1).await;
    let change = json!({"url": new.url("/")}).to_string();
    let _ = a
        .http()
        .call(Method::PATCH, &team.path(&format!("webhooks/{}", webhook.id)), change)
        .await
        .expect(200);
    until("a delivery to the new URL", async || {
        on_b.publish("ticket.created", &ticket("2")).await;
        (!new.received().is_empty()).then_some(())
    })
    .await;
    let _ = from_a.call(Method::DELETE, &team.path(&format!("keys/{}", key.seen.id)), "").await;
    let frames = stream.rest().await;
    assert_eq!(
        frames.last().and_then(|frame| frame.name.as_deref()),
        Some("cstar.unauthorized"),
        "{frames:?}"
    );
    assert_eq!(on_b.http.get(&team.path("events")).await.expect(401).code(), "key_revoked");
}

/// What is wrong with a database is said at the start, with what to do, and by the exit code.
async fn a_database_that_cannot_be_used_refuses_the_start(store: &str) {
    let refused = async |store: &str, code: i32, says: &str| {
        let mut node = node(store, "");
        let ended = node.try_start().await.expect_err("it is refused").0;
        assert_eq!(ended.code(), Some(code), "{}", node.log());
        assert!(node.log().contains(says) && !node.log().contains("testkit-postgres"), "{}", node.log());
    };
    let (guess, nowhere) = (
        store.replace("testkit-postgres", "wrong"),
        format!("{}nowhere", store.trim_end_matches("postgres")),
    );
    tokio::join!(
        refused("mysql://testkit-postgres@db/cstar", 2, "postgres://user:password@host"),
        refused("postgres://cstar:testkit-postgres@127.0.0.1:1/cstar", 4, "check that it runs"),
        refused(&guess, 2, "check the user and the password"),
        refused(&nowhere, 2, "there is no such database"),
    );
}

/// DLV-3: nodes are stopped and started one after the other, under load. One that is told to stop leaves at once what waits, while it
/// has something on its way, and records that: each delivery has one attempt, and none waits for a lease to run out, which takes
/// longer here than the test may.
#[tokio::test]
async fn nodes_are_restarted_in_turn_and_nothing_is_repeated_or_waits() {
    const WAITING: usize = 10;
    let Some(postgres) = PostgresServer::start().await else { return };
    let store = postgres.url("postgres");
    let mut nodes =
        [0; 3].map(|_| node(&store, "").flag("--node-lease", "10m").flag("--attempt-timeout", "30s"));
    let [a, b, c] = &mut nodes;
    tokio::join!(a.start(), b.start(), c.start());
    let team = Team::create(&nodes[0].http()).await;
    let published = AtomicUsize::new(0);
    let publish = async |team: &Team, title: &str| {
        team.publish("ticket.created", &ticket(title)).await;
        published.fetch_add(1, Ordering::Relaxed);
    };
    let receiver = Receiver::ok().await;
    team.webhook(&receiver.url("/any"), &["*"]).await;
    for stops in 0..nodes.len() {
        // The first attempt at an endpoint that nobody knows is alone on its way: the others wait in this node's memory.
        let ends = Gate::closed();
        let first = (ends.clone(), AtomicBool::new(true));
        let slow = Receiver::new(move |_| {
            let ok = Reply::status(200);
            if first.1.swap(false, Ordering::Relaxed) { ok.behind(&first.0) } else { ok }
        })
        .await;
        let on_it = at(&nodes[stops], &team);
        let webhook = on_it.webhook(&slow.url("/slow"), &["ticket.*"]).await.seen;
        for _ in 0..WAITING {
            publish(&on_it, "waits").await;
        }
        let waited = |request: &Received| String::from_utf8_lossy(&request.body).contains("waits");
        slow.until_received(1).await;
        let others = [1, 2].map(|next| at(&nodes[(stops + next) % nodes.len()], &team));
        let over = AtomicBool::new(false);
        let load = join_all(others.iter().map(async |team| {
            while !over.load(Ordering::Relaxed) {
                publish(team, "load").await;
            }
        }));
        let restart = async {
            nodes[stops].terminate();
            until("what waited on the node that is stopped", async || {
                (slow.received().iter().filter(|request| waited(request)).count() == WAITING).then_some(())
            })
            .await;
            assert!(nodes[stops].runs(), "it has something on its way");
            ends.open();
            assert_eq!(nodes[stops].ended().await.code(), Some(0), "{}", nodes[stops].log());
            over.store(true, Ordering::Relaxed);
        };
        tokio::join!(load, restart);
        nodes[stops].start().await;
        let delete = team.path(&format!("webhooks/{}", webhook.id));
        team.until_ended(&format!("webhook={}", webhook.id), slow.received().len()).await;
        let _ = team.http.call(Method::DELETE, &delete, "").await;
    }
    let rows = team.until_ended("status=delivered", team.deliveries("").await.len()).await;
    assert!(rows.len() > published.load(Ordering::Relaxed));
    assert!(rows.iter().all(|row| row.attempts == 1), "{rows:#?}");
    assert_eq!(receiver.received().len(), published.load(Ordering::Relaxed), "none came twice");
}
