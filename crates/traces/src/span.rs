//! Spans that have begun. Each ends when it is dropped, also where what it is of was given up.

use cstar_types::{EventId, Outcome};
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, SpanContext, Status, TraceState};
use opentelemetry_sdk::trace::Span;

use super::Traces;

/// A publish, from its arrival to its answer.
#[derive(Debug)]
pub struct Publish<'a> {
    pub(crate) traces: &'a Traces,
    pub(crate) span: Span,
}

/// A commit, from when events are handed over until they are synced.
#[derive(Debug)]
pub struct Commit {
    pub(crate) span: Span,
}

/// An attempt.
#[derive(Debug)]
pub struct Attempt {
    pub(crate) span: Span,
}

impl Publish<'_> {
    /// Begins the span of the commit of these events. What is attempted of them will stand within this publish.
    #[must_use]
    pub fn commit(&self, events: impl ExactSizeIterator<Item = EventId>) -> Commit {
        self.traces.commit(place(&self.span), events)
    }

    /// It was refused, with this code.
    pub fn failed(&mut self, code: &'static str) {
        fail(&mut self.span, code);
    }
}

impl Commit {
    /// It is known what came of it.
    pub fn end(mut self) {
        self.span.end();
    }
}

impl Attempt {
    /// It was made, and came to this.
    pub fn came_to(&mut self, outcome: Outcome, status_code: Option<u16>) {
        if let Some(status) = status_code {
            self.span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        }
        if outcome != Outcome::Success {
            fail(&mut self.span, outcome.as_str());
        }
    }

    /// It could not be made, and waits.
    pub fn put_off(&mut self) {
        fail(&mut self.span, "put_off");
    }
}

/// Where a span stands, for what stands within it.
pub(crate) fn place(span: &Span) -> SpanContext {
    let own = span.span_context();
    SpanContext::new(own.trace_id(), own.span_id(), own.trace_flags(), false, TraceState::NONE)
}

fn fail(span: &mut Span, code: &'static str) {
    span.set_attribute(KeyValue::new("error.type", code));
    span.set_status(Status::error(code));
}
