//! The life of nodes that share a database: a seed says what befalls them, and on which servers.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use cstar_testkit::{Nodes, Servers, SharedFault};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::episode::{Played, say};

/// How long somebody holds a transaction open, in seconds.
const HOLD_SECONDS: std::ops::RangeInclusive<u64> = 30..=150;

/// A shuffled catalogue of what can befall several nodes.
#[derive(Debug)]
pub(crate) struct SharedEpisode {
    seed: u64,
    faults: Vec<SharedFault>,
    random: StdRng,
}

impl SharedEpisode {
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut faults = SharedFault::ALL.to_vec();
        faults.shuffle(&mut random);
        Self { seed, faults, random }
    }

    /// Panics at the first breach.
    pub(crate) async fn play(mut self, binary: PathBuf) -> Played {
        let hold = Duration::from_secs(self.random.random_range(HOLD_SECONDS));
        let mut nodes = Nodes::set(binary, self.servers().await, hold).await;
        self.faults.retain(|fault| nodes.can_suffer(*fault));
        for fault in &self.faults {
            let begun = Instant::now();
            nodes.suffer(*fault, &mut self.random).await;
            let suffered = begun.elapsed();
            nodes.judge(&format!("{fault} in the episode of seed {}", self.seed)).await;
            say(self.seed, fault, suffered, begun.elapsed(), &nodes.ledger);
        }
        Played { cycles: self.faults.len(), sums: nodes.sums() }
    }

    /// A database can have a standby, or be on a disk that fills up.
    async fn servers(&self) -> Servers {
        if self.seed.is_multiple_of(2)
            && let Some(servers) = Servers::on_small_disk().await
        {
            return servers;
        }
        Servers::with_standby().await.expect("they are there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_what_befalls_nodes() {
        let order = |seed| SharedEpisode::of(seed).faults;
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
        assert!(SharedFault::ALL.iter().all(|fault| order(7).contains(fault)));
    }
}
