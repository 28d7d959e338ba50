//! A run of frames.

use std::borrow::Borrow;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use cstar_sse::{Block, EncodeError};
use cstar_types::{Entry, EventType, Position};

/// Entries of one log without a hole, encoded once for all who read them.
///
/// The frames lie in one buffer, so that a reader who wants them all gets a slice of it and copies nothing. It comes from
/// the tail or from a read of the store, which are one path from here on.
#[derive(Debug)]
pub(crate) struct Run {
    first: Position,
    bytes: Bytes,
    frames: Box<[Mark]>,
}

/// Where a frame lies in its run. Its position is the run's first and its index.
#[derive(Debug, Clone)]
struct Mark {
    event_type: EventType,
    envelope: usize,
    end: usize,
}

/// A frame: an entry as the event stream has it.
#[derive(Debug, Clone)]
pub(crate) struct Frame<'a> {
    pub(crate) position: Position,
    pub(crate) event_type: &'a EventType,
    /// Where it lies in [`Run::bytes`].
    pub(crate) place: Range<usize>,
    /// Where the envelope in it lies.
    pub(crate) envelope: Range<usize>,
}

/// Why entries make no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RunError {
    #[error("the log has a hole before {0} (LOG-2)")]
    Hole(Position),
    #[error("the event at {0} does not fit the stream: {1}")]
    Encode(Position, EncodeError),
}

const FRAME_END: &str = "\n\n";
/// What of a frame is neither id nor envelope.
const FRAME_FIXED_BYTES: usize = "id: \ndata: ".len() + FRAME_END.len();

impl Run {
    /// Encodes entries that follow each other; `None` where there are none.
    pub(crate) fn encode<E: Borrow<Entry>>(entries: &[E]) -> Result<Option<Self>, RunError> {
        let Some(first) = entries.first() else { return Ok(None) };
        let first = first.borrow().position;
        let room = |entry: &E| FRAME_FIXED_BYTES + Position::MAX_LEN + entry.borrow().event.body.len();
        let mut bytes = BytesMut::with_capacity(entries.iter().map(room).sum());
        let mut id = String::with_capacity(Position::MAX_LEN);
        let mut frames = Vec::with_capacity(entries.len());
        for (seq, entry) in (first.seq..).zip(entries) {
            let Entry { position, event } = entry.borrow();
            if position.seq != seq {
                return Err(RunError::Hole(*position));
            }
            id.clear();
            let _ = write!(id, "{position}"); // writing to a string does not fail
            let block = Block::event(&id, &event.body);
            block.encode(&mut bytes).map_err(|error| RunError::Encode(*position, error))?;
            let end = bytes.len();
            let envelope = end - FRAME_END.len() - event.body.len();
            frames.push(Mark { event_type: event.event_type.clone(), envelope, end });
        }
        Ok(Some(Self { first, bytes: bytes.freeze(), frames: frames.into() }))
    }

    /// Encodes entries as runs of at most about `max_bytes`, so that a ring gives memory back in small pieces.
    pub(crate) fn encode_split(entries: &[Arc<Entry>], max_bytes: usize) -> Result<Vec<Arc<Self>>, RunError> {
        let mut runs = Vec::with_capacity(1);
        let mut rest = entries;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(fitting(rest, max_bytes));
            runs.extend(Self::encode(now)?.map(Arc::new));
            rest = later;
        }
        Ok(runs)
    }

    /// Where the frame with this index begins.
    fn start_of(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.frames[before].end)
    }

    /// How many frames stand before `seq`.
    fn count_before(&self, seq: u64) -> usize {
        let before = usize::try_from(seq.saturating_sub(self.first.seq)).unwrap_or(usize::MAX);
        before.min(self.frames.len())
    }

    /// The seq of the first frame.
    pub(crate) fn first(&self) -> u64 {
        self.first.seq
    }

    /// The seq of the last frame.
    pub(crate) fn last(&self) -> u64 {
        self.first.seq + self.frames.len() as u64 - 1
    }

    /// About how much memory it holds, in bytes.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>() + self.bytes.len() + size_of_val(&*self.frames)
    }

    /// All frames, one behind the other.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The frames behind `after`.
    pub(crate) fn frames_after(&self, after: u64) -> impl Iterator<Item = Frame<'_>> {
        let skipped = self.count_before(after.saturating_add(1));
        let mut start = self.start_of(skipped);
        let seqs = self.first.seq + skipped as u64..;
        seqs.zip(&self.frames[skipped..]).map(move |(seq, mark)| {
            let place = start..mark.end;
            start = mark.end;
            Frame {
                position: Position::new(self.first.epoch, seq),
                event_type: &mark.event_type,
                place,
                envelope: mark.envelope..mark.end - FRAME_END.len(),
            }
        })
    }
}

/// How many of the first entries fit into `max_bytes`; at least one.
fn fitting(entries: &[Arc<Entry>], max_bytes: usize) -> usize {
    let mut bytes = 0;
    let more = entries.iter().take_while(|entry| {
        bytes += entry.event.body.len();
        bytes <= max_bytes
    });
    more.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{entry, frame, run};

    fn seqs(run: &Run) -> Vec<u64> {
        run.frames_after(0).map(|frame| frame.position.seq).collect()
    }

    /// T9, LOG-3: a frame is the position and the stored bytes, and nothing else.
    #[test]
    fn frames_lie_side_by_side() {
        let run = run(5..8);
        assert_eq!((run.first(), run.last()), (5, 7));
        assert_eq!(std::str::from_utf8(run.bytes()).unwrap(), [5, 6, 7].map(frame).concat());
        for placed in run.frames_after(0) {
            let seq = placed.position.seq;
            assert_eq!(run.bytes()[placed.place], *frame(seq).as_bytes());
            assert_eq!(run.bytes()[placed.envelope], *entry(seq).event.body);
        }
    }

    #[test]
    fn frames_after_leaves_out_what_was_passed() {
        for (after, expected) in [(0, 5..8), (4, 5..8), (5, 6..8), (6, 7..8), (7, 8..8), (u64::MAX, 8..8)] {
            let found: Vec<u64> = run(5..8).frames_after(after).map(|frame| frame.position.seq).collect();
            assert_eq!(found, expected.collect::<Vec<_>>(), "{after}");
        }
    }

    /// LOG-2, RT-1: a hole is never numbered over.
    #[test]
    fn a_hole_makes_no_run() {
        let entries = [entry(5), entry(7)];
        assert_eq!(Run::encode(&entries).unwrap_err(), RunError::Hole(Position::new(1, 7)));
        assert!(Run::encode::<Entry>(&[]).unwrap().is_none());
    }

    #[test]
    fn a_line_break_makes_no_run() {
        let mut broken = Entry::clone(&entry(5));
        broken.event.body = Bytes::from_static(b"{}\n\nid: 1.9");
        assert!(matches!(Run::encode(&[broken]), Err(RunError::Encode(..))));
    }

    #[test]
    fn a_large_commit_is_several_runs() {
        let entries: Vec<_> = (5..105).map(entry).collect();
        let max_bytes = 10 * entries[0].event.body.len();
        let runs = Run::encode_split(&entries, max_bytes).unwrap();
        assert!(runs.len() >= 10);
        assert_eq!(runs.iter().flat_map(|run| seqs(run)).collect::<Vec<_>>(), (5..105).collect::<Vec<_>>());
        assert_eq!(Run::encode_split(&entries, 1).unwrap().len(), 100, "a large event is a run by itself");
    }
}
