//! What can be set, with its defaults and their reasons.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cstar_traces::Traces;
use cstar_types::{Clock, FailureRule, RetrySchedule};

use crate::lanes::CEILING;
use crate::sender::{AuthorityError, EgressProxy};
use crate::target::{Resolver, SystemResolver, TargetRule};

/// W49, T7: over resolving, connecting, TLS, writing and the head of the answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests in flight, over all webhooks. Each is a descriptor and a few buffers; 512 endpoints that take a tenth of a
/// second are 5,000 requests a second.
const IN_FLIGHT: usize = 512;

/// Requests in flight to one webhook: an endpoint that takes 10 ms gets 12,800 a second.
const IN_FLIGHT_A_LANE: usize = 128;

/// A lane has at most one in so many of all requests in flight: it leaves room for others.
const LANE_SHARE: usize = 4;

/// What waits in memory: what is beyond it is read from the store when its turn comes.
const WAITING_BYTES: usize = 64 * 1024 * 1024;

/// What the tail may hold for the engine, in bytes: a second of publishing at full speed. Beyond it the store is read.
const TAIL_BYTES: usize = 16 * 1024 * 1024;

/// How long they are kept: shorter than the 60 s and more after which common servers and balancers close theirs, since a
/// request into a connection that is being closed is lost.
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a name's addresses are taken as they were.
const NAMES_KEPT: Duration = Duration::from_secs(5);

/// What the engine is made of.
#[derive(Clone)]
pub struct Options {
    /// How long an attempt may take until the head of its answer.
    pub attempt_timeout: Duration,
    /// The schedule of webhooks that have none of their own.
    pub retry_schedule: RetrySchedule,
    /// Which webhooks are disabled because they only fail.
    pub failure_rule: FailureRule,
    /// Requests in flight over all webhooks, at least 2. One webhook gets a quarter of them, and 128 at most; as many idle
    /// connections are kept. Descriptors must suffice: see [`Options::descriptors_max`].
    pub in_flight_max: usize,
    /// What may wait in memory, in bytes; the rest waits in the store.
    pub waiting_bytes_max: usize,
    /// What the tail may hold for the engine, in bytes; beyond it the store is read.
    pub tail_bytes_max: usize,
    /// For how long idle connections are kept.
    pub idle_connection_timeout: Duration,
    /// How long a name's addresses are taken as they were; each attempt judges them anew. They serve for half a minute
    /// where no fresh answer comes.
    pub names_kept: Duration,
    /// Where requests may go.
    pub target: TargetRule,
    /// Certificate authorities that are trusted beside the system's, as PEM.
    pub extra_authorities_pem: Option<Vec<u8>>,
    /// The proxy that all requests go through, if there is one.
    pub egress_proxy: Option<EgressProxy>,
    /// Where names are looked up.
    pub resolver: Arc<dyn Resolver>,
    /// Where attempts are traced, if they are.
    pub traces: Option<Arc<Traces>>,
    /// Where the present comes from.
    pub clock: Clock,
}

/// The options cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// A limit that leaves no room.
    #[error("{name} is {value}, and must be at least {least}")]
    TooSmall {
        /// Which one.
        name: &'static str,
        /// What it is.
        value: u64,
        /// What it must be.
        least: u64,
    },
    /// The extra authorities.
    #[error(transparent)]
    Authorities(#[from] AuthorityError),
}

impl Options {
    /// The defaults, with this clock.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            attempt_timeout: ATTEMPT_TIMEOUT,
            retry_schedule: RetrySchedule::default(),
            failure_rule: FailureRule::default(),
            in_flight_max: IN_FLIGHT,
            waiting_bytes_max: WAITING_BYTES,
            tail_bytes_max: TAIL_BYTES,
            idle_connection_timeout: IDLE_CONNECTION_TIMEOUT,
            names_kept: NAMES_KEPT,
            target: TargetRule::default(),
            extra_authorities_pem: None,
            egress_proxy: None,
            resolver: Arc::new(SystemResolver),
            traces: None,
            clock,
        }
    }

    /// The most descriptors that connections to webhooks hold at once: first requests of healthy webhooks may go beyond
    /// the limit, up to [`CEILING`] times as many (DLV-4), and idle connections come on top.
    #[must_use]
    pub fn descriptors_max(&self) -> usize {
        self.in_flight_max.saturating_mul(CEILING).saturating_add(self.idle_connections_max())
    }

    pub(crate) fn in_flight_a_lane_max(&self) -> u32 {
        (self.in_flight_max / LANE_SHARE).clamp(1, IN_FLIGHT_A_LANE) as u32
    }

    /// What was in flight may be needed again at once.
    pub(crate) fn idle_connections_max(&self) -> usize {
        self.in_flight_max
    }

    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let at_least = |name, value: u64, least| {
            if value < least { Err(OptionsError::TooSmall { name, value, least }) } else { Ok(()) }
        };
        at_least("in_flight_max", self.in_flight_max as u64, 2)?;
        at_least("attempt_timeout in ms", self.attempt_timeout.as_millis().try_into().unwrap_or(u64::MAX), 1)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("attempt_timeout", &self.attempt_timeout)
            .field("retry_schedule", &self.retry_schedule)
            .field("failure_rule", &self.failure_rule)
            .field("in_flight_max", &self.in_flight_max)
            .field("waiting_bytes_max", &self.waiting_bytes_max)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use cstar_types::Timestamp;

    use super::*;

    #[test]
    fn the_limits_move_together() {
        let limits = |in_flight_max| {
            let clock: Clock = Arc::new(|| Timestamp::from_millis(0));
            let options = Options { in_flight_max, ..Options::new(clock) };
            (options.in_flight_a_lane_max(), options.idle_connections_max(), options.descriptors_max())
        };
        assert_eq!(limits(2), (1, 2, 6));
        assert_eq!(limits(IN_FLIGHT), (128, 512, 1536));
        assert_eq!(limits(100_000), (128, 100_000, 300_000));
    }
}
