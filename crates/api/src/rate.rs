//! How often keys, teams and tokens may ask: a token bucket for each.
//!
//! What a key may ask in a second it may ask at once. The platform key is the operator's own and is not counted. Opening a
//! stream is not counted for keys and teams, which have so many streams and no more: after a restart a whole audience comes
//! back at once, and a browser gives up for good on any answer but 200. A realtime token, which a stranger's browser holds, has
//! a bucket of its own, so that nobody else pays for what one does.

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
    tokens: Option<Buckets<u128>>,
}

/// A page that comes back, in each of a few tabs, which may share one token.
const OPENINGS_PER_TOKEN: u32 = 5;

impl Rates {
    /// So many requests a second; 0 is no limit.
    pub(crate) fn new(a_key: u32, a_team: u32) -> Self {
        Self {
            keys: Buckets::new("key-requests", a_key),
            teams: Buckets::new("team-requests", a_team),
            tokens: Buckets::new("token-requests", OPENINGS_PER_TOKEN),
        }
    }

    /// Counts a request of whoever it is.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn count(&self, caller: &Caller, opens_stream: bool) -> ApiResult<()> {
        match caller {
            Caller::Key(key) if !opens_stream => Buckets::count_in(self.keys.as_ref(), key.id),
            Caller::Token(token) => Buckets::count_in(self.tokens.as_ref(), token.id),
            Caller::Platform | Caller::Key(_) => Ok(()),
        }
    }

    /// Counts a request to a team's path.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn count_for(&self, team: TeamId, caller: &Caller, opens_stream: bool) -> ApiResult<()> {
        match caller {
            Caller::Key(_) if !opens_stream => Buckets::count_in(self.teams.as_ref(), team),
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

    fn count_in(buckets: Option<&Self>, who: K) -> ApiResult<()> {
        buckets.map_or(Ok(()), |buckets| buckets.count(who))
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
