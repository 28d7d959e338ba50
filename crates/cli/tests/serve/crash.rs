//! Kills, at random times and at chosen calls to the kernel, and the ledger's word on what came of them.

use cstar_testkit::{Fault, Rig, Scene, Verdict};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::BINARY;

pub(crate) fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect("a whole number"))
}

/// LOG-1, LOG-2, LOG-3, DLV-1, DLV-2, DLV-3, RT-1, T8: 200 publishes are acknowledged and the server is killed at once,
/// over and over (`CSTAR_ROUNDS`): every one of them is readable, byte for byte, streamed without hole or repeat, and
/// delivered, each duplicate under the same `x-cstar-delivery`.
#[tokio::test]
async fn log_1_what_was_acknowledged_outlives_a_kill() {
    const PUBLISHERS: usize = 8;
    const EACH: usize = 25;
    let mut scene = Scene::set(BINARY, Rig::default()).await;
    for round in 1..=number("CSTAR_ROUNDS", 4) {
        let publisher = async || {
            for _ in 0..EACH {
                let verdict = scene.ledger.publish(&scene.team).await;
                assert!(matches!(verdict, Verdict::Ok(_)), "{verdict:?}");
            }
        };
        join_all((0..PUBLISHERS).map(|_| publisher())).await;
        scene.kill_9();
        scene.restart().await;
        scene.judge(&format!("kill {round}")).await;
    }
}

/// LOG-1, DLV-3: the same when the kill comes in the middle of a request, with some publishes unanswered.
#[tokio::test]
async fn log_1_a_kill_under_load_loses_nothing() {
    let mut scene = Scene::set(BINARY, Rig::default()).await;
    let seed = number("CSTAR_SEED", 1);
    let mut random = StdRng::seed_from_u64(seed);
    for round in 1..=number("CSTAR_ROUNDS", 4) {
        scene.suffer(Fault::Kill, &mut random).await;
        scene.judge(&format!("kill {round} of seed {seed}")).await;
    }
}

/// LOG-1, LOG-2, LOG-3, DLV-3: the server is killed at its Nth call of each kind that a crash can fall between, for
/// `CSTAR_POINTS` numbers of each kind. A run in which the kill never came fails: it tested nothing.
#[tokio::test]
async fn log_1_a_kill_at_any_call_loses_nothing() {
    let seed = number("CSTAR_SEED", 1);
    let mut random = StdRng::seed_from_u64(seed);
    for point in 0..number("CSTAR_POINTS", 5) {
        for calls in Scene::CALLS {
            let nth = random.random_range(1..=60);
            let mut scene = Scene::set(BINARY, Rig::default()).await;
            scene.is_killed_at(calls, nth).await;
            scene.judge(&format!("a kill at {calls} number {nth} (point {point} of seed {seed})")).await;
        }
    }
}
