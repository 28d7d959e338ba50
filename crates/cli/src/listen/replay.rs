//! Counting what a reconnect replayed.

use cstar_types::Position;

/// Counts the events up to the head that the server named when the connection came back.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    open: Option<(Position, u64)>,
}

impl Replay {
    /// The connection is back: everything up to `head` is replay. Answers the count if it is already known.
    pub(crate) fn begin(&mut self, cursor: Option<Position>, head: Position) -> Option<u64> {
        self.open = Some((head, 0));
        if cursor.is_some_and(|cursor| cursor >= head) { self.finish() } else { None }
    }

    /// An event at `position` came. Answers the count once the replay is over.
    pub(crate) fn event(&mut self, position: Position) -> Option<u64> {
        let (head, count) = self.open.as_mut()?;
        *count += u64::from(position <= *head);
        if position >= *head { self.finish() } else { None }
    }

    /// Nothing more came for a while, so the rest was filtered out. Answers the count if a replay was open.
    pub(crate) fn finish(&mut self) -> Option<u64> {
        self.open.take().map(|(_, count)| count)
    }

    /// Whether a replay is being counted.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seq: u64) -> Position {
        Position::new(1, seq)
    }

    #[test]
    fn everything_up_to_the_head_counts() {
        let mut replay = Replay::default();
        assert_eq!(replay.begin(Some(at(3)), at(5)), None);
        assert_eq!(replay.event(at(4)), None);
        assert_eq!(replay.event(at(5)), Some(2));
        assert_eq!(replay.event(at(6)), None, "live again");
    }

    #[test]
    fn nothing_missed_is_known_at_once_and_filtered_ones_do_not_count() {
        let mut replay = Replay::default();
        assert_eq!(replay.begin(Some(at(5)), at(5)), Some(0));
        assert_eq!(replay.begin(Some(at(3)), at(9)), None);
        assert_eq!(replay.event(at(4)), None);
        assert!(replay.is_open());
        assert_eq!(replay.finish(), Some(1));
        assert_eq!(replay.begin(Some(at(4)), at(6)), None);
        assert_eq!(replay.event(at(7)), Some(0), "the head itself was filtered out");
    }
}
