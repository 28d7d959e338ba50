//! Traces on their way to a collector: OTLP over HTTP, in batches, off unless asked for.
//!
//! The exporter has a queue of so many spans and a thread of its own. Whatever becomes of the collector, nobody waits for it:
//! what finds no room, and what cannot be sent, is dropped and counted.

mod counted;
mod endpoint;
mod http;

use std::sync::Arc;
use std::time::Duration;

use cstar_client::http_builder_for;
use cstar_traces::Traces;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider};
use reqwest::redirect::Policy;
use tokio::runtime::Handle;
use url::Url;

use crate::error::StartError;
use counted::{CountedExporter, CountedProcessor};
use http::OnRuntime;

pub(crate) use counted::SpanCounts;
pub(crate) use endpoint::endpoint;

/// A collector that does not answer holds up nothing but its own batches.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the last spans may take at a shutdown.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// Spans on their way.
pub(crate) struct Export(SdkTracerProvider);

/// Begins to send spans there. Which of them are recorded, the variables of OpenTelemetry say.
///
/// # Errors
/// When no HTTP client can be made.
pub(crate) fn start(collector: &Url, counts: &Arc<SpanCounts>) -> Result<(Arc<Traces>, Export), StartError> {
    let unusable = |error: String| StartError::Unusable(format!("--otlp-endpoint: {error}"));
    // Its headers hold the collector's key, which no redirect may carry elsewhere (SEC-3).
    let http =
        http_builder_for(collector).no_proxy().redirect(Policy::none()).timeout(EXPORT_TIMEOUT).build();
    let http = http.map_err(|error| unusable(error.to_string()))?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(collector.as_str())
        .with_timeout(EXPORT_TIMEOUT)
        .with_http_client(OnRuntime { http, runtime: Handle::current() })
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    let batches = BatchSpanProcessor::builder(CountedExporter::new(exporter, counts)).build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource())
        .with_span_processor(CountedProcessor::new(batches, counts))
        .build();
    Ok((Traces::new(provider.tracer("cstar")), Export(provider)))
}

fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    Resource::builder().with_service_name("cstar").with_attribute(version).build()
}

impl Export {
    /// Sends what is left, and ends.
    pub(crate) async fn end(self) {
        let ending = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(LAST_SPANS));
        if !matches!(ending.await, Ok(Ok(()))) {
            tracing::warn!("the last spans were not sent");
        }
    }
}
