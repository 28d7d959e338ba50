//! Which span stands within which.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;

use super::span::place;
use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const NOT_RECORDED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

fn traces() -> Arc<Traces> {
    Traces::new(SdkTracerProvider::builder().build().tracer("test"))
}

fn team() -> TeamId {
    "550e8400-e29b-41d4-a716-446655440000".parse().unwrap()
}

fn event(bits: u128) -> EventId {
    EventId::from_bits(bits, false)
}

fn attempt(traces: &Traces, event: EventId) -> Attempt {
    traces.attempt(&Attempted {
        event,
        event_type: &"ticket.created".parse().unwrap(),
        webhook: WebhookId::from_bits(1),
        delivery: DeliveryId::from_bits(1),
        number: 1,
    })
}

/// Only a whole `traceparent` is followed; with anything else a publish begins a trace of its own.
#[test]
fn a_publish_stands_within_its_callers_trace() {
    let traces = traces();
    let trace_of = |text: Option<&str>| place(&traces.publish(team(), text).span).trace_id().to_string();
    assert_eq!(trace_of(Some(&format!("00-{TRACE}-00f067aa0ba902b7-01"))), TRACE);
    for wrong in [None, Some(""), Some("00-0-0-01"), Some("garbage"), Some(TRACE)] {
        assert_ne!(trace_of(wrong), TRACE, "{wrong:?}");
    }
}

#[test]
fn an_attempt_stands_within_the_publish_of_its_event() {
    let traces = traces();
    let publish = traces.publish(team(), None);
    let commit = publish.commit([event(1)].into_iter());
    let trace = place(&publish.span).trace_id();
    assert_eq!(place(&commit.span).trace_id(), trace);
    assert_eq!(place(&attempt(&traces, event(1)).span).trace_id(), trace);
    assert_ne!(place(&attempt(&traces, event(2)).span).trace_id(), trace, "it is of no known publish");
}

/// Who decides not to record a publish decides it for what follows, too.
#[test]
fn an_attempt_is_recorded_where_its_publish_is() {
    let traces = traces();
    let publish = traces.publish(team(), Some(NOT_RECORDED));
    let commit = publish.commit([event(1)].into_iter());
    let attempt = attempt(&traces, event(1));
    for span in [&publish.span, &commit.span, &attempt.span] {
        assert!(!place(span).is_sampled());
        assert_eq!(place(span).trace_id().to_string(), TRACE);
    }
}
