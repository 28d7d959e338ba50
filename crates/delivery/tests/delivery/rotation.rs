//! Rotating a secret while requests go out (T3).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cstar_delivery::Options;
use cstar_signature::{Headers, Secret, verify_body, verify_standard};
use cstar_store::{Directory as _, Rotation, SecretText};
use cstar_testkit::{Received, Receiver, Reply};
use cstar_types::{Timestamp, WebhookId};

use super::world::{SECRET, World, options, system_now};

const NEW: &str = "whsec_bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LTEyMzQ=";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A clock that a test sets forward.
#[derive(Clone, Default)]
struct Ahead(Arc<AtomicI64>);

impl Ahead {
    fn options(&self) -> Options {
        let ahead = Arc::clone(&self.0);
        let clock = move || Timestamp::from_millis(system_now().as_millis() + ahead.load(Ordering::Relaxed));
        Options { clock: Arc::new(clock), ..options() }
    }

    fn set_ms(&self, ahead: i64) {
        self.0.store(ahead, Ordering::Relaxed);
    }
}

/// Which of the two secrets a receiver may hold to accept a request: by `x-cstar-signature`, by `webhook-signature`.
fn accepted_by(request: &Received) -> (Vec<&'static str>, Vec<&'static str>) {
    let headers = Headers::from_fn(|name| request.headers.get(name).map(|value| value.as_bytes()));
    let signed_s = request.header("webhook-timestamp").parse().unwrap();
    let holders = |accepts: &dyn Fn(&Secret) -> bool| {
        let known = [("old", SECRET), ("new", NEW)].map(|(name, text)| (name, Secret::parse(text).unwrap()));
        known.into_iter().filter(|(_, secret)| accepts(secret)).map(|(name, _)| name).collect()
    };
    let body = |secret: &Secret| {
        verify_body(secret, &request.body, Some(request.header("x-cstar-signature"))).is_ok()
    };
    let standard = |secret: &Secret| verify_standard(secret, headers, &request.body, signed_s, 0).is_ok();
    (holders(&body), holders(&standard))
}

async fn rotate(world: &World, webhook: WebhookId, overlap_ms: i64) {
    let overlap_until = Some(Timestamp::from_millis(system_now().as_millis() + overlap_ms));
    let rotation = Rotation { secret: SecretText::new(NEW.to_owned()), overlap_until };
    world.store.rotate_secret(world.team, webhook, rotation, None, system_now()).await.unwrap();
}

/// The request of a new event, the `count`th that the receiver gets.
async fn next_request(world: &World, receiver: &Receiver, count: usize) -> Received {
    world.publish().await;
    receiver.until_received(count).await.remove(count - 1)
}

/// T3: old alone; then the old header by the old secret and the standard one by both; and the new alone once the overlap
/// has ended by the clock, which changes nothing in the store.
#[tokio::test]
async fn an_overlap_ends_by_the_clock() {
    let (clock, receiver) = (Ahead::default(), Receiver::ok().await);
    let world = World::with(clock.options()).await;
    let webhook = world.webhook(&receiver.url("/")).await.id;
    let request = next_request(&world, &receiver, 1).await;
    assert_eq!(accepted_by(&request), (vec!["old"], vec!["old"]));
    rotate(&world, webhook, DAY_MS).await;
    for (count, ahead_ms) in [(2, 0), (3, DAY_MS / 2)] {
        clock.set_ms(ahead_ms);
        let request = next_request(&world, &receiver, count).await;
        assert_eq!(accepted_by(&request), (vec!["old"], vec!["old", "new"]), "{ahead_ms} ms later");
    }
    clock.set_ms(DAY_MS);
    let request = next_request(&world, &receiver, 4).await;
    assert_eq!(accepted_by(&request), (vec!["new"], vec!["new"]));
    clock.set_ms(0);
    let request = next_request(&world, &receiver, 5).await;
    assert_eq!(accepted_by(&request), (vec!["new"], vec!["new"]), "what has ended stays ended");
}

/// T3: what is published after a call ended the overlap, or after a rotation without one, is signed with the new secret
/// alone.
#[tokio::test]
async fn an_overlap_ends_by_call() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    let webhook = world.webhook(&receiver.url("/")).await.id;
    rotate(&world, webhook, DAY_MS).await;
    let request = next_request(&world, &receiver, 1).await;
    assert_eq!(accepted_by(&request), (vec!["old"], vec!["old", "new"]));
    world.store.end_overlap(world.team, webhook, None, system_now()).await.unwrap();
    let request = next_request(&world, &receiver, 2).await;
    assert_eq!(accepted_by(&request), (vec!["new"], vec!["new"]));

    let back = Rotation { secret: SecretText::new(SECRET.to_owned()), overlap_until: None };
    world.store.rotate_secret(world.team, webhook, back, None, system_now()).await.unwrap();
    let request = next_request(&world, &receiver, 3).await;
    assert_eq!(accepted_by(&request), (vec!["old"], vec!["old"]));
}

/// T3: each attempt is signed with what is valid when it is made, not when its event was published.
#[tokio::test]
async fn a_retry_is_signed_anew() {
    let clock = Ahead::default();
    let ended = clock.clone();
    let receiver = Receiver::new(move |_| {
        ended.set_ms(DAY_MS);
        Reply::status(500)
    });
    let receiver = receiver.await;
    let world = World::with(clock.options()).await;
    let webhook = world.webhook(&receiver.url("/")).await.id;
    rotate(&world, webhook, DAY_MS).await;
    world.publish().await;
    let received = receiver.until_received(2).await;
    assert_eq!(accepted_by(&received[0]), (vec!["old"], vec!["old", "new"]));
    assert_eq!(accepted_by(&received[1]), (vec!["new"], vec!["new"]));
}
