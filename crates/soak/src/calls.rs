//! A fault at each of the first calls of a server to its kernel, one call after the other.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Instant;

use cstar_testkit::{Disk, DiskFault, Rig, Scene};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::episode::Played;

/// A server lives through the faults at so many calls; what a judge reads grows with its life.
const A_LIFE: usize = 10;

/// What befalls a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Befalls {
    /// The server is killed as it makes this call, one of a kind.
    Kill(&'static str),
    /// The disk refuses it.
    Failure(DiskFault),
}

/// Everything that befalls each call.
fn all() -> impl Iterator<Item = Befalls> {
    let failures = [DiskFault::SyncFails, DiskFault::WriteFails].map(Befalls::Failure);
    Scene::CALLS.map(Befalls::Kill).into_iter().chain(failures)
}

/// The calls that one server after the other lives through, of all of these.
fn lives(calls: RangeInclusive<usize>) -> impl Iterator<Item = RangeInclusive<usize>> {
    let last = *calls.end();
    calls.step_by(A_LIFE).map(move |from| from..=last.min(from + A_LIFE - 1))
}

/// Plays all of them. Panics at the first breach, and says at which life.
pub(crate) async fn play(calls: RangeInclusive<usize>, binary: &Path) -> Played {
    let mut played = Played::default();
    for life in lives(calls) {
        let begun = Instant::now();
        let of_life = live(life.clone(), binary).await;
        let (faults, sums) = (of_life.cycles, of_life.sums);
        println!(
            "calls {:>3} to {:<3} {faults} faults in {:>5.1} s  {:>6} acknowledged",
            life.start(),
            life.end(),
            begun.elapsed().as_secs_f64(),
            sums.acknowledged
        );
        played = played.plus(of_life);
    }
    played
}

async fn live(calls: RangeInclusive<usize>, binary: &Path) -> Played {
    let disk = Disk::mount();
    let has_disk = disk.is_some();
    let mut random = StdRng::seed_from_u64(*calls.start() as u64);
    let mut scene = Scene::set(binary, Rig { disk, clock: None }).await;
    let mut cycles = 0;
    for nth in calls.clone() {
        for befalls in all() {
            match befalls {
                Befalls::Kill(kind) => scene.is_killed_at(kind, nth).await,
                Befalls::Failure(fault) if has_disk => scene.fails(fault, nth, &mut random).await,
                Befalls::Failure(_) => continue,
            }
            cycles += 1;
        }
    }
    scene.judge(&format!("faults at calls {} to {}", calls.start(), calls.end())).await;
    Played { cycles, sums: scene.sums() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_its_turn_once() {
        assert_eq!(lives(1..=500).flatten().collect::<Vec<_>>(), (1..=500).collect::<Vec<_>>());
        assert_eq!(lives(488..=499).collect::<Vec<_>>(), [488..=497, 498..=499]);
        assert_eq!(all().count(), 6);
    }
}
