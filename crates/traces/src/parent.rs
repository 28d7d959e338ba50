//! Within which span another one stands.

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;

const TRACEPARENT: &str = "traceparent";

/// The one header that is honoured. `tracestate` is not: strangers fill it, and it would be kept for each event.
struct Traceparent<'a>(&'a str);

impl Extractor for Traceparent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

/// The caller's span, or none if the text names none.
pub(crate) fn of(traceparent: &str) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &Traceparent(traceparent))
}

pub(crate) fn within(parent: SpanContext) -> Context {
    Context::new().with_remote_span_context(parent)
}
