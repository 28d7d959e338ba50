//! Time that does not go back.

use std::time::Duration;

use cstar_types::{Clock, Timestamp};
use parking_lot::Mutex;
use tokio::time::Instant;

/// The clock by which retries are timed. It follows the system's clock forward; where that is set back, it goes on at half
/// its pace until it is caught up with. So what is due in five minutes is due in ten at the latest, and a lead that was
/// gained by mistake does not stand in the store for ever, to be found by the next start.
pub(crate) struct SteadyClock {
    clock: Clock,
    origin: Mutex<(Timestamp, Instant)>,
}

impl SteadyClock {
    pub(crate) fn new(clock: Clock) -> Self {
        let origin = Mutex::new((clock(), Instant::now()));
        Self { clock, origin }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let (told, instant) = ((self.clock)(), Instant::now());
        let mut origin = self.origin.lock();
        let carried = origin.0.plus(instant.saturating_duration_since(origin.1) / 2);
        if told > carried {
            *origin = (told, instant);
        }
        told.max(carried)
    }

    /// How long it is until then.
    pub(crate) fn until(&self, then: Timestamp) -> Duration {
        then.since(self.now())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A system clock that a test sets, in milliseconds, and the steady one that follows it.
    fn clocks() -> (Arc<AtomicI64>, SteadyClock) {
        let told = Arc::new(AtomicI64::new(1_000_000));
        let source = Arc::clone(&told);
        let clock =
            SteadyClock::new(Arc::new(move || Timestamp::from_millis(source.load(Ordering::Relaxed))));
        (told, clock)
    }

    #[tokio::test(start_paused = true)]
    async fn it_follows_forward_and_not_back() {
        let (told, clock) = clocks();
        assert_eq!(clock.now().as_millis(), 1_000_000);
        let steps =
            [(1_000_500, 1_000_500), (400_000, 1_001_000), (400_100, 1_001_500), (2_000_000, 2_000_000)];
        for (set, expected) in steps {
            tokio::time::advance(Duration::from_secs(1)).await;
            told.store(set, Ordering::Relaxed);
            assert_eq!(clock.now().as_millis(), expected);
        }
        assert_eq!(clock.until(Timestamp::from_millis(2_000_250)), Duration::from_millis(250));
    }

    /// A jump ahead that is put right: what is written to be due in a minute is due in one after the next start, once the
    /// lead is worked off in twice its time, however often the clock is read.
    #[tokio::test(start_paused = true)]
    async fn a_lead_is_worked_off_before_a_start_finds_it() {
        const HOUR: Duration = Duration::from_secs(3600);
        let (told, clock) = clocks();
        told.fetch_add(HOUR.as_millis() as i64, Ordering::Relaxed);
        clock.now();
        told.fetch_sub(HOUR.as_millis() as i64, Ordering::Relaxed);
        let mut last = clock.now();
        for passed in 1..=7200 {
            tokio::time::advance(Duration::from_secs(1)).await;
            told.fetch_add(1000, Ordering::Relaxed);
            assert_eq!(clock.now().since(last).as_millis(), 500, "after {passed} s");
            last = clock.now();
        }
        let due_at = clock.now().plus(Duration::from_secs(60));
        let after_a_start = SteadyClock::new(Arc::clone(&clock.clock));
        assert_eq!(after_a_start.until(due_at), Duration::from_secs(60));
    }
}
