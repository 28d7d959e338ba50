//! What the metrics show.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cstar_types::Outcome;

use crate::lanes::LaneCounts;

/// Counts of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Requests in flight.
    pub in_flight: u64,
    /// Lanes that have something to do, or whose pace is remembered.
    pub lanes: u64,
    /// Lanes whose last attempt failed.
    pub failing_lanes: u64,
    /// Deliveries that wait in memory.
    pub waiting: u64,
    /// And what they weigh, in bytes.
    pub waiting_bytes: u64,
    /// How long the oldest of them has been due, in whole seconds, as it was a few seconds ago.
    pub oldest_wait_s: u64,
    /// Results that are not on record yet.
    pub unrecorded: u64,
    /// Attempts made since the start, by outcome.
    pub attempts: Vec<(Outcome, u64)>,
}

/// Where the counts are kept, so that reading them disturbs nobody.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    in_flight: AtomicU64,
    lanes: AtomicU64,
    failing_lanes: AtomicU64,
    waiting: AtomicU64,
    waiting_bytes: AtomicU64,
    oldest_wait_s: AtomicU64,
    unrecorded: AtomicU64,
    attempts: [AtomicU64; Outcome::ALL.len()],
}

impl Gauges {
    pub(crate) fn count(&self, outcome: Outcome) {
        self.attempts[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn show(&self, lanes: LaneCounts, unrecorded: usize) {
        let set = |gauge: &AtomicU64, value: usize| gauge.store(value as u64, Ordering::Relaxed);
        set(&self.in_flight, lanes.in_flight);
        set(&self.lanes, lanes.lanes);
        set(&self.failing_lanes, lanes.failing);
        set(&self.waiting, lanes.waiting);
        set(&self.waiting_bytes, lanes.waiting_bytes);
        set(&self.unrecorded, unrecorded);
    }

    pub(crate) fn show_oldest(&self, wait: Duration) {
        self.oldest_wait_s.store(wait.as_secs(), Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Counts {
        let get = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        Counts {
            in_flight: get(&self.in_flight),
            lanes: get(&self.lanes),
            failing_lanes: get(&self.failing_lanes),
            waiting: get(&self.waiting),
            waiting_bytes: get(&self.waiting_bytes),
            oldest_wait_s: get(&self.oldest_wait_s),
            unrecorded: get(&self.unrecorded),
            attempts: Outcome::ALL.iter().map(|one| (*one, get(&self.attempts[*one as usize]))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_place() {
        let gauges = Gauges::default();
        for (times, outcome) in Outcome::ALL.into_iter().enumerate() {
            (0..times).for_each(|_| gauges.count(outcome));
        }
        let counted: Vec<u64> = gauges.read().attempts.into_iter().map(|(_, count)| count).collect();
        assert_eq!(counted, (0..Outcome::ALL.len() as u64).collect::<Vec<_>>());
    }
}
