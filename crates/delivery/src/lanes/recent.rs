//! What was read, sent and put on record before the tail told of it.

use std::collections::{HashSet, VecDeque};

use cstar_types::DeliveryId;

/// So many of them: the tail is late by what passes between a commit and the wake of whoever asked for it.
const MAX: usize = 1_024;

/// The last of them. A store that several connections write to may show a delivery before its tail tells of it; when it does, it is
/// not news any more.
#[derive(Debug, Default)]
pub(super) struct Recent {
    order: VecDeque<DeliveryId>,
    ids: HashSet<DeliveryId>,
}

impl Recent {
    pub(super) fn add(&mut self, id: DeliveryId) {
        if !self.ids.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }

    pub(super) fn has(&self, id: DeliveryId) -> bool {
        self.ids.contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_are_remembered() {
        let mut recent = Recent::default();
        let id = |number: usize| DeliveryId::from_bits(number as u128);
        (0..=MAX).chain([MAX]).for_each(|number| recent.add(id(number)));
        assert!(!recent.has(id(0)) && (1..=MAX).all(|number| recent.has(id(number))));
        assert_eq!((recent.order.len(), recent.ids.len()), (MAX, MAX));
    }
}
