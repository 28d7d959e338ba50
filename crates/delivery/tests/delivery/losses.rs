//! What the engine was not told, and what it could not read: it asks again, and nothing is lost.

use cstar_store::{Deliveries as _, Directory as _, WebhookPatch};
use cstar_testkit::{Gate, Receiver, Reply, until};
use cstar_types::DeliveryStatus;

use super::world::{World, options, publish_on, system_now};

/// DLV-3: an engine that has fallen behind the tail reads the store for what it was not told: deliveries, and changes of
/// webhooks.
#[tokio::test]
async fn what_the_tail_could_not_hold_is_found_in_the_store() {
    const EVENTS: usize = 10;
    let mut options = options();
    options.tail_bytes_max = 0;
    let (world, receiver) = (World::with(options).await, Receiver::ok().await);
    let webhook = world.webhook(&receiver.url("/old")).await;
    world.publish().await;
    world.ended(1).await;
    // Nothing of this waits for anything, so the engine hears of it only when all is done.
    let patch = WebhookPatch { url: Some(receiver.url("/new")), ..WebhookPatch::default() };
    world.store.update_webhook(world.team, webhook.id, patch, None, system_now()).await.unwrap();
    for _ in 0..EVENTS {
        world.publish().await;
    }
    world.ended(1 + EVENTS).await;
    assert_eq!((receiver.received_at("/old").len(), receiver.received_at("/new").len()), (1, EVENTS));
}

/// DLV-2: nothing more is sent for a team that was deleted, neither from memory nor from the store.
#[tokio::test]
async fn a_team_that_goes_takes_with_it_what_waits() {
    let gate = Gate::closed();
    let held = gate.clone();
    let receiver = Receiver::new(move |_| Reply::status(200).behind(&held)).await;
    let world = World::new().await;
    world.webhook(&receiver.url("/")).await;
    for _ in 0..3 {
        world.publish().await;
    }
    receiver.until_received(1).await;
    until("the rest to wait in memory", async || (world.handle.counts().waiting == 2).then_some(())).await;
    world.store.delete_team(world.team, None).await.unwrap();
    gate.open();
    until("the engine to have nothing left", async || {
        let counts = world.handle.counts();
        (counts.in_flight + counts.waiting + counts.unrecorded + counts.lanes == 0).then_some(())
    })
    .await;
    world.stop().await;
    assert_eq!(receiver.received().len(), 1);
}

/// DLV-3: a first look into the store that fails is repeated.
#[tokio::test]
async fn a_start_that_cannot_read_the_store_looks_again() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    world.webhook(&receiver.url("/")).await;
    let team = world.team;
    let store = world.stop().await;
    publish_on(&store, team, false).await;
    store.refuse(1);
    let world = World::on(store, team, options());
    let (delivery, attempts) = world.ended(1).await.remove(0);
    assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Delivered, 1));
    assert_eq!(world.store.refusals_left(), 0, "the first look was refused");
}

/// DLV-3: so is a reading of what is due.
#[tokio::test]
async fn what_could_not_be_read_is_read_again() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    let (delivery, _) = world.deliver_to(&receiver.url("/")).await;
    world.store.refuse(1);
    world.store.resend(world.team, delivery.id, system_now()).await.unwrap();
    receiver.until_received(2).await;
    assert_eq!(world.store.refusals_left(), 0, "the first reading was refused");
}
