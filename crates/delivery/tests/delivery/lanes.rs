//! One slow or dead endpoint never delays another.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cstar_delivery::{Options, Resolver};
use cstar_testkit::{Gate, Receiver, Reply, until};
use cstar_types::DeliveryStatus;

use super::world::{World, options};

/// DLV-4: with 200 endpoints that accept and never answer, a healthy one gets everything at once, and those that hang hold
/// half of the limit, one slot each.
#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_hang_do_not_hold_up_a_healthy_one() {
    const SLOTS: usize = 40;
    const EVENTS: usize = 25;
    let mut options = options();
    options.in_flight_max = SLOTS;
    options.attempt_timeout = Duration::from_secs(600); // nothing ends by itself here
    let world = World::with(options).await;
    let (healthy, hanging) = (Receiver::ok().await, Receiver::new(|_| Reply::never()).await);
    let proven = world.webhook(&healthy.url("/")).await;
    world.publish().await;
    world.ended(1).await;
    for number in 0..200 {
        world.webhook(&hanging.url(&format!("/{number}"))).await;
    }
    hanging_full(&world, &hanging, SLOTS / 2).await;
    for _ in 0..EVENTS {
        world.publish().await;
    }
    let served = EVENTS + 2;
    healthy.until_received(served).await;
    until("the healthy deliveries to be on record", async || {
        let deliveries = world.deliveries().await;
        let mine = deliveries.iter().filter(|(delivery, _)| delivery.webhook == proven.id);
        (mine.filter(|(delivery, _)| delivery.status == DeliveryStatus::Delivered).count() == served)
            .then_some(())
    })
    .await;
    let held: Vec<String> = hanging.received().into_iter().map(|request| request.path).collect();
    let different: HashSet<&String> = held.iter().collect();
    assert_eq!((held.len(), different.len()), (SLOTS / 2, SLOTS / 2), "half of the limit, and one slot each");
    assert_eq!(world.handle.counts().in_flight, (SLOTS / 2) as u64);
}

async fn hanging_full(world: &World, hanging: &Receiver, slots: usize) {
    world.publish().await;
    hanging.until_received(slots).await;
}

/// DLV-4: nor do 100 whose names' servers swallow every question: lookups have rooms too.
#[tokio::test]
async fn names_that_do_not_resolve_do_not_hold_up_a_healthy_one() {
    struct Swallowing;
    #[async_trait]
    impl Resolver for Swallowing {
        async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
            match name {
                "good.example" => Ok(vec![Ipv4Addr::LOCALHOST.into()]),
                _ => std::future::pending().await,
            }
        }
    }
    const SILENT: usize = 100;
    let options = Options {
        in_flight_max: 4 * SILENT,
        attempt_timeout: Duration::from_secs(600), // nothing ends by itself here
        resolver: Arc::new(Swallowing),
        ..options()
    };
    let (world, healthy) = (World::with(options).await, Receiver::ok().await);
    world.webhook(&healthy.url_at("good.example", "/")).await;
    world.publish().await;
    world.ended(1).await;
    for number in 0..SILENT {
        world.webhook(&format!("http://silent-{number}.example/")).await;
    }
    world.publish().await;
    let all_ask = async || (world.handle.counts().in_flight >= SILENT as u64).then_some(());
    until("every one of them to be looked up", all_ask).await;
    for _ in 0..10 {
        world.publish().await;
    }
    healthy.until_received(12).await;
}

/// What does not fit into memory waits in the store, and everything arrives once.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_beyond_memory_arrives_whole() {
    const EVENTS: usize = 150;
    let mut options = options();
    options.waiting_bytes_max = 4000;
    let world = World::with(options).await;
    let receiver = Receiver::ok().await;
    for path in ["/a", "/b", "/c"] {
        world.webhook(&receiver.url(path)).await;
    }
    for _ in 0..EVENTS {
        world.publish().await;
        // Each of the three lanes may be reading, at the same time, as much as there was room for.
        assert!(world.handle.counts().waiting_bytes < 4 * 4000);
    }
    let all = world.ended(3 * EVENTS).await;
    assert!(
        all.iter()
            .all(|(delivery, attempts)| delivery.status == DeliveryStatus::Delivered && attempts.len() == 1)
    );
    let received = receiver.received();
    let deliveries: HashSet<&str> =
        received.iter().map(|request| request.header("x-cstar-delivery")).collect();
    assert_eq!((received.len(), deliveries.len()), (3 * EVENTS, 3 * EVENTS));
}

/// An endpoint that has not answered yet gets one request; once it has, it gets more at a time.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_tried_with_one_request() {
    let (first, others) = (Gate::closed(), Gate::closed());
    let gates = (first.clone(), others.clone());
    let receiver = Receiver::new(move |request| {
        Reply::status(200).behind(if request.connection == 0 { &gates.0 } else { &gates.1 })
    })
    .await;
    let world = World::new().await;
    world.webhook(&receiver.url("/")).await;
    for _ in 0..20 {
        world.publish().await;
    }
    receiver.until_received(1).await;
    until("the engine to know of all", async || (world.handle.counts().waiting > 0).then_some(())).await;
    assert_eq!(receiver.received().len(), 1);
    first.open();
    until("a second connection", async || (receiver.connections() >= 2).then_some(())).await;
    others.open();
    world.ended(20).await;
}
