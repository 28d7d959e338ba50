//! How values are distributed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts values by the smallest bound that holds them. Counting one is two additions and takes no lock, so that it can
/// stand on the way of every event.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for what lies beyond the last.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    /// Nothing is counted yet. The bounds rise.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        debug_assert!(bounds.is_sorted_by(|one, next| one < next), "bounds rise");
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts a value.
    pub fn count(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Counts a time, in microseconds.
    pub fn count_time(&self, time: Duration) {
        self.count(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// Each bound and how many values lie between the one before and it; at last, without a bound, those beyond all.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        bounds.zip(self.counts.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// The sum of all values.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_under_the_smallest_bound_that_holds_it() {
        let histogram = Histogram::new(&[0, 10, 100]);
        [0, 1, 10, 11, 100, 101, 5000].into_iter().for_each(|value| histogram.count(value));
        let buckets: Vec<_> = histogram.buckets().collect();
        assert_eq!(buckets, [(Some(0), 1), (Some(10), 2), (Some(100), 2), (None, 2)]);
        assert_eq!(histogram.sum(), 5223);
    }

    #[test]
    fn times_are_counted_in_microseconds() {
        let histogram = Histogram::new(&[1000]);
        histogram.count_time(Duration::from_millis(1));
        assert_eq!((histogram.sum(), histogram.buckets().next()), (1000, Some((Some(1000), 1))));
    }
}
