//! The frames of a team's log that are in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::run::Run;

/// Of what a ring holds, frames from the store are at most one part in so many, where memory is scarce: one client that
/// replays the whole log must not take from all others what was just committed.
const BROUGHT_SHARE: usize = 4;
/// Runs from the store that are kept, so that looking through them takes next to no time. At a slice of the store each
/// they are 8 MiB.
const BROUGHT_RUNS: usize = 128;

/// The newest frames of one team's log, encoded, and some that a reader has lately brought from the store.
///
/// ```text
///  store:   1 ──────────────────────────────── known
///  newest:               ════════      ═══════════     a hole where the tail lagged
///  brought:     ════  ════     ═════════
/// ```
/// Nothing depends on what it holds: what it does not hold is read from the store.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    /// What was committed, in order.
    newest: VecDeque<Arc<Run>>,
    /// What was read from the store, in the order in which it came: those who come back together, or fell behind
    /// together, follow the first of them.
    brought: VecDeque<Arc<Run>>,
    newest_bytes: usize,
    brought_bytes: usize,
}

impl Ring {
    /// Takes what was committed.
    pub(crate) fn push(&mut self, run: Arc<Run>) {
        if self.newest.back().is_none_or(|back| back.last() < run.first()) {
            self.newest_bytes += run.weight();
            self.newest.push_back(run);
        }
    }

    /// Takes what was read from the store, if others have not brought it meanwhile.
    pub(crate) fn bring(&mut self, run: Arc<Run>) {
        if self.brought.iter().any(|held| held.first() <= run.first() && run.last() <= held.last()) {
            return;
        }
        if self.brought.len() == BROUGHT_RUNS {
            self.evict_brought();
        }
        self.brought_bytes += run.weight();
        self.brought.push_back(run);
    }

    /// The runs from the one that holds the frame behind `after`, as far as they follow each other and are at most
    /// `max_bytes` together; at least that one. Empty where the ring does not hold it.
    pub(crate) fn runs_after(&self, after: u64, max_bytes: usize) -> Vec<Arc<Run>> {
        let Some(at) = self.newest_with(after + 1) else {
            return self.brought_with(after + 1).cloned().into_iter().collect();
        };
        let (mut bytes, mut next) = (0, None);
        let joining = self.newest.range(at..).take_while(|run| {
            let fits = bytes == 0 || bytes + run.bytes().len() <= max_bytes;
            let follows = next.is_none_or(|next| next == run.first());
            bytes += run.bytes().len();
            next = Some(run.last() + 1);
            fits && follows
        });
        joining.cloned().collect()
    }

    /// Whether it holds this one.
    pub(crate) fn holds(&self, seq: u64) -> bool {
        self.newest_with(seq).is_some() || self.brought_with(seq).is_some()
    }

    fn newest_with(&self, seq: u64) -> Option<usize> {
        let at = self.newest.partition_point(|run| run.last() < seq);
        self.newest.get(at).filter(|run| run.first() <= seq).map(|_| at)
    }

    fn brought_with(&self, seq: u64) -> Option<&Arc<Run>> {
        self.brought.iter().rev().find(|run| run.first() <= seq && seq <= run.last())
    }

    /// Gives up the runs that hold this one: what is left of it is read from the store.
    pub(crate) fn forget(&mut self, seq: u64) {
        let without = |run: &Arc<Run>| !(run.first() <= seq && seq <= run.last());
        self.newest.retain(without);
        self.brought.retain(without);
        self.newest_bytes = self.newest.iter().map(|run| run.weight()).sum();
        self.brought_bytes = self.brought.iter().map(|run| run.weight()).sum();
    }

    /// Gives up all that it holds.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Gives up one run.
    pub(crate) fn evict(&mut self) {
        if self.brought_bytes * BROUGHT_SHARE > self.weight() {
            self.evict_brought();
        } else if let Some(run) = self.newest.pop_front() {
            self.newest_bytes -= run.weight();
        }
    }

    fn evict_brought(&mut self) {
        if let Some(run) = self.brought.pop_front() {
            self.brought_bytes -= run.weight();
        }
    }

