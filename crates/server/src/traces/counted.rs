//! How many spans there were, and how many a collector took.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{self, BatchSpanProcessor, Span, SpanData, SpanProcessor};

/// Counts since the start. What was recorded and not sent, but for what waits, is lost.
#[derive(Debug, Default)]
pub(crate) struct SpanCounts {
    /// Spans that ended.
    pub(crate) recorded: AtomicU64,
    /// Spans that a collector took.
    pub(crate) sent: AtomicU64,
}

/// A queue that counts what it is given, be there room or not.
#[derive(Debug)]
pub(super) struct CountedProcessor {
    queue: BatchSpanProcessor,
    counts: Arc<SpanCounts>,
}

/// An exporter that counts what is taken, and tells when the collector goes and comes.
#[derive(Debug)]
pub(super) struct CountedExporter {
    exporter: SpanExporter,
    counts: Arc<SpanCounts>,
    failing: AtomicBool,
}

impl CountedProcessor {
    pub(super) fn new(queue: BatchSpanProcessor, counts: &Arc<SpanCounts>) -> Self {
        Self { queue, counts: Arc::clone(counts) }
    }
}

impl SpanProcessor for CountedProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.queue.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.counts.recorded.fetch_add(1, Ordering::Relaxed);
        self.queue.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.queue.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.queue.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.queue.set_resource(resource);
    }
}

impl CountedExporter {
    pub(super) fn new(exporter: SpanExporter, counts: &Arc<SpanCounts>) -> Self {
        Self { exporter, counts: Arc::clone(counts), failing: AtomicBool::new(false) }
    }

    /// Told once for each outage: a collector that is gone is met by every batch.
    fn tell(&self, result: &OTelSdkResult) {
        let failing = result.is_err();
        match (self.failing.swap(failing, Ordering::Relaxed), result) {
            (false, Err(error)) => {
                tracing::warn!(%error, "spans cannot be sent, and are dropped until the collector takes them");
            }
            (true, Ok(())) => tracing::info!("spans are sent again"),
            _ => {}
        }
    }
}

impl trace::SpanExporter for CountedExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        let result = self.exporter.export(batch).await;
        if result.is_ok() {
            self.counts.sent.fetch_add(count, Ordering::Relaxed);
        }
        self.tell(&result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
