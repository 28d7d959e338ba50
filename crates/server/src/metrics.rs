//! `/metrics`: counts of the store, the deliveries and the streams, read when they are asked for.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cstar_delivery::{Handle, StandingCounts};
use cstar_realtime::Hub;
use cstar_store::{Health, Store};
use cstar_types::{Histogram, Outcome};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::traces::SpanCounts;

/// What the text is, for whoever scrapes it.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Reads everything that is counted.
pub(crate) struct Counts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) delivery: Handle,
    pub(crate) hub: Arc<Hub>,
    pub(crate) publish_times: Arc<Histogram>,
    pub(crate) spans: Arc<SpanCounts>,
}

/// What writes the metrics of this server as text.
pub(crate) fn text(counts: Counts) -> Arc<dyn Fn() -> String + Send + Sync> {
    let mut registry = Registry::with_prefix("cstar");
    registry.register_collector(Box::new(counts));
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
        self.streams(&mut lines)?;
        self.spans(&mut lines)
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
        lines.counter("attempts_recorded", "Attempts on record", counts.attempts)?;
        let sizes = self.store.commit_sizes();
        lines.metric(
            "publish_seconds",
            "From a publish's arrival to its acknowledgement",
            &Distribution::of_times(&self.publish_times),
        )?;
        lines.metric(
            "commit_events",
            "Events in a commit that holds any",
            &Distribution::of_numbers(&sizes.events),
        )?;
        lines.metric(
            "commit_deliveries",
            "Deliveries that such a commit makes",
            &Distribution::of_numbers(&sizes.deliveries),
        )
    }

    fn delivery(&self, lines: &mut Lines<'_>) -> std::fmt::Result {
        let counts = self.delivery.counts();
        lines.gauge("deliveries_in_flight", "Requests to webhooks under way", counts.in_flight)?;
        lines.gauge("deliveries_in_memory", "Deliveries that wait in memory", counts.waiting)?;
        lines.gauge("deliveries_in_memory_bytes", "What they weigh", counts.waiting_bytes)?;
        lines.gauge(
            "deliveries_in_memory_oldest_seconds",
            "How long the oldest of them has been due",
            counts.oldest_wait_s,
        )?;
        lines.gauge("attempts_unrecorded", "Results that are not on record yet", counts.unrecorded)?;
        lines.gauge("lanes", "Webhooks with something to do, or whose pace is remembered", counts.lanes)?;
        lines.gauge("lanes_failing", "Webhooks whose last attempt failed", counts.failing_lanes)?;
        lines.counter("attempts_put_off", "Attempts that could not be made, and wait", counts.put_off)?;
        lines.metric("attempts", "Attempts made, by outcome", &ByOutcome(counts.attempts))?;
        self.lanes(lines, &counts.by_standing)
    }

    /// Who is behind, and whether it is the endpoint's doing.
    fn lanes(&self, lines: &mut Lines<'_>, counts: &[StandingCounts]) -> std::fmt::Result {
        lines.metric(
            "delivery_wait_seconds",
            "From when a delivery is due to the beginning of its attempt",
            &Distribution::of_times(self.delivery.waits()),
        )?;
        lines.metric(
            "lanes_deliveries",
            "Deliveries that are due and wait in memory, or are under way, by how their lane stands",
            &ByStanding(
                counts
                    .iter()
                    .flat_map(|of| [(of, "due", of.due), (of, "in_flight", of.in_flight)])
                    .map(|(of, state, count)| (vec![("lane", of.standing), ("state", state)], count))
                    .collect(),
            ),
        )?;
        lines.metric(
            "lanes_behind",
            "Lanes of which more is due in the store than they hold in memory, by how they stand",
            &ByStanding(counts.iter().map(|of| (vec![("lane", of.standing)], of.behind)).collect()),
        )
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

    fn spans(&self, lines: &mut Lines<'_>) -> std::fmt::Result {
        let SpanCounts { recorded, sent } = &*self.spans;
        lines.counter("spans_recorded", "Spans of traces that ended", recorded.load(Ordering::Relaxed))?;
        lines.counter("spans_sent", "Spans that the collector took", sent.load(Ordering::Relaxed))
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

/// A gauge for each set of labels.
struct ByStanding(Vec<(Vec<(&'static str, &'static str)>, u64)>);

impl EncodeMetric for ByStanding {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|(labels, count)| gauge(*count).encode(encoder.encode_family(labels)?))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

/// A histogram, told in units of so many of what it counts.
struct Distribution<'a> {
    histogram: &'a Histogram,
    unit: f64,
}

impl<'a> Distribution<'a> {
    fn of_numbers(histogram: &'a Histogram) -> Self {
        Self { histogram, unit: 1.0 }
    }

    /// Of microseconds, told in seconds.
    fn of_times(histogram: &'a Histogram) -> Self {
        Self { histogram, unit: 1e6 }
    }
}

impl EncodeMetric for Distribution<'_> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> std::fmt::Result {
        let told = |bound: Option<u64>| bound.map_or(f64::INFINITY, |bound| bound as f64 / self.unit);
        let buckets: Vec<(f64, u64)> =
            self.histogram.buckets().map(|(bound, count)| (told(bound), count)).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = self.histogram.sum() as f64 / self.unit;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

fn gauge(value: u64) -> ConstGauge {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

struct Lines<'a>(DescriptorEncoder<'a>);

impl Lines<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> std::fmt::Result {
        self.metric(name, help, &ConstCounter::new(value))
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) -> std::fmt::Result {
        self.metric(name, help, &gauge(value))
    }

    fn metric(&mut self, name: &str, help: &str, metric: &impl EncodeMetric) -> std::fmt::Result {
        let encoder = self.0.encode_descriptor(name, help, None, metric.metric_type())?;
        metric.encode(encoder)
    }
}

