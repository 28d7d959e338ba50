//! Connections are kept, and replaced where they died.

use cstar_store::{Directory as _, WebhookPatch};
use cstar_testkit::{Received, Receiver, Reply};
use cstar_types::{DeliveryStatus, Outcome};

use super::world::{World, system_now};

/// Publishes one after the other, each when the one before has arrived.
async fn publish_in_turn(world: &World, count: usize) {
    for ended in 1..=count {
        world.publish().await;
        world.ended(ended).await;
    }
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let (world, receiver) = (World::new().await, Receiver::new(|_| Reply::status(200).body("taken")).await);
    world.webhook(&receiver.url("/")).await;
    publish_in_turn(&world, 10).await;
    assert_eq!((receiver.received().len(), receiver.connections()), (10, 1));
}

/// The first request on each connection is answered; what comes second meets `second`.
fn once_each(second: fn() -> Reply) -> impl Fn(&Received) -> Reply + Send + Sync {
    let last = std::sync::Mutex::new(None);
    move |request| {
        let mut last = last.lock().unwrap();
        if last.replace(request.connection) == Some(request.connection) {
            second()
        } else {
            Reply::status(200)
        }
    }
}

/// A pooled connection that proves dead before any byte of an answer is replaced once, within the same attempt.
#[tokio::test]
async fn a_connection_that_died_idle_is_replaced() {
    let (world, receiver) = (World::new().await, Receiver::new(once_each(Reply::hang_up)).await);
    world.webhook(&receiver.url("/")).await;
    publish_in_turn(&world, 5).await;
    for (delivery, attempts) in world.ended(5).await {
        assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Delivered, 1));
    }
    let received = receiver.received();
    assert_eq!(received.len(), 9, "all but the first were sent twice");
    assert!(received.iter().all(|request| request.header("x-cstar-attempt") == "1"));
}

/// What was closed while it was idle is not even tried.
#[tokio::test]
async fn a_connection_that_was_closed_is_not_used() {
    let (world, receiver) = (World::new().await, Receiver::new(|_| Reply::status(200).then_close()).await);
    world.webhook(&receiver.url("/")).await;
    publish_in_turn(&world, 5).await;
    assert_eq!((receiver.received().len(), receiver.connections()), (5, 5));
}

/// Replaced once, not twice: a new connection that breaks is a failure. So is one that broke within an answer.
#[tokio::test]
async fn a_connection_that_breaks_is_a_failure() {
    for (script, requests) in [
        (
            Box::new(once_each(|| Reply::raw("HTTP/1.1 2"))) as Box<dyn Fn(&Received) -> Reply + Send + Sync>,
            2,
        ),
        (
            Box::new(|request: &Received| match request.header("x-first") {
                "" => Reply::hang_up(),
                _ => Reply::status(200),
            }),
            1,
        ),
    ] {
        let (world, receiver) = (World::new().await, Receiver::new(script).await);
        let schedule = "".parse().unwrap();
        world.webhook_with(&receiver.url("/"), |webhook| webhook.retry_schedule = Some(schedule)).await;
        publish_in_turn(&world, requests).await;
        let last = world.ended(requests).await.into_iter().map(|(_, mut attempts)| attempts.remove(0));
        assert_eq!(last.filter(|attempt| attempt.outcome == Outcome::Reset).count(), 1);
        assert_eq!(receiver.received().len(), requests);
    }
}

/// A changed webhook gets a connection of its own, and its new URL, secret and headers at once.
#[tokio::test]
async fn a_changed_webhook_begins_anew() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    let webhook = world.webhook(&receiver.url("/old")).await;
    publish_in_turn(&world, 1).await;
    let patch = WebhookPatch { url: Some(receiver.url("/new")), ..WebhookPatch::default() };
    world.store.update_webhook(world.team, webhook.id, patch, None, system_now()).await.unwrap();
    world.publish().await;
    world.ended(2).await;
    let paths: Vec<String> = receiver.received().into_iter().map(|request| request.path).collect();
    assert_eq!((paths, receiver.connections()), (vec!["/old".into(), "/new".into()], 2));
}
