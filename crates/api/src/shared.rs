//! What every route works with.

use std::sync::Arc;

use cstar_realtime::Hub;
use cstar_store::Store;
use cstar_traces::Traces;
use cstar_types::{Clock, Histogram, Timestamp};

use crate::Options;
use crate::auth::{By, KeyUses};
use crate::body::Intake;
use crate::catalog::Catalog;
use crate::ids::Ids;
use crate::rate::Rates;
use crate::routes::Counted;

/// Writes the metrics of the whole server, in the OpenMetrics text format.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Everything that the API is built on.
#[derive(Clone)]
pub struct Api {
    /// The log, the directory, the deliveries.
    pub store: Arc<dyn Store>,
    /// What the operator set.
    pub options: Options,
    /// The present.
    pub clock: Clock,
    /// The open streams.
    pub hub: Arc<Hub>,
    /// Says where webhooks may point (SEC-1).
    pub delivery: cstar_delivery::Handle,
    /// How long publishes took until they were acknowledged; see [`publish_times`].
    pub publish_times: Arc<Histogram>,
    /// Where publishes are traced, if they are.
    pub traces: Option<Arc<Traces>>,
    /// `/metrics`, unless it is served on a listener of its own.
    pub metrics: Option<Metrics>,
}

/// Where the times of publishes are counted, in microseconds: from a sync of a fast disk to the time-outs of clients.
#[must_use]
pub fn publish_times() -> Arc<Histogram> {
    const BOUNDS_US: &[u64] = &[
        500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000, 10_000_000,
    ];
    Arc::new(Histogram::new(BOUNDS_US))
}

/// [`Api`], and what is made once from it.
pub(crate) struct Shared {
    pub(crate) api: Api,
    pub(crate) ids: Ids,
    pub(crate) catalog: Catalog,
    pub(crate) key_uses: KeyUses,
    pub(crate) intake: Intake,
    pub(crate) rates: Rates,
    pub(crate) stats: Counted,
}

impl Shared {
    pub(crate) fn new(api: Api) -> Arc<Self> {
        let (ids, key_uses) = (Ids::default(), KeyUses::default());
        let catalog = Catalog::new(Arc::clone(&api.store));
        let intake = Intake::new(api.options.body_memory_bytes, api.options.body_timeout);
        let rates = Rates::new(api.options.requests_per_key, api.options.requests_per_team);
        Arc::new(Self { api, ids, catalog, key_uses, intake, rates, stats: Counted::default() })
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.api.store
    }

    /// The store, in the hands of who asks for a change now.
    pub(crate) fn by(&self, by: &By) -> Arc<dyn Store> {
        self.store().by(by.author(self.now()))
    }

    pub(crate) fn options(&self) -> &Options {
        &self.api.options
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.api.clock)()
    }
}
