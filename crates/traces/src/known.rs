//! Which publish an event came from, as long as there is room.

use std::collections::{HashMap, VecDeque};

use cstar_types::EventId;
use opentelemetry::trace::SpanContext;

/// The most events whose publishes are remembered, some twenty megabytes: those of the last seconds under load, which covers
/// first attempts, and those of all retries on a quiet day.
pub(crate) const KNOWN_MAX: usize = 100_000;

/// The spans that events were published in, those that are not recorded too: their attempts are not recorded either.
#[derive(Debug, Default)]
pub(crate) struct Known {
    publishes: HashMap<EventId, SpanContext>,
    /// The longest known first. What is here is in `publishes`, once.
    order: VecDeque<EventId>,
}

impl Known {
    pub(crate) fn of(&self, event: EventId) -> Option<SpanContext> {
        self.publishes.get(&event).cloned()
    }

    pub(crate) fn remember(&mut self, events: impl Iterator<Item = EventId>, publish: &SpanContext) {
        for event in events {
            if self.publishes.insert(event, publish.clone()).is_none() {
                self.order.push_back(event);
            }
        }
        while self.order.len() > KNOWN_MAX {
            let oldest = self.order.pop_front();
            oldest.and_then(|oldest| self.publishes.remove(&oldest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let mut known = Known::default();
        let event = |bits| EventId::from_bits(bits, false);
        for batch in 0..120 {
            known.remember((0..1000).map(|one| event(batch * 1000 + one)), &SpanContext::NONE);
        }
        assert_eq!((known.publishes.len(), known.order.len()), (KNOWN_MAX, KNOWN_MAX));
        assert!(known.of(event(119_999)).is_some() && known.of(event(19_999)).is_none());
        known.remember([event(119_999)].into_iter(), &SpanContext::NONE);
        assert_eq!(known.order.len(), KNOWN_MAX, "what is known already takes no second place");
    }
}
