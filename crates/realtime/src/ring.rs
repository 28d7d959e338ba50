//! A team's newest frames.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::run::Run;

/// The newest frames of one team's log, encoded.
///
/// ```text
///  store:  1 ──────────────────────────────── known
///  ring:                first ════════ last
/// ```
/// It holds a stretch without a hole, and nothing depends on it: what it does not hold is read from the store.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    runs: VecDeque<Arc<Run>>,
    weight: usize,
}

impl Ring {
    /// Appends what was committed. Where something is missing before it, what the ring held so far is given up; what it
    /// holds already is not taken twice.
    pub(crate) fn push(&mut self, run: Arc<Run>) {
        let fresh = match self.runs.back().map(|back| back.last()) {
            Some(last) if run.first() <= last => run.between(last, u64::MAX).map(Arc::new),
            Some(last) if run.first() > last + 1 => {
                self.clear();
                Some(run)
            }
            _ => Some(run),
        };
        if let Some(run) = fresh {
            self.weight += run.weight();
            self.runs.push_back(run);
        }
    }

    /// Takes what was read from the store, where it joins what the ring holds: then the next reader finds it here.
    pub(crate) fn push_front(&mut self, run: &Arc<Run>) {
        let older = match self.runs.front().map(|front| front.first()) {
            Some(first) if run.last() + 1 == first => Some(Arc::clone(run)),
            Some(first) if run.last() >= first => run.between(0, first).map(Arc::new),
            Some(_) => None,
            None => Some(Arc::clone(run)),
        };
        if let Some(run) = older {
            self.weight += run.weight();
            self.runs.push_front(run);
        }
    }

    /// The runs from the one that holds the frame behind `after`, as far as they are at most about `max_bytes` together;
    /// at least that one. Empty where the ring does not hold it.
    pub(crate) fn runs_after(&self, after: u64, max_bytes: usize) -> Vec<Arc<Run>> {
        let Some(at) = self.place_of(after + 1) else { return Vec::new() };
        let mut bytes = 0;
        let fitting = self.runs.range(at..).take_while(|run| {
            let first = bytes == 0;
            bytes += run.bytes().len();
            first || bytes <= max_bytes
        });
        fitting.cloned().collect()
    }

    /// Whether it holds this one.
    pub(crate) fn holds(&self, seq: u64) -> bool {
        self.place_of(seq).is_some()
    }

    fn place_of(&self, seq: u64) -> Option<usize> {
        let at = self.runs.partition_point(|run| run.last() < seq);
        self.runs.get(at).filter(|run| run.first() <= seq).map(|_| at)
    }

    /// Gives up the oldest run.
    pub(crate) fn evict(&mut self) {
        if let Some(run) = self.runs.pop_front() {
            self.weight -= run.weight();
        }
    }

    /// Gives up everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// About how much memory it holds, in bytes.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::run;
    use proptest::prelude::*;

    fn held(ring: &Ring) -> Vec<u64> {
        ring.runs.iter().flat_map(|run| run.first()..=run.last()).collect()
    }

    #[test]
    fn a_hole_gives_up_what_came_before() {
        let mut ring = Ring::default();
        ring.push(run(1..4));
        ring.push(run(6..8));
        assert_eq!(held(&ring), [6, 7]);
        ring.push_front(&run(2..4));
        assert_eq!(held(&ring), [6, 7], "what does not join is not taken");
        ring.push_front(&run(3..7));
        assert_eq!(held(&ring), [3, 4, 5, 6, 7]);
        ring.push(run(7..10));
        assert_eq!(held(&ring), [3, 4, 5, 6, 7, 8, 9]);
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

    proptest! {
        /// RT-1, L1: whatever was pushed, read back and given up, the ring is one stretch without a hole or a repeat, it
        /// ends with what was pushed last, and it gives exactly what follows a cursor.
        #[test]
        fn it_is_one_stretch(steps in prop::collection::vec((0u8..4, 0u64..6, 1u64..5), 1..60)) {
            let mut ring = Ring::default();
            let mut head = 0;
            for (kind, skipped, len) in steps {
                match kind {
                    0 | 1 => {
                        // Now and then the tail lost something, or tells again what a read has brought.
                        let first = if kind == 0 { head + 1 } else { (head + skipped).saturating_sub(2).max(1) };
                        ring.push(run(first..first + len));
                        head = head.max(first + len - 1);
                    }
                    2 => {
                        let first = ring.runs.front().map_or(head + 1, |run| run.first());
                        let from = first.saturating_sub(skipped).max(1);
                        if ring.runs.front().is_some() {
                            ring.push_front(&run(from..from + len));
                        }
                    }
                    _ => ring.evict(),
                }
                let held = held(&ring);
                prop_assert!(held.windows(2).all(|pair| pair[1] == pair[0] + 1), "{:?}", held);
                prop_assert_eq!(ring.weight(), ring.runs.iter().map(|run| run.weight()).sum::<usize>());
                prop_assert!(held.last().is_none_or(|last| *last <= head), "{:?} {}", held, head);
                prop_assert!(kind != 0 || held.last() == Some(&head), "what was just committed is there");
                for after in held.iter().map(|seq| seq - 1) {
                    let given = ring.runs_after(after, 0);
                    prop_assert!(given[0].first() <= after + 1 && after < given[0].last());
                }
                prop_assert!(!ring.holds(head + 1));
            }
        }
    }
}