    /// About how much memory it holds, in bytes.
    pub(crate) fn weight(&self) -> usize {
        self.newest_bytes + self.brought_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::run;
    use proptest::prelude::*;

    fn seqs(runs: &VecDeque<Arc<Run>>) -> Vec<u64> {
        runs.iter().flat_map(|run| run.first()..=run.last()).collect()
    }

    fn given(ring: &Ring, after: u64) -> Vec<u64> {
        seqs(&ring.runs_after(after, usize::MAX).into())
    }

    /// RT-1: nobody is led over a hole, and who stands in it goes on with what another has brought.
    #[test]
    fn a_hole_is_filled_from_the_store() {
        let mut ring = Ring::default();
        ring.push(run(1..3));
        ring.push(run(6..8));
        assert_eq!((given(&ring, 0), given(&ring, 2)), (vec![1, 2], vec![]));
        ring.bring(run(3..7));
        assert_eq!(
            (given(&ring, 0), given(&ring, 2), given(&ring, 5)),
            (vec![1, 2], vec![3, 4, 5, 6], vec![6, 7])
        );
    }

    /// What was erased is in no run any more, whoever brought it; the others stay, and what they weigh is known.
    #[test]
    fn what_is_erased_is_forgotten() {
        let mut ring = Ring::default();
        ring.push(run(1..3));
        ring.push(run(3..6));
        ring.bring(run(2..4));
        ring.bring(run(5..7));
        let kept = run(1..3).weight() + run(5..7).weight();
        ring.forget(3);
        assert_eq!((given(&ring, 0), given(&ring, 2), given(&ring, 4)), (vec![1, 2], vec![], vec![5, 6]));
        assert!(!ring.holds(3));
        assert_eq!(ring.weight(), kept);
        ring.clear();
        assert_eq!((ring.weight(), ring.holds(1)), (0, false));
    }

    #[test]
    fn nothing_is_held_twice() {
        let mut ring = Ring::default();
        ring.push(run(1..5));
        ring.push(run(3..7));
        ring.push(run(5..7));
        assert_eq!(seqs(&ring.newest), [1, 2, 3, 4, 5, 6]);
        ring.bring(run(1..5));
        ring.bring(run(2..4));
        ring.bring(run(2..6));
        assert_eq!(ring.brought.len(), 2);
    }

    /// RT-1: what a reader is given begins right behind what it has passed, or it is given nothing.
    #[test]
    fn a_reader_is_given_what_follows() {
        let mut ring = Ring::default();
        ring.push(run(5..8));
        ring.push(run(8..9));
        for (after, first) in [(3, None), (4, Some(5)), (6, Some(5)), (7, Some(8)), (8, None), (9, None)] {
            let given = ring.runs_after(after, usize::MAX);
            assert_eq!(given.first().map(|run| run.first()), first, "{after}");
            assert_eq!(ring.holds(after + 1), first.is_some(), "{after}");
        }
        assert_eq!(ring.runs_after(4, 1).len(), 1, "one run is given, however large");
        assert_eq!(ring.runs_after(4, run(5..9).bytes().len()).len(), 2);
        assert_eq!(ring.runs_after(4, run(5..9).bytes().len() - 1).len(), 1);
    }

    /// A replay of the whole log takes at most its share from what was just committed.
    #[test]
    fn a_replay_leaves_room_for_what_is_new() {
        let mut ring = Ring::default();
        (900..1000).for_each(|seq| ring.push(run([seq])));
        let budget = ring.weight();
        for seq in 1..900 {
            ring.bring(run([seq]));
            assert!(ring.holds(seq), "the next reader finds it");
            while ring.weight() > budget {
                ring.evict();
            }
        }
        assert!(ring.newest.len() >= 74, "{}", ring.newest.len());
        assert!(ring.holds(899) && ring.holds(999));
    }

    #[test]
    fn what_was_brought_is_counted_too() {
        let mut ring = Ring::default();
        (1..=2 * BROUGHT_RUNS as u64).for_each(|seq| ring.bring(run([seq])));
        assert_eq!(ring.brought.len(), BROUGHT_RUNS);
        assert!(!ring.holds(1) && ring.holds(2 * BROUGHT_RUNS as u64));
    }

    proptest! {
        /// RT-1, L1: whatever was committed, brought and given up, what was just committed is held, a reader is given a
        /// stretch without a hole that begins with what it needs, and giving up ends with nothing.
        #[test]
        fn it_gives_what_follows(steps in prop::collection::vec((0u8..4, 0u64..30, 1u64..6), 1..60)) {
            let mut ring = Ring::default();
            let mut head = 0;
            for (kind, from, len) in steps {
                match kind {
                    // Now and then the tail has lost something before this.
                    0 | 1 => {
                        let first = head + 1 + if kind == 0 { 0 } else { from % 3 };
                        head = first + len - 1;
                        ring.push(run(first..=head));
                        prop_assert!(ring.holds(head));
                    }
                    // A read may have seen what the tail has not told yet.
                    2 => ring.bring(run(from + 1..=from + len)),
                    _ => ring.evict(),
                }
                let held: Vec<u64> = seqs(&ring.newest).into_iter().chain(seqs(&ring.brought)).collect();
                let weight: usize = ring.newest.iter().chain(&ring.brought).map(|run| run.weight()).sum();
                prop_assert_eq!(ring.weight(), weight);
                for after in 0..=head + 40 {
                    let runs = ring.runs_after(after, usize::MAX);
                    prop_assert_eq!(runs.is_empty(), !held.contains(&(after + 1)));
                    prop_assert_eq!(runs.is_empty(), !ring.holds(after + 1));
                    prop_assert!(runs.first().is_none_or(|run| run.first() <= after + 1 && after < run.last()));
                    prop_assert!(runs.windows(2).all(|pair| pair[0].last() + 1 == pair[1].first()));
                }
            }
            while ring.weight() > 0 {
                let before = ring.weight();
                ring.evict();
                prop_assert!(ring.weight() < before);
            }
        }
    }
}
