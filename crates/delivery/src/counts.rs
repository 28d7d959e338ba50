//! What the metrics show.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cstar_types::{Histogram, Outcome, Timestamp};

use crate::lanes::{Held, LaneCounts, Survey};

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
    /// Attempts that could not be made, for something on this side failed or nobody was there, since the start; each waits.
    pub put_off: u64,
    /// Attempts made since the start, by outcome.
    pub attempts: Vec<(Outcome, u64)>,
    /// The lanes by how their endpoints stand, as they were a few seconds ago.
    pub by_standing: [StandingCounts; 3],
}

/// What the lanes hold together whose endpoints stand alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandingCounts {
    /// `proven`: the last attempt succeeded; `untried`: nothing has succeeded yet; `failing`: the last attempt failed.
    pub standing: &'static str,
    /// Deliveries that are due and wait in memory.
    pub due: u64,
    /// Requests under way.
    pub in_flight: u64,
    /// Lanes of which more is due in the store than they hold in memory.
    pub behind: u64,
}

/// Where the counts are kept, so that reading them disturbs nobody.
#[derive(Debug)]
pub(crate) struct Gauges {
    in_flight: AtomicU64,
    lanes: AtomicU64,
    failing_lanes: AtomicU64,
    waiting: AtomicU64,
    waiting_bytes: AtomicU64,
    oldest_wait_s: AtomicU64,
    unrecorded: AtomicU64,
    put_off: AtomicU64,
    attempts: [AtomicU64; Outcome::ALL.len()],
    by_standing: [HeldGauges; 3],
    /// From when a delivery is due until its attempt begins.
    pub(crate) waits: Histogram,
}

/// [`Held`], where it is kept.
#[derive(Debug, Default)]
struct HeldGauges {
    due: AtomicU64,
    in_flight: AtomicU64,
    behind: AtomicU64,
}

/// From a lane that keeps up to one that has been failing for a day, in microseconds. Times of commits are whole
/// milliseconds, so that nothing finer is known.
const WAIT_BOUNDS_US: &[u64] = {
    const MS: u64 = 1_000;
    const S: u64 = 1_000 * MS;
    &[
        MS,
        5 * MS,
        10 * MS,
        25 * MS,
        50 * MS,
        100 * MS,
        250 * MS,
        500 * MS,
        S,
        5 * S,
        30 * S,
        300 * S,
        3_600 * S,
        86_400 * S,
    ]
};

impl Default for Gauges {
    fn default() -> Self {
        Self {
            in_flight: AtomicU64::default(),
            lanes: AtomicU64::default(),
            failing_lanes: AtomicU64::default(),
            waiting: AtomicU64::default(),
            waiting_bytes: AtomicU64::default(),
            oldest_wait_s: AtomicU64::default(),
            unrecorded: AtomicU64::default(),
            put_off: AtomicU64::default(),
            attempts: Default::default(),
            by_standing: Default::default(),
            waits: Histogram::new(WAIT_BOUNDS_US),
        }
    }
}

impl HeldGauges {
    fn show(&self, held: Held) {
        self.due.store(held.due, Ordering::Relaxed);
        self.in_flight.store(held.in_flight, Ordering::Relaxed);
        self.behind.store(held.behind, Ordering::Relaxed);
    }

    fn read(&self, standing: &'static str) -> StandingCounts {
        let get = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        let (due, in_flight, behind) = (get(&self.due), get(&self.in_flight), get(&self.behind));
        StandingCounts { standing, due, in_flight, behind }
    }
}

impl Gauges {
    pub(crate) fn count(&self, outcome: Outcome) {
        self.attempts[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_put_off(&self) {
        self.put_off.fetch_add(1, Ordering::Relaxed);
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

    pub(crate) fn show_survey(&self, survey: Survey, now: Timestamp) {
        let Survey { proven, untried, failing, due_since } = survey;
        let oldest = due_since.map_or(Duration::ZERO, |since| now.since(since));
        self.oldest_wait_s.store(oldest.as_secs(), Ordering::Relaxed);
        let shown = self.by_standing.iter().zip([proven, untried, failing]);
        shown.for_each(|(gauges, held)| gauges.show(held));
    }

    pub(crate) fn read(&self) -> Counts {
        let get = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        let [proven, untried, failing] = &self.by_standing;
        Counts {
            in_flight: get(&self.in_flight),
            lanes: get(&self.lanes),
            failing_lanes: get(&self.failing_lanes),
            waiting: get(&self.waiting),
            waiting_bytes: get(&self.waiting_bytes),
            oldest_wait_s: get(&self.oldest_wait_s),
            unrecorded: get(&self.unrecorded),
            put_off: get(&self.put_off),
            attempts: Outcome::ALL.iter().map(|one| (*one, get(&self.attempts[*one as usize]))).collect(),
            by_standing: [proven.read("proven"), untried.read("untried"), failing.read("failing")],
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
