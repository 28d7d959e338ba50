//! How often keys and teams may ask: a token bucket for each.
//!
//! What a key may ask in a second it may ask at once. The platform key is the operator's own and is not counted; a realtime
//! token counts for its team alone, because one key may have made those of every browser.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cstar_types::{KeyId, TeamId};
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::auth::Caller;
use crate::error::{ApiError, ApiResult};

/// The buckets of a server.
pub(crate) struct Rates {
    keys: Option<Buckets<KeyId>>,
    teams: Option<Buckets<TeamId>>,
}

impl Rates {
    /// So many requests a second; 0 is no limit.
    pub(crate) fn new(a_key: u32, a_team: u32) -> Self {
        Self { keys: Buckets::new("key-requests", a_key), teams: Buckets::new("team-requests", a_team) }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn count(&self, caller: &Caller, team: TeamId) -> ApiResult<()> {
        if let (Caller::Key(key), Some(keys)) = (caller, &self.keys) {
            keys.count(key.id)?;
        }
        match (caller, &self.teams) {
            (Caller::Key(_) | Caller::Token(_), Some(teams)) => teams.count(team),
            _ => Ok(()),
        }
    }
}

/// A bucket for each of something.
struct Buckets<K: Hash + Eq + Clone> {
    of: &'static str,
    per_second: u32,
    buckets: RateLimiter<
        K,
        HashMapStateStore<K>,
        MonotonicClock,
        NoOpMiddleware<<MonotonicClock as Clock>::Instant>,
    >,
    counted: AtomicU32,
}

/// Full buckets are forgotten after so many requests: whoever does not come is remembered no longer.
const FORGET_EVERY: u32 = 1 << 16;

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(of: &'static str, per_second: u32) -> Option<Self> {
        let quota = Quota::per_second(NonZeroU32::new(per_second)?);
        let buckets = RateLimiter::new(quota, HashMapStateStore::default(), MonotonicClock);
        Some(Self { of, per_second, buckets, counted: AtomicU32::new(0) })
    }

    fn count(&self, who: K) -> ApiResult<()> {
        if self.counted.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.buckets.retain_recent();
        }
        self.buckets.check_key(&who).map_err(|refused| {
            let wait = refused.wait_time_from(MonotonicClock.now());
            ApiError::too_often(self.of, self.per_second, whole_seconds(wait))
        })
    }
}

/// Rounded up: who comes back earlier is refused again.
fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use cstar_wire::Code;

    use super::*;

    /// Far more requests than could be refilled while they are counted.
    const MANY: usize = 10_000;

    #[test]
    fn each_has_a_bucket_of_its_own() {
        let buckets = Buckets::new("key-requests", 5).unwrap();
        let taken = (0..MANY).filter(|_| buckets.count(1).is_ok()).count();
        assert!((5..MANY / 2).contains(&taken), "{taken}");
        assert!(buckets.count(2).is_ok());
        let refused = (0..MANY).find_map(|_| buckets.count(1).err()).unwrap();
        assert_eq!(refused.code(), Code::RateLimited);
    }

    #[test]
    fn no_limit_has_no_buckets() {
        assert!(Buckets::<u8>::new("key-requests", 0).is_none());
    }

    #[test]
    fn waits_are_rounded_up() {
        for (wait_ms, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2)] {
            assert_eq!(whole_seconds(Duration::from_millis(wait_ms)), seconds);
        }
    }
}
