//! Whose turn it is: round robin within each kind of lane.

use std::collections::VecDeque;

use cstar_types::WebhookId;

/// What a lane waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Proven, with nothing in flight.
    First,
    /// Proven, with room for another beside those in flight.
    Further,
    /// Never tried, with nothing in flight.
    Untried,
    /// Its last attempt failed, with nothing in flight.
    Failing,
    /// Proven, with nothing in memory: a read of the store.
    Read,
    /// Not proven, with nothing in memory: a read of the store.
    SuspectRead,
}

impl Turn {
    const ALL: [Self; 6] =
        [Self::First, Self::Further, Self::Untried, Self::Failing, Self::Read, Self::SuspectRead];
}

/// In which queues a lane stands: at most once in each, so that their length is bounded by the number of lanes.
#[derive(Debug, Default)]
pub(super) struct Queued([bool; Turn::ALL.len()]);

impl Queued {
    /// Notes that it stands there; false if it did already.
    pub(super) fn enter(&mut self, turn: Turn) -> bool {
        !std::mem::replace(&mut self.0[turn as usize], true)
    }

    pub(super) fn leave(&mut self, turn: Turn) {
        self.0[turn as usize] = false;
    }
}

/// The lanes that have something to do, in the order of their turns. A lane whose state has changed since is found out
/// when it comes up.
#[derive(Debug, Default)]
pub(super) struct Turns {
    queues: [VecDeque<WebhookId>; Turn::ALL.len()],
    suspects_next: bool,
}

impl Turns {
    pub(super) fn enter(&mut self, turn: Turn, webhook: WebhookId) {
        self.queues[turn as usize].push_back(webhook);
    }

    /// For a lane whose turn it was, and that had to read the store first.
    pub(super) fn enter_first(&mut self, turn: Turn, webhook: WebhookId) {
        self.queues[turn as usize].push_front(webhook);
    }

    /// The next lane among the turns that are open: reads, which hold nobody up, then who has nothing in flight. Of the
    /// others neither kind can starve the other, and who was never tried, which may be healthy, comes before who fails.
    pub(super) fn next(&mut self, is_open: impl Fn(Turn) -> bool) -> Option<(Turn, WebhookId)> {
        let waits = |turn: &Turn| !self.queues[*turn as usize].is_empty() && is_open(*turn);
        let suspects_first =
            [Turn::Read, Turn::SuspectRead, Turn::First, Turn::Untried, Turn::Failing, Turn::Further];
        let proven_first =
            [Turn::Read, Turn::SuspectRead, Turn::First, Turn::Further, Turn::Untried, Turn::Failing];
        let order = if self.suspects_next { suspects_first } else { proven_first };
        let turn = order.into_iter().find(waits)?;
        self.suspects_next = match turn {
            Turn::Further => true,
            Turn::Untried | Turn::Failing => false,
            _ => self.suspects_next,
        };
        self.queues[turn as usize].pop_front().map(|webhook| (turn, webhook))
    }
}
