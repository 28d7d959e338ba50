//! Time that does not go back.

use std::time::Duration;

use cstar_types::{Clock, Timestamp};
use parking_lot::Mutex;
use tokio::time::Instant;

/// The clock by which retries are timed. It follows the system's clock forward; where that is set back, it goes on at its
/// own pace until it is caught up with, so that what is due in five minutes is due in five minutes.
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
        let carried = origin.0.plus(instant.saturating_duration_since(origin.1));
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

    #[tokio::test(start_paused = true)]
    async fn it_follows_forward_and_not_back() {
        let told = Arc::new(AtomicI64::new(1_000_000));
        let source = Arc::clone(&told);
        let clock =
            SteadyClock::new(Arc::new(move || Timestamp::from_millis(source.load(Ordering::Relaxed))));
        let steps =
            [(1_000_500, 1_000_500), (400_000, 1_001_500), (400_100, 1_002_500), (2_000_000, 2_000_000)];
        assert_eq!(clock.now().as_millis(), 1_000_000);
        for (set, expected) in steps {
            told.store(set, Ordering::Relaxed);
            if set != 1_000_500 {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            assert_eq!(clock.now().as_millis(), expected);
        }
        assert_eq!(clock.until(Timestamp::from_millis(2_000_250)), Duration::from_millis(250));
    }
}
