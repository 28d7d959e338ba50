//! `/metrics`: counts of the store, the deliveries and the streams, read when they are asked for.

use std::sync::Arc;

use cstar_delivery::Handle;
use cstar_realtime::Hub;
use cstar_store::{Health, Store};
use cstar_types::Outcome;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// What the text is, for whoever scrapes it.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Reads everything that is counted.
struct Counts {
    store: Arc<dyn Store>,
    delivery: Handle,
    hub: Arc<Hub>,
}

/// What writes the metrics of this server as text.
pub(crate) fn text(
    store: Arc<dyn Store>,
    delivery: Handle,
    hub: Arc<Hub>,
) -> Arc<dyn Fn() -> String + Send + Sync> {
    let mut registry = Registry::with_prefix("cstar");
    registry.register_collector(Box::new(Counts { store, delivery, hub }));
    Arc::new(move || {
        let mut text = String::new();
        let written = prometheus_client::encoding::text::encode(&mut text, &registry);
        debug_assert!(written.is_ok(), "writing to a string does not fail");
        text
    })
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counts")
    }
}

impl Collector for Counts {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut lines = Lines(encoder);
        self.store(&mut lines)?;
        self.delivery(&mut lines)?;
        self.streams(&mut lines)
    }
}

impl Counts {
    fn store(&self, lines: &mut Lines<'_>) -> std::fmt::Result {
        let counts = self.store.counts();
        let ready = u64::from(self.store.health() == Health::Ready);
        lines.gauge("store_ready", "1 while a publish can be taken", ready)?;
        lines.gauge("store_writes_waiting", "Writes on their way to the writer", counts.waiting)?;
        lines.counter("store_commits", "Synced commits", counts.commits)?;
        lines.counter("events_appended", "Events appended to the log", counts.events)?;
        lines.counter("deliveries_made", "Deliveries made", counts.deliveries)?;
        lines.counter("attempts_recorded", "Attempts on record", counts.attempts)
    }

    fn delivery(&self, lines: &mut Lines<'_>) -> std::fmt::Result {
        let counts = self.delivery.counts();
        lines.gauge("deliveries_in_flight", "Requests to webhooks under way", counts.in_flight)?;
        lines.gauge("deliveries_in_memory", "Deliveries that wait in memory", counts.waiting)?;
        lines.gauge("deliveries_in_memory_bytes", "What they weigh", counts.waiting_bytes)?;
        lines.gauge("attempts_unrecorded", "Results that are not on record yet", counts.unrecorded)?;
        lines.gauge("lanes", "Webhooks with something to do", counts.lanes)?;
        lines.gauge("lanes_failing", "Webhooks whose last attempt failed", counts.failing_lanes)?;
        lines.metric("attempts", "Attempts made, by outcome", &ByOutcome(counts.attempts))
    }

    fn streams(&self, lines: &mut Lines<'_>) -> std::fmt::Result {
        let counts = self.hub.counts();
        lines.gauge("streams_open", "Open streams", counts.streams)?;
        lines.gauge(
            "streams_lag_events_max",
            "Events that the slowest stream has still to pass",
            counts.lag_max,
        )?;
        lines.gauge("streams_ring_bytes", "Memory of the newest frames", counts.ring_bytes)?;
        lines.counter("streams_opened", "Streams opened", counts.opened)?;
        lines.counter("streams_frames", "Event frames sent", counts.frames)?;
        lines.counter("streams_writes", "Writes in which they were sent", counts.batches)?;
        lines.counter("streams_gaps", "Gaps told", counts.gaps)?;
        lines.counter(
            "streams_store_reads",
            "Reads of the store for streams behind the ring",
            counts.reads,
        )?;
        lines.counter("streams_hung_up", "Connections cut because nobody read them", counts.hung_up)
    }
}

/// A counter for each outcome.
struct ByOutcome(Vec<(Outcome, u64)>);

impl EncodeMetric for ByOutcome {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|(outcome, count)| {
            ConstCounter::new(*count).encode(encoder.encode_family(&[("outcome", outcome.as_str())])?)
        })
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

struct Lines<'a>(DescriptorEncoder<'a>);

impl Lines<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> std::fmt::Result {
        self.metric(name, help, &ConstCounter::new(value))
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) -> std::fmt::Result {
        self.metric(name, help, &ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn metric(&mut self, name: &str, help: &str, metric: &impl EncodeMetric) -> std::fmt::Result {
        let encoder = self.0.encode_descriptor(name, help, None, metric.metric_type())?;
        metric.encode(encoder)
    }
}
