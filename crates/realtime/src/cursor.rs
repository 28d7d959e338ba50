//! Where a stream begins, and what it cannot give back.

use std::str::FromStr;

use cstar_store::LogEnds;
use cstar_types::{Cursor, Position};
use cstar_wire::{Gap, GapReason};

/// Where a client asks its stream to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// With what is published from now on.
    #[default]
    Head,
    /// With the oldest event that is kept.
    Oldest,
    /// After this position.
    After(Position),
    /// After something that is no position of any log: it is told a gap, as a stranger's cursor is.
    Unreadable,
}

impl Origin {
    /// Reads a `Last-Event-ID`. An empty one is none: that is how a client says that it has seen nothing.
    #[must_use]
    pub fn parse(last_event_id: &str) -> Self {
        match Cursor::from_str(last_event_id) {
            _ if last_event_id.is_empty() => Self::Head,
            Ok(Cursor::Oldest) => Self::Oldest,
            Ok(Cursor::After(position)) => Self::After(position),
            Err(_) => Self::Unreadable,
        }
    }

    /// Where the stream begins in a log that has these ends.
    pub(crate) fn start(self, ends: LogEnds) -> Start {
        let lost = |from, reason| Gap { from, to: Position::new(ends.epoch, ends.head), reason };
        match self {
            Self::Head => Start::fresh(ends),
            Self::Oldest => Start::resumed(Position::new(ends.epoch, before_oldest(ends))),
            Self::Unreadable => Start::after_gap(lost(None, GapReason::Unknown)),
            Self::After(cursor) if cursor.epoch < ends.epoch => {
                Start::after_gap(lost(Some(cursor), GapReason::Restored))
            }
            Self::After(cursor) if cursor.epoch > ends.epoch || cursor.seq > ends.head => {
                Start::after_gap(lost(Some(cursor), GapReason::Unknown))
            }
            Self::After(cursor) => match expired(cursor.seq, ends) {
                Some(gap) => Start::after_gap(gap),
                None => Start::resumed(cursor),
            },
        }
    }
}

/// The beginning of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    /// Everything up to here is passed; the stream goes on behind it.
    pub(crate) passed: Position,
    /// Whether it goes on exactly where the client stopped.
    pub(crate) resumed: bool,
    /// What the client is told to have missed.
    pub(crate) gap: Option<Gap>,
}

impl Start {
    fn fresh(ends: LogEnds) -> Self {
        Self { passed: Position::new(ends.epoch, ends.head), resumed: false, gap: None }
    }

    fn resumed(passed: Position) -> Self {
        Self { passed, resumed: true, gap: None }
    }

    fn after_gap(gap: Gap) -> Self {
        Self { passed: gap.to, resumed: false, gap: Some(gap) }
    }

    /// The id of `cstar.ready`. It never lies behind a gap that is still to be told: a connection that breaks between
    /// the two blocks would come back with a cursor that hides the gap for good (RT-2). A cursor that is not of this log
    /// is not repeated either (RT-1); without an `id:` the client keeps the one that it has.
    pub(crate) fn ready_id(&self) -> Option<Position> {
        match self.gap {
            None => Some(self.passed),
            Some(Gap { from, reason: GapReason::Expired, .. }) => from,
            Some(_) => None,
        }
    }
}

/// The gap for a reader that has passed `passed`, if what follows is no longer kept (RT-2).
pub(crate) fn expired(passed: u64, ends: LogEnds) -> Option<Gap> {
    let to = before_oldest(ends);
    (passed < to).then(|| Gap {
        from: Some(Position::new(ends.epoch, passed)),
        to: Position::new(ends.epoch, to),
        reason: GapReason::Expired,
    })
}

fn before_oldest(ends: LogEnds) -> u64 {
    ends.oldest.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENDS: LogEnds = LogEnds { epoch: 2, oldest: 10, head: 20 };

    #[track_caller]
    fn check(asked: &str, passed: u64, gap: Option<GapReason>, ready_id: Option<&str>) {
        let start = Origin::parse(asked).start(ENDS);
        assert_eq!(start.passed, Position::new(2, passed), "{asked}");
        assert_eq!(start.gap.map(|gap| gap.reason), gap, "{asked}");
        assert_eq!(start.resumed, gap.is_none() && !asked.is_empty(), "{asked}");
        assert_eq!(start.ready_id().map(|id| id.to_string()).as_deref(), ready_id, "{asked}");
    }

    /// R6, T16: a cursor is resumed exactly as long as what follows it is kept.
    #[test]
    fn a_cursor_within_the_log_is_resumed() {
        check("", 20, None, Some("2.20"));
        check("0", 9, None, Some("2.9"));
        check("2.20", 20, None, Some("2.20"));
        check("2.15", 15, None, Some("2.15"));
        check("2.9", 9, None, Some("2.9"));
    }

    /// RT-2, T16: what cannot be given back is told.
    #[test]
    fn any_other_cursor_is_told_a_gap() {
        check("2.8", 9, Some(GapReason::Expired), Some("2.8"));
        check("2.0", 9, Some(GapReason::Expired), Some("2.0"));
        check("2.21", 20, Some(GapReason::Unknown), None);
        check("1.15", 20, Some(GapReason::Restored), None);
        check("3.15", 20, Some(GapReason::Unknown), None);
        for garbage in ["x", "-1", "1", "2.", "2.1.1", "18446744073709551616", "evt_abc123", "2.15 "] {
            check(garbage, 20, Some(GapReason::Unknown), None);
        }
    }

    #[test]
    fn an_empty_log_has_a_beginning() {
        let ends = LogEnds { epoch: 1, oldest: 1, head: 0 };
        for origin in [Origin::Head, Origin::Oldest, Origin::After(Position::new(1, 0))] {
            let start = origin.start(ends);
            assert_eq!((start.passed.seq, start.gap), (0, None));
        }
        let removed = LogEnds { epoch: 1, oldest: 8, head: 7 };
        assert_eq!(Origin::After(Position::new(1, 3)).start(removed).passed.seq, 7);
    }

    proptest! {
        /// RT-1, RT-2: whatever is asked, the stream begins within the log, and what lies between the cursor and that place
        /// is nothing or a gap.
        #[test]
        fn it_begins_in_the_log_or_tells(
            epoch in 1u32..4, seq in 0u64..50, removed in 0u64..30, kept in 0u64..30,
        ) {
            let ends = LogEnds { epoch: 2, oldest: removed + 1, head: removed + kept };
            let cursor = Position::new(epoch, seq);
            let start = Origin::After(cursor).start(ends);
            prop_assert!((removed..=removed + kept).contains(&start.passed.seq));
            prop_assert_eq!(start.passed.epoch, ends.epoch);
            prop_assert_eq!(start.gap.is_none(), start.passed == cursor);
            if let Some(id) = start.ready_id() {
                prop_assert!(id <= start.passed);
            }
        }
    }
}
