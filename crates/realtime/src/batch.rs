//! What one write to a connection carries.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use cstar_store::TypeFilter;

use crate::Format;
use crate::format::put_line;
use crate::run::{Frame, Run};

/// How many times its own size a batch may keep from being freed: a part of a run holds the whole run, and a reader that
/// stands still holds its part for minutes.
const PINNED_MAX: usize = 4;

/// What of some runs goes to one reader.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut<'a> {
    /// The reader has passed this.
    pub(crate) after: u64,
    /// The reader wants nothing behind this.
    pub(crate) until: u64,
    /// What the reader sees; `None` is everything.
    pub(crate) filter: Option<&'a TypeFilter>,
    /// How the reader reads.
    pub(crate) format: Format,
}

/// Frames for one reader, joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    /// What is written; empty where the filter left out everything.
    pub(crate) bytes: Bytes,
    /// How many frames that is.
    pub(crate) frames: u64,
    /// The last position that was sent or left out (RT-1).
    pub(crate) passed: u64,
}

impl Cut<'_> {
    /// Takes from runs that follow each other, the first of which holds the frame behind `after`; a hole ends it.
    pub(crate) fn take(self, runs: &[Arc<Run>]) -> Batch {
        let mut joined = Joined::Nothing;
        let mut frames = 0;
        let mut passed = self.after;
        for run in runs {
            if run.first() > passed + 1 {
                break; // RT-1: nobody is led over a hole
            }
            for frame in run.frames_after(passed).take_while(|frame| frame.position.seq <= self.until) {
                passed = frame.position.seq;
                if self.filter.is_none_or(|filter| filter.passes(frame.event_type)) {
                    joined = joined.with(run, &frame, self.format);
                    frames += 1;
                }
            }
        }
        Batch { bytes: joined.into_bytes(), frames, passed }
    }
}

/// Frames are shared while they lie side by side in one run, which is the common case, and copied from then on.
enum Joined<'a> {
    Nothing,
    Shared { run: &'a Run, place: Range<usize> },
    Copied(BytesMut),
}

impl<'a> Joined<'a> {
    fn with(self, run: &'a Run, frame: &Frame<'_>, format: Format) -> Self {
        if format == Format::Ndjson {
            let mut copied = self.into_copied();
            put_line(&mut copied, frame.position, &run.bytes()[frame.envelope.clone()]);
            return Self::Copied(copied);
        }
        match self {
            Self::Nothing => Self::Shared { run, place: frame.place.clone() },
            Self::Shared { run: own, place } if std::ptr::eq(own, run) && place.end == frame.place.start => {
                Self::Shared { run, place: place.start..frame.place.end }
            }
            other => {
                let mut copied = other.into_copied();
                copied.extend_from_slice(&run.bytes()[frame.place.clone()]);
                Self::Copied(copied)
            }
        }
    }

    fn into_copied(self) -> BytesMut {
        match self {
            Self::Nothing => BytesMut::new(),
            Self::Shared { run, place } => BytesMut::from(&run.bytes()[place]),
            Self::Copied(copied) => copied,
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::Shared { run, place } if place.len() * PINNED_MAX >= run.bytes().len() => {
                run.bytes().slice(place)
            }
            Self::Shared { run, place } => Bytes::copy_from_slice(&run.bytes()[place]),
            Self::Copied(copied) => copied.freeze(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{entry, filter, frame, run};
    use proptest::prelude::*;

    fn cut(after: u64, until: u64, wanted: Option<&str>, format: Format, runs: &[Arc<Run>]) -> Batch {
        let filter = wanted.map(|list| filter(Some(list)));
        Cut { after, until, filter: filter.as_ref(), format }.take(runs)
    }

    /// One commit for all who read everything is one buffer, however many they are.
    #[test]
    fn frames_side_by_side_are_shared() {
        let run = run(1..10);
        for (after, shared) in [(0, true), (4, true), (8, false)] {
            let batch = cut(after, u64::MAX, None, Format::EventStream, &[Arc::clone(&run)]);
            assert_eq!((batch.passed, batch.frames), (9, 9 - after));
            let end = run.bytes().as_ptr_range().end;
            assert_eq!(batch.bytes.as_ptr_range().end == end, shared, "C7: a small part keeps no large run");
        }
    }

    /// RT-1: what stands behind a hole is neither sent nor passed.
    #[test]
    fn a_hole_ends_a_batch() {
        for (runs, passed) in [([run(1..3), run(4..6)], 2), ([run(2..3), run(3..4)], 0)] {
            let batch = cut(0, u64::MAX, None, Format::EventStream, &runs);
            assert_eq!((batch.passed, batch.frames), (passed, passed));
        }
    }

    #[test]
    fn a_line_has_the_id_and_the_envelope() {
        let batch = cut(0, 1, None, Format::Ndjson, &[run(1..4)]);
        let line: serde_json::Value = serde_json::from_slice(&batch.bytes).unwrap();
        let envelope: serde_json::Value = serde_json::from_slice(&entry(1).event.body).unwrap();
        assert_eq!(line, serde_json::json!({"id": "1.1", "data": envelope}));
        assert!(batch.bytes.ends_with(b"}\n"));
    }

    proptest! {
        /// RT-1, R24, T16: however the log is cut into runs, a batch is the frames that pass, in order, each once, and the
        /// cursor moves past the others.
        #[test]
        fn a_batch_is_what_passes(
            lens in prop::collection::vec(1u64..6, 1..6),
            after in 0u64..4,
            wanted in prop::sample::select(vec![None, Some("ticket.*"), Some("*.created"), Some("boss.*")]),
            until in prop::option::of(5u64..20),
        ) {
            let mut runs = Vec::new();
            let mut next = 1;
            for len in lens {
                runs.push(run(next..next + len));
                next += len;
            }
            runs.retain(|run| run.last() > after);
            let until = until.unwrap_or(u64::MAX);
            let batch = cut(after, until, wanted, Format::EventStream, &runs);
            let seen: Vec<u64> = (after + 1..next).filter(|seq| *seq <= until).collect();
            let chosen: Vec<u64> =
                seen.iter().copied().filter(|seq| filter(wanted).passes(&entry(*seq).event.event_type)).collect();
            let expected: String = chosen.iter().map(|seq| frame(*seq)).collect();
            prop_assert_eq!(std::str::from_utf8(&batch.bytes).unwrap(), expected);
            prop_assert_eq!(batch.frames, chosen.len() as u64);
            prop_assert_eq!(batch.passed, seen.last().copied().unwrap_or(after));
        }
    }
}
