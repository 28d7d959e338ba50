//! The global limit of requests in flight, and who may use how much of it.

use super::turns::Turn;

/// How far the healthy may go beyond the global limit, as a multiple of it: see [`Slots`].
pub(crate) const CEILING: usize = 2;

/// DLV-4: a lane whose last attempt succeeded always finds a slot.
///
/// Lanes that are suspect (their last attempt failed, or none has succeeded yet) start nothing while half of the limit
/// is held by suspects, and hold one slot each. Of what is left, half of the limit at least, proven lanes take as much
/// as their paces let them, in turns. A proven lane with nothing in flight does not even wait for its turn's slot: its
/// first request may go beyond the limit.
///
/// ```text
/// 0 ··········· limit/2 ··········· limit ································ 2 × limit
/// │ suspects, one each  │  proven lanes │ first requests of proven lanes alone    │
/// ```
/// Twice the limit is the end for all: it is reached only when more proven lanes than the limit are waiting for slow
/// answers at once, and descriptors are finite.
#[derive(Debug)]
pub(super) struct Slots {
    limit: usize,
    proven: usize,
    suspect: usize,
}

impl Slots {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(2), proven: 0, suspect: 0 }
    }

    /// Whether a lane in this turn may start a request, or could if it had read the store: what cannot be started is not
    /// read either, so that memory stays bounded.
    pub(super) fn is_open(&self, turn: Turn) -> bool {
        let half = self.limit / 2;
        match turn {
            Turn::First | Turn::Read => self.taken() < self.limit * CEILING,
            // Suspects can hold more than half for a while, when many lanes begin to fail with requests in flight. That
            // is not held against the others.
            Turn::Further => self.proven + self.suspect.min(half) < self.limit,
            Turn::Untried | Turn::Failing | Turn::SuspectRead => {
                self.suspect < half && self.taken() < self.limit
            }
        }
    }

    pub(super) fn take(&mut self, proven: bool) {
        *self.count(proven) += 1;
    }

    pub(super) fn give_back(&mut self, proven: bool) {
        let count = self.count(proven);
        debug_assert!(*count > 0, "a slot is given back once");
        *count = count.saturating_sub(1);
    }

    /// A lane with so many in flight is now proven, or no longer.
    pub(super) fn reassign(&mut self, in_flight: u32, proven: bool) {
        let in_flight = in_flight as usize;
        debug_assert!(*self.count(!proven) >= in_flight, "what is in flight was counted");
        *self.count(!proven) = self.count(!proven).saturating_sub(in_flight);
        *self.count(proven) += in_flight;
    }

    pub(super) fn taken(&self) -> usize {
        self.proven + self.suspect
    }

    #[cfg(test)]
    pub(super) fn suspect(&self) -> usize {
        self.suspect
    }

    fn count(&mut self, proven: bool) -> &mut usize {
        if proven { &mut self.proven } else { &mut self.suspect }
    }
}
