//! The schedule, over the whole way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cstar_testkit::{Receiver, Reply, until};
use cstar_types::{DeliveryStatus, DisabledReason, Outcome, WebhookStatus};

use super::world::World;

/// W48, W50–W54, T6: four requests, each wait counted from the end of the attempt before, never earlier; then `failed`,
/// and every attempt is in the log.
#[tokio::test]
async fn a_failing_delivery_walks_its_schedule_to_the_end() {
    let (world, receiver) = (World::new().await, Receiver::new(|_| Reply::status(500)).await);
    let (delivery, attempts) = world.deliver_to(&receiver.url("/")).await;
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Failed, 4));
    assert_eq!(receiver.received().len(), 4);
    assert_eq!(delivery.last_attempt.unwrap().status_code, Some(500));
    let waits: Vec<Duration> = attempts
        .windows(2)
        .map(|pair| {
            let ended_at = pair[0].started_at.plus(Duration::from_millis(pair[0].duration_ms.into()));
            pair[1].started_at.since(ended_at)
        })
        .collect();
    for (wait, least) in waits.iter().zip([20, 30, 40]) {
        // Times are kept in whole milliseconds, each cut off.
        assert!(*wait >= Duration::from_millis(least - 1), "{waits:?}");
    }
}

/// W48: a retry that succeeds ends it.
#[tokio::test]
async fn a_retry_that_succeeds_ends_it() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let script =
        move |_: &_| Reply::status(if count.fetch_add(1, Ordering::Relaxed) < 2 { 503 } else { 200 });
    let (world, receiver) = (World::new().await, Receiver::new(script).await);
    let (delivery, attempts) = world.deliver_to(&receiver.url("/")).await;
    let outcomes: Vec<Outcome> = attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(delivery.status, DeliveryStatus::Delivered);
    assert_eq!(outcomes, [Outcome::HttpStatus, Outcome::HttpStatus, Outcome::Success]);
}

/// T6: a webhook's own schedule takes the place of the server's.
#[tokio::test]
async fn a_webhook_has_its_own_schedule() {
    let (world, receiver) = (World::new().await, Receiver::new(|_| Reply::status(500)).await);
    let schedule = "5ms".parse().unwrap();
    world.webhook_with(&receiver.url("/"), |webhook| webhook.retry_schedule = Some(schedule)).await;
    world.publish().await;
    assert_eq!(world.ended(1).await[0].0.attempts, 2);
}

/// `Retry-After` puts a retry off.
#[tokio::test]
async fn retry_after_puts_a_retry_off() {
    let script = |_: &_| Reply::status(429).header("retry-after", "600");
    let (world, receiver) = (World::new().await, Receiver::new(script).await);
    world.webhook(&receiver.url("/")).await;
    world.publish().await;
    let next = until("the first attempt to be on record", async || {
        let (delivery, attempts) = world.deliveries().await.remove(0);
        let ended_at = attempts.first()?.started_at;
        Some(delivery.next_attempt_at?.since(ended_at))
    })
    .await;
    assert!((Duration::from_secs(600)..Duration::from_secs(602)).contains(&next), "{next:?}");
}

/// 410 is a failure like any other, unless the webhook says otherwise: then it is disabled, and what waits is cancelled.
#[tokio::test]
async fn gone_disables_a_webhook_that_says_so() {
    use cstar_store::Directory as _;
    let (world, receiver) = (World::new().await, Receiver::new(|_| Reply::status(410)).await);
    let plain = world.webhook(&receiver.url("/plain")).await;
    let willing =
        world.webhook_with(&receiver.url("/willing"), |webhook| webhook.disable_on_gone = true).await;
    world.publish().await;
    for (delivery, attempts) in world.ended(2).await {
        let expected = if delivery.webhook == plain.id {
            (DeliveryStatus::Failed, 4)
        } else {
            (DeliveryStatus::Cancelled, 1)
        };
        assert_eq!((delivery.status, attempts.len()), expected);
    }
    let willing = world.store.webhook(world.team, willing.id).await.unwrap();
    assert_eq!(
        (willing.status, willing.disabled_reason),
        (WebhookStatus::Disabled, Some(DisabledReason::Gone))
    );
    let plain = world.store.webhook(world.team, plain.id).await.unwrap();
    assert_eq!(plain.status, WebhookStatus::Enabled);
}
