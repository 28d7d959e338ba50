//! The engine: what is due becomes attempts, attempts become results on record.
//!
//! [`Engine::run`] is one long-lived task: it hears the tail, starts attempts, and records what came of them. Who has made an
//! attempt takes the next one that the lanes have, without asking it. DLV-3: a delivery that is in flight stays due in the store until its result is on record, so that a crash
//! repeats an attempt and never loses one.

mod attempt;
mod clock;
mod desk;
mod dispatch;
mod endpoints;
mod recorder;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use cstar_store::{Store, StoreError};
use cstar_types::Histogram;
use parking_lot::Mutex;
use url::Url;

use attempt::Attempts;
use clock::SteadyClock;
use dispatch::Dispatch;
use endpoints::Endpoints;

use crate::counts::{Counts, Gauges};
use crate::lanes::LaneLimits;
use crate::options::{Options, OptionsError};
use crate::sender::{Sender, SenderOptions};
use crate::target::{Asker, Names, TargetError};

/// Delivers what is due in a store, until it is told to stop.
pub struct Engine {
    store: Arc<dyn Store>,
    attempts: Arc<Attempts>,
    limits: LaneLimits,
    tail_bytes: usize,
}

/// What others ask of a running engine.
#[derive(Clone)]
pub struct Handle {
    names: Names,
    gauges: Arc<Gauges>,
    attempt_timeout: Duration,
}

impl Engine {
    /// An engine on this store, and a handle to it. It does nothing before it runs.
    ///
    /// # Errors
    /// When the options cannot be used.
    pub fn new(store: Arc<dyn Store>, options: Options) -> Result<(Self, Handle), OptionsError> {
        options.check()?;
        let limits = LaneLimits {
            in_flight: options.in_flight_max,
            in_flight_a_lane: options.in_flight_a_lane_max(),
            waiting_bytes: options.waiting_bytes_max,
        };
        let (tail_bytes, idle_connections_max) = (options.tail_bytes_max, options.idle_connections_max());
        let names = Names::new(options.target, options.resolver, options.names_kept);
        let gauges = Arc::new(Gauges::default());
        let sender = Sender::new(SenderOptions {
            names: names.clone(),
            attempt_timeout: options.attempt_timeout,
            extra_authorities_pem: options.extra_authorities_pem,
            egress_proxy: options.egress_proxy,
            idle_connections_max,
            idle_connection_timeout: options.idle_connection_timeout,
        })?;
        let attempts = Attempts {
            endpoints: Endpoints::new(Arc::clone(&store), names.clone(), options.retry_schedule),
            sender,
            attempt_timeout: options.attempt_timeout,
            failure_rule: options.failure_rule,
            steady: Arc::new(SteadyClock::new(Arc::clone(&options.clock))),
            clock: options.clock,
            gauges: Arc::clone(&gauges),
            proxy_told: Mutex::default(),
            traces: options.traces,
        };
        Ok((
            Self { store, attempts: Arc::new(attempts), limits, tail_bytes },
            Handle { names, gauges, attempt_timeout: options.attempt_timeout },
        ))
    }

    /// Delivers until `shutdown` completes; then nothing new is started, what is in flight ends within its deadline and is
    /// recorded. What was not started stays due in the store.
    ///
    /// # Errors
    /// When the store takes no results any more.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), StoreError> {
        Dispatch::new(self.store, self.attempts, self.limits, self.tail_bytes).run(shutdown).await
    }
}

impl Handle {
    /// Judges a URL as a target now (SEC-1): for when a webhook is made or changed. Each attempt judges it again.
    ///
    /// # Errors
    /// [`TargetError`]: a refusal reads the same whatever its reason, and is told apart from what could not be judged now.
    pub async fn check_target(&self, url: &str) -> Result<Url, TargetError> {
        let target = self.names.rule().check_url(url)?;
        self.names.vet(&target, Asker::Registration).await?;
        Ok(target.url().clone())
    }

    /// How long one attempt may take at most.
    #[must_use]
    pub fn attempt_timeout(&self) -> Duration {
        self.attempt_timeout
    }

    /// How many there are, for metrics.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.gauges.read()
    }

    /// How long deliveries waited from when they were due until their attempt began, in microseconds.
    #[must_use]
    pub fn waits(&self) -> &Histogram {
        &self.gauges.waits
    }
}
