//! Start, stop, kill, and what changes meanwhile.

use std::sync::Arc;

use cstar_store::{Deliveries as _, Directory as _};
use cstar_testkit::{Gate, Receiver, Reply, until};
use cstar_types::{DeliveryStatus, WebhookStatus};

use super::world::{World, options, publish_on, system_now};

async fn gated() -> (Gate, Receiver) {
    let gate = Gate::closed();
    let held = gate.clone();
    (gate, Receiver::new(move |_| Reply::status(200).behind(&held)).await)
}

/// DLV-3: what was in flight at a kill is sent again at the next start, as the same attempt of the same delivery.
#[tokio::test]
async fn a_kill_repeats_an_attempt_and_loses_none() {
    let (gate, receiver) = gated().await;
    let world = World::new().await;
    world.webhook(&receiver.url("/")).await;
    for _ in 0..3 {
        world.publish().await;
    }
    receiver.until_received(1).await;
    let team = world.team;
    let store = world.kill().await;
    gate.open();
    let world = World::on(store, team, options());
    for (delivery, attempts) in world.ended(3).await {
        assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Delivered, 1));
    }
    let received = receiver.received();
    let [first, second] = [&received[0], &received[1]].map(|request| {
        (request.header("x-cstar-delivery").to_owned(), request.header("x-cstar-attempt").to_owned())
    });
    assert_eq!((first, received.len()), (second, 4));
}

/// A shutdown starts nothing new, lets what is in flight end, and records it.
#[tokio::test]
async fn a_shutdown_lets_what_is_in_flight_end() {
    let (gate, receiver) = gated().await;
    let world = World::new().await;
    world.webhook(&receiver.url("/")).await;
    for _ in 0..3 {
        world.publish().await;
    }
    receiver.until_received(1).await;
    let team = world.team;
    let stopping = tokio::spawn(world.stop());
    tokio::task::yield_now().await;
    assert!(!stopping.is_finished(), "it waits for the answer");
    gate.open();
    let store = stopping.await.unwrap();
    assert_eq!(receiver.received().len(), 1);
    let world = World::on(Arc::clone(&store), team, options());
    let all = world.ended(3).await;
    assert!(
        all.iter()
            .all(|(delivery, attempts)| delivery.status == DeliveryStatus::Delivered && attempts.len() == 1)
    );
    assert_eq!(receiver.received().len(), 3, "what had ended was on record");
}

/// What waited before the start is found, without a word from the tail.
#[tokio::test]
async fn a_start_finds_what_is_due() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let team = world.team;
    let store = world.stop().await;
    let world = World::on(store, team, options());
    world.webhook(&receiver.url("/")).await;
    let store = world.stop().await;
    let quiet = World::on(Arc::clone(&store), team, options()).stop().await;
    assert!(Arc::ptr_eq(&store, &quiet));
    publish_on(&store, team, false).await;
    let world = World::on(store, team, options());
    assert_eq!(world.ended(1).await[0].0.status, DeliveryStatus::Delivered);
}

/// DLV-2: what waits for a webhook that is deleted or disabled is cancelled, and nothing more is sent.
#[tokio::test]
async fn a_webhook_that_goes_takes_with_it_what_waits() {
    let (gate, receiver) = gated().await;
    let world = World::new().await;
    let webhook = world.webhook(&receiver.url("/")).await;
    for _ in 0..3 {
        world.publish().await;
    }
    receiver.until_received(1).await;
    world.store.delete_webhook(world.team, webhook.id, None, system_now()).await.unwrap();
    gate.open();
    until("the attempt in flight to be on record", async || {
        let all = world.deliveries().await;
        all.iter().any(|(delivery, _)| delivery.status == DeliveryStatus::Delivered).then_some(())
    })
    .await;
    world.stop().await;
    assert_eq!(receiver.received().len(), 1);
}

/// A webhook that is enabled again gets what comes then.
#[tokio::test]
async fn a_webhook_that_comes_back_is_served() {
    use cstar_store::WebhookPatch;
    use cstar_types::DisabledReason;
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let webhook = world.webhook(&receiver.url("/")).await;
    world.publish().await;
    world.ended(1).await;
    for enabled in [Err(DisabledReason::ByRequest), Ok(())] {
        let patch = WebhookPatch { enabled: Some(enabled), ..WebhookPatch::default() };
        let changed =
            world.store.update_webhook(world.team, webhook.id, patch, None, system_now()).await.unwrap();
        world.publish().await;
        if changed.status == WebhookStatus::Enabled {
            world.ended(2).await;
        }
    }
    assert_eq!(receiver.received().len(), 2, "not what came while it was disabled");
}

/// T8: a resend is told, and is sent at once.
#[tokio::test]
async fn a_resend_is_sent() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    let (delivery, _) = world.deliver_to(&receiver.url("/")).await;
    for count in 2..5 {
        world.store.resend(world.team, delivery.id, system_now()).await.unwrap();
        receiver.until_received(count).await;
        world.ended(1).await;
    }
    let (delivery, attempts) = world.delivery(delivery.id).await;
    assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Delivered, 4));
}

#[tokio::test]
async fn what_was_made_is_counted() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    world.deliver_to(&receiver.url("/")).await;
    let counts = until("the result to be counted as recorded", async || {
        let counts = world.handle.counts();
        (counts.unrecorded == 0 && counts.in_flight == 0).then_some(counts)
    })
    .await;
    assert_eq!((counts.lanes, counts.failing_lanes, counts.waiting), (1, 0, 0));
    assert_eq!(counts.attempts[0], (cstar_types::Outcome::Success, 1));
}
