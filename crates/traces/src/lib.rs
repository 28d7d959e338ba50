//! Traces, from a publish to the attempts that follow from it.
//!
//! ```text
//! publish ─┬─ commit
//!          ├─ delivery attempt (1, at once)
//!          └─ delivery attempt (2, a minute later)
//! ```
//! An attempt finds the publish of its event in memory: nothing of a trace is stored, so that an attempt of an event that is
//! not known any more, as after a restart, begins a trace of its own. No span says more than ids, the type, numbers and codes
//! (SEC-3): no body, no URL, no key.
//!
//! Nothing of this runs unless traces are asked for.

mod known;
mod parent;
mod span;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use cstar_types::{DeliveryId, EventId, EventType, TeamId, WebhookId};
use opentelemetry::trace::{SpanBuilder, SpanContext, SpanKind, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span};
use parking_lot::Mutex;

use known::Known;
pub use span::{Attempt, Commit, Publish};

/// Begins the spans of publishes and attempts.
#[derive(Debug)]
pub struct Traces {
    tracer: SdkTracer,
    publishes: Mutex<Known>,
}

/// What is attempted.
#[derive(Debug, Clone, Copy)]
pub struct Attempted<'a> {
    /// What is delivered.
    pub event: EventId,
    /// Of which type.
    pub event_type: &'a EventType,
    /// To where.
    pub webhook: WebhookId,
    /// As which delivery.
    pub delivery: DeliveryId,
    /// For which time, from 1.
    pub number: u32,
}

impl Traces {
    /// Spans of this tracer.
    #[must_use]
    pub fn new(tracer: SdkTracer) -> Arc<Self> {
        Arc::new(Self { tracer, publishes: Mutex::default() })
    }

    /// Begins the span of a publish, within its caller's trace if `traceparent` (W3C Trace Context) names one.
    #[must_use]
    pub fn publish(&self, team: TeamId, traceparent: Option<&str>) -> Publish<'_> {
        let span = self.tracer.span_builder("publish").with_kind(SpanKind::Server);
        let span = span.with_attributes([KeyValue::new("cstar.team", team.to_string())]);
        let parent = traceparent.map_or_else(Context::new, parent::of);
        Publish { traces: self, span: self.begin(span, &parent) }
    }

    fn commit(&self, publish: SpanContext, events: impl ExactSizeIterator<Item = EventId>) -> Commit {
        let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
        let span = self.tracer.span_builder("commit").with_kind(SpanKind::Internal);
        let span = span.with_attributes([KeyValue::new("cstar.events", count)]);
        self.publishes.lock().remember(events, &publish);
        Commit { span: self.begin(span, &parent::within(publish)) }
    }

    /// Begins the span of an attempt.
    #[must_use]
    pub fn attempt(&self, attempted: &Attempted<'_>) -> Attempt {
        let publish = self.publishes.lock().of(attempted.event);
        let span = self.tracer.span_builder("delivery attempt").with_kind(SpanKind::Client);
        let span = span.with_attributes([
            KeyValue::new("cstar.event", attempted.event.to_string()),
            KeyValue::new("cstar.event_type", attempted.event_type.as_str().to_owned()),
            KeyValue::new("cstar.webhook", attempted.webhook.to_string()),
            KeyValue::new("cstar.delivery", attempted.delivery.to_string()),
            KeyValue::new("cstar.attempt", i64::from(attempted.number)),
        ]);
        Attempt { span: self.begin(span, &publish.map_or_else(Context::new, parent::within)) }
    }

    fn begin(&self, span: SpanBuilder, parent: &Context) -> Span {
        self.tracer.build_with_context(span, parent)
    }
}
