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

/// Replaced once, not twice: a new connection that breaks is a failure. So is any that breaks within an answer.
#[tokio::test]
async fn a_connection_that_breaks_is_a_failure() {
    type Script = Box<dyn Fn(&Received) -> Reply + Send + Sync>;
    let within_an_answer: Script = Box::new(once_each(|| Reply::raw("HTTP/1.1 2")));
    let pooled = once_each(Reply::hang_up);
    let both: Script = Box::new(move |request: &Received| match request.connection {
        0 => pooled(request),
        _ => Reply::hang_up(),
    });
    for (script, requests) in [(within_an_answer, 2), (both, 3)] {
        let (world, receiver) = (World::new().await, Receiver::new(script).await);
        let schedule = "".parse().unwrap();
        world.webhook_with(&receiver.url("/"), |webhook| webhook.retry_schedule = Some(schedule)).await;
        publish_in_turn(&world, 2).await;
        let all = world.ended(2).await;
        let mut outcomes: Vec<Outcome> = all.iter().map(|(_, attempts)| attempts[0].outcome).collect();
        outcomes.sort_by_key(|outcome| *outcome != Outcome::Success);
        assert_eq!(outcomes, [Outcome::Success, Outcome::Reset]);
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
