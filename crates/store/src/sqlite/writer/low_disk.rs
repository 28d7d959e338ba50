//! When it is told that the disk is low.

use std::time::Instant;

use cstar_types::STORAGE_LOW_EVERY;

use crate::sqlite::disk::Fullness;

/// Whether the disk is low, and whether that was told. Each passage to low is told once, and not soon after the one before: a
/// disk may hover at the bound.
#[derive(Debug, Default)]
pub(in crate::sqlite) struct LowDisk {
    /// It can be told: results are still taken.
    can_tell: bool,
    /// It has become low since it was last told.
    untold: bool,
    was_low: bool,
    told_at: Option<Instant>,
}

impl LowDisk {
    /// The disk was looked at.
    pub(super) fn seen(&mut self, fullness: Fullness) {
        let is_low = fullness > Fullness::Room;
        self.untold = is_low && (self.untold || !self.was_low);
        self.was_low = is_low;
        self.can_tell = fullness < Fullness::NoResults;
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        let is_soon = |told_at| now.duration_since(told_at) < STORAGE_LOW_EVERY;
        self.untold && self.can_tell && !self.told_at.is_some_and(is_soon)
    }

    pub(super) const fn told(&mut self, now: Instant) {
        self.untold = false;
        self.told_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_passage_is_told_once_and_not_too_soon() {
        let (start, mut low) = (Instant::now(), LowDisk::default());
        low.seen(Fullness::Room);
        assert!(!low.is_due(start));
        low.seen(Fullness::NoResults);
        assert!(!low.is_due(start), "there is no room for it");
        low.seen(Fullness::NoEvents);
        assert!(low.is_due(start));
        low.told(start);
        for fullness in [Fullness::NoEvents, Fullness::NoResults, Fullness::NoEvents] {
            low.seen(fullness);
            assert!(!low.is_due(start + STORAGE_LOW_EVERY), "it is low as before");
        }
        low.seen(Fullness::Room);
        low.seen(Fullness::NoEvents);
        assert!(!low.is_due(start), "it hovers");
        assert!(low.is_due(start + STORAGE_LOW_EVERY), "and stays low");
        low.seen(Fullness::Room);
        assert!(!low.is_due(start + STORAGE_LOW_EVERY), "or has room again");
    }
}
