//! A log as a server streams it, and what a reader of it must have been given.

use std::ops::RangeInclusive;

use cstar_types::{Cursor, Position};

use crate::testing::{event, ready};

/// The events `oldest..=head` of a log, the filter leaving out what is not a multiple of `every`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) oldest: u64,
    pub(super) head: u64,
    pub(super) every: u64,
}

/// What a reader was given: positions, `Err` being the range of a gap.
pub(super) type Given = Vec<Result<u64, RangeInclusive<u64>>>;

pub(super) fn at(seq: u64) -> Position {
    Position::new(1, seq)
}

impl Kept {
    /// The blocks that the server sends behind this cursor, the first of them `cstar.ready`.
    pub(super) fn blocks(self, cursor: Option<Cursor>, heartbeat_ms: u64) -> Vec<String> {
        let seen = match cursor {
            Some(Cursor::After(position)) => position.seq,
            _ => self.oldest - 1,
        };
        let mut blocks = vec![ready(cursor.is_some(), Some(&at(seen).to_string()), heartbeat_ms)];
        let passed = seen.max(self.oldest - 1);
        if seen < passed {
            blocks.push(format!(
                "event: cstar.gap\nid: {0}\ndata: {{\"from\":\"{1}\",\"to\":\"{0}\",\"reason\":\"expired\"}}\n\n",
                at(passed),
                at(seen),
            ));
        }
        blocks.extend((passed + 1..=self.head).map(|seq| self.block(seq)));
        blocks.push("event: cstar.end\ndata: {}\n\n".to_owned());
        blocks
    }

    fn block(self, seq: u64) -> String {
        if self.passes(seq) { event(at(seq)) } else { heartbeat(seq) }
    }

    fn passes(self, seq: u64) -> bool {
        seq.is_multiple_of(self.every)
    }

    /// RT-1, RT-2: what was given behind `after` rises, has no repeat, and no hole that was not told.
    #[track_caller]
    pub(super) fn is_given_whole(self, after: u64, given: &Given) {
        let mut next = after + 1;
        let nothing_before = |from: u64, next: &mut u64| {
            let lost: Vec<u64> = (*next..from).filter(|skipped| self.passes(*skipped)).collect();
            assert!(lost.is_empty(), "{lost:?} are missing before {from} in {given:?}");
        };
        for one in given {
            match one {
                Ok(seq) => {
                    assert!(*seq >= next && self.passes(*seq), "{seq} in {given:?}");
                    nothing_before(*seq, &mut next);
                    next = seq + 1;
                }
                Err(gap) => {
                    nothing_before(*gap.start(), &mut next);
                    next = next.max(gap.end() + 1);
                }
            }
        }
        nothing_before(self.head + 1, &mut next);
    }
}

pub(super) fn heartbeat(seq: u64) -> String {
    format!("event: cstar.heartbeat\nid: {}\ndata: {{}}\n\n", at(seq))
}
