//! How many attempts a second a webhook takes.

use std::collections::VecDeque;
use std::time::Duration;

use cstar_types::Timestamp;

/// A second, and the millisecond by which times are cut: so there are never more in any second, wherever it begins.
const WINDOW: Duration = Duration::from_millis(1001);

/// When the attempts of the last second began, the oldest first. Nothing is in it of a webhook that has no limit.
#[derive(Debug, Default)]
pub(super) struct Quota(VecDeque<Timestamp>);

impl Quota {
    /// Whether another attempt would be one too many.
    pub(super) fn is_used_up(&self, limit: u32) -> bool {
        self.0.len() >= limit as usize
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An attempt begins; answers when the first of them no longer counts, if this is the first.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.0.push_back(now);
        self.free_at().filter(|_| self.0.len() == 1)
    }

    /// Forgets those that no longer count; answers when the next does not.
    pub(super) fn free(&mut self, now: Timestamp) -> Option<Timestamp> {
        while self.free_at().is_some_and(|at| at <= now) {
            self.0.pop_front();
        }
        if self.0.is_empty() {
            self.0 = VecDeque::new();
        }
        self.free_at()
    }

    fn free_at(&self) -> Option<Timestamp> {
        self.0.front().map(|at| at.plus(WINDOW))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000).plus(Duration::from_millis(ms))
    }

    #[test]
    fn what_was_used_is_free_again_after_a_second() {
        let mut quota = Quota::default();
        assert_eq!(quota.take(at(0)), Some(at(1001)));
        assert_eq!(quota.take(at(300)), None, "the first is still the first");
        assert!(quota.is_used_up(2) && !quota.is_used_up(3));
        assert_eq!(quota.free(at(1000)), Some(at(1001)));
        assert!(quota.is_used_up(2));
        assert_eq!(quota.free(at(1001)), Some(at(1301)));
        assert!(!quota.is_used_up(2));
        assert_eq!(quota.free(at(5000)), None);
        assert!(quota.is_empty());
    }

    proptest! {
        /// Whoever asks before each attempt never makes more than the limit in any second, and as many as it allows.
        #[test]
        fn no_second_has_more(limit in 1u32..6, waits in proptest::collection::vec(0u64..700, 1..200)) {
            let (mut quota, mut now, mut begun) = (Quota::default(), 0, Vec::new());
            for wait in waits {
                now += wait;
                quota.free(at(now));
                if quota.is_used_up(limit) {
                    prop_assert!(begun[begun.len() - limit as usize] + 1000 >= now, "one more was allowed");
                } else {
                    quota.take(at(now));
                    begun.push(now);
                }
            }
            for many in begun.windows(limit as usize + 1) {
                prop_assert!(many[limit as usize] - many[0] > 1000, "{:?}", many);
            }
        }
    }
}