#[cfg(test)]
mod tests {
    use cstar_delivery::Engine;
    use cstar_store::Directory as _;
    use cstar_store::model::Model;
    use cstar_types::{Clock, Team, TeamId, Timestamp};

    use super::*;

    /// What dashboards and alerts are built on: the names stay, and the counts are those of the moment.
    #[tokio::test]
    async fn the_text_names_what_is_counted() {
        let clock: Clock = Arc::new(|| Timestamp::from_millis(0));
        let store = Model::new();
        let options = cstar_delivery::Options::new(Arc::clone(&clock));
        let (_engine, delivery) = Engine::new(Arc::clone(&store) as _, options).unwrap();
        let hub = Hub::new(Arc::clone(&store) as _, cstar_realtime::Options::default(), clock);
        let publish_times = cstar_api::publish_times();
        let spans = Arc::default();
        let read = text(Counts { store: Arc::clone(&store) as _, delivery, hub, publish_times, spans });
        let before = read();
        let team = "550e8400-e29b-41d4-a716-446655440000".parse::<TeamId>().unwrap();
        let created_at = Timestamp::from_millis(0);
        store.create_team(Team { id: team, name: "A team".into(), version: 1, created_at }).await.unwrap();
        let after = read();
        assert_eq!(after, before.replace("cstar_store_commits_total 0", "cstar_store_commits_total 1"));
        assert_ne!(after, before);

        const PAGE: &str = include_str!("../../../docs/metrics.md");
        for help in before.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
            let name = help.split(' ').next().unwrap();
            assert!(PAGE.contains(&format!("| `{name}` |")), "docs/metrics.md does not tell of {name}");
        }

        let (attempts, others): (Vec<&str>, Vec<&str>) = before
            .lines()
            .filter(|line| !line.starts_with('#') && !line.contains("{le="))
            .partition(|line| line.starts_with("cstar_attempts_total{"));
        assert_eq!(attempts.len(), Outcome::ALL.len());
        assert!(attempts.contains(&"cstar_attempts_total{outcome=\"success\"} 0"), "{attempts:?}");
        assert_eq!(
            others,
            [
                "cstar_store_ready 1",
                "cstar_store_writes_waiting 0",
                "cstar_store_commits_total 0",
                "cstar_events_appended_total 0",
                "cstar_deliveries_made_total 0",
                "cstar_attempts_recorded_total 0",
                "cstar_publish_seconds_sum 0.0",
                "cstar_publish_seconds_count 0",
                "cstar_commit_events_sum 0.0",
                "cstar_commit_events_count 0",
                "cstar_commit_deliveries_sum 0.0",
                "cstar_commit_deliveries_count 0",
                "cstar_deliveries_in_flight 0",
                "cstar_deliveries_in_memory 0",
                "cstar_deliveries_in_memory_bytes 0",
                "cstar_deliveries_in_memory_oldest_seconds 0",
                "cstar_attempts_unrecorded 0",
                "cstar_lanes 0",
                "cstar_lanes_failing 0",
                "cstar_attempts_put_off_total 0",
                "cstar_delivery_wait_seconds_sum 0.0",
                "cstar_delivery_wait_seconds_count 0",
                "cstar_lanes_deliveries{lane=\"proven\",state=\"due\"} 0",
                "cstar_lanes_deliveries{lane=\"proven\",state=\"in_flight\"} 0",
                "cstar_lanes_deliveries{lane=\"untried\",state=\"due\"} 0",
                "cstar_lanes_deliveries{lane=\"untried\",state=\"in_flight\"} 0",
                "cstar_lanes_deliveries{lane=\"failing\",state=\"due\"} 0",
                "cstar_lanes_deliveries{lane=\"failing\",state=\"in_flight\"} 0",
                "cstar_lanes_behind{lane=\"proven\"} 0",
                "cstar_lanes_behind{lane=\"untried\"} 0",
                "cstar_lanes_behind{lane=\"failing\"} 0",
                "cstar_streams_open 0",
                "cstar_streams_lag_events_max 0",
                "cstar_streams_ring_bytes 0",
                "cstar_streams_opened_total 0",
                "cstar_streams_frames_total 0",
                "cstar_streams_writes_total 0",
                "cstar_streams_gaps_total 0",
                "cstar_streams_store_reads_total 0",
                "cstar_streams_hung_up_total 0",
                "cstar_spans_recorded_total 0",
                "cstar_spans_sent_total 0",
            ]
        );
        assert!(before.contains("# TYPE cstar_lanes gauge\n") && before.ends_with("# EOF\n"), "{before}");
    }
}
