//! One server's life: a seed says what befalls it.

use std::fmt::Display;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cstar_testkit::{Clock, Disk, Fault, Ledger, Rig, Scene, Sums};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

/// A shuffled catalogue.
#[derive(Debug)]
pub(crate) struct Episode {
    seed: u64,
    faults: Vec<Fault>,
    random: StdRng,
}

/// What came of an episode.
#[derive(Debug, Default)]
pub(crate) struct Played {
    pub(crate) cycles: usize,
    pub(crate) sums: Sums,
}

impl Played {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { cycles: self.cycles + other.cycles, sums: self.sums.plus(other.sums) }
    }
}

impl Episode {
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut faults = Fault::ALL.to_vec();
        faults.shuffle(&mut random);
        Self { seed, faults, random }
    }

    /// Panics at the first breach.
    pub(crate) async fn play(mut self, binary: PathBuf) -> Played {
        let rig = Rig { disk: Disk::mount(), clock: Clock::found() };
        let faults: Vec<Fault> = self.faults.into_iter().filter(|fault| rig.suffices_for(*fault)).collect();
        let mut scene = Scene::set(binary, rig).await;
        for fault in &faults {
            let begun = Instant::now();
            scene.suffer(*fault, &mut self.random).await;
            let suffered = begun.elapsed();
            scene.judge(&format!("{fault} in the episode of seed {}", self.seed)).await;
            say(self.seed, fault, suffered, begun.elapsed(), &scene.ledger);
        }
        Played { cycles: faults.len(), sums: scene.sums() }
    }
}

/// One line for a fault that was stood.
pub(crate) fn say(seed: u64, fault: &impl Display, suffered: Duration, all: Duration, ledger: &Ledger) {
    println!(
        "seed {seed:<4} {fault:<20} {:>5.1} s  and judged in {:>4.1} s  {:>6} acknowledged",
        suffered.as_secs_f64(),
        all.saturating_sub(suffered).as_secs_f64(),
        ledger.acknowledged()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_what_befalls_and_in_which_order() {
        let order = |seed| Episode::of(seed).faults;
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
        assert!(Fault::ALL.iter().all(|fault| order(7).contains(fault)));
    }
}
