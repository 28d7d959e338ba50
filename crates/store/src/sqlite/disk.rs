//! How full the disk may get. A disk that is full to the last byte cannot be worked on: checkpoints, results and the next
//! start need room, so publishing ends before that, and recording results a little later.
//!
//! ```text
//! free:  much ──────────────── FREE_MIN + WAL ──────────── START + WAL ──────── 0
//!        everything is taken  │ no events, all else goes on │ only what frees room
//! ```

use std::io;
use std::path::Path;

/// Below this much free space nothing new is taken: seconds of results at full speed, and a few WAL files.
const FREE_MIN_BYTES: u64 = 64 << 20;
/// On a small disk the bounds are parts of it instead.
const FREE_MIN_PART: u64 = 8;
/// What a start writes at least: SQLite's index of the WAL, and a few pages.
const START_BYTES: u64 = 1 << 20;
/// The reserve file: room for results when the disk was filled by somebody else.
const RESERVE_BYTES: u64 = 8 << 20;
const RESERVE_PART: u64 = 10;
/// The WAL is brought into the database when it holds this much.
const CHECKPOINT_BYTES: u64 = 16 << 20;
const CHECKPOINT_PART: u64 = 16;
/// The disk is looked at again after so many bytes at most …
const LOOK_BYTES: u64 = 4 << 20;
/// … and after this part of what is kept free.
const LOOK_PART: u64 = 4;

// What the reserve gives back is for results: alone it must never let an event in.
const _: () = assert!(START_BYTES < RESERVE_BYTES && RESERVE_BYTES < FREE_MIN_BYTES);
const _: () = assert!(CHECKPOINT_PART > RESERVE_PART && RESERVE_PART > FREE_MIN_PART);

/// A file system, and the database on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space {
    /// What an ordinary user may still write, in bytes.
    pub(super) free: u64,
    /// All of it, in bytes.
    pub(super) total: u64,
    /// Pages of the database that hold nothing and are written to before its file grows, in bytes.
    pub(super) reusable: u64,
}

/// What the disk has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fullness {
    /// Everything.
    Room,
    /// Results and changes, but no events.
    NoEvents,
    /// Only what frees room or revokes.
    NoResults,
}

impl Space {
    /// Asks the system about the file system of `dir`.
    pub(super) fn of(dir: &Path) -> io::Result<Self> {
        let stat = rustix::fs::statvfs(dir)?;
        Ok(Self {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            reusable: 0,
        })
    }

    fn free_min(self) -> u64 {
        FREE_MIN_BYTES.min(self.total / FREE_MIN_PART)
    }

    /// What may be taken, with `to_come` bytes to be written before the disk is looked at again: the WAL that is still
    /// to be brought into the database, whose file may grow by as much, and what waits.
    pub(super) fn fullness(self, to_come: u64) -> Fullness {
        // The WAL cannot be written into pages of the database that are free.
        let for_the_wal = self.free >= self.free_min() / LOOK_PART + START_BYTES.min(self.free_min());
        let in_all = self.free.saturating_add(self.reusable) >= self.free_min().saturating_add(to_come);
        if for_the_wal && in_all && self.starts(to_come) {
            Fullness::Room
        } else if self.starts(to_come) {
            Fullness::NoEvents
        } else {
            Fullness::NoResults
        }
    }

    /// Whether the store could be started, with a WAL of so many bytes to bring into the database.
    pub(super) fn starts(self, to_come: u64) -> bool {
        self.free.saturating_add(self.reusable) >= to_come.saturating_add(START_BYTES)
            && self.free >= START_BYTES
    }

    /// How large the reserve file should be.
    pub(super) fn reserve(self) -> u64 {
        RESERVE_BYTES.min(self.total / RESERVE_PART)
    }

    /// Whether there is room to make the reserve file (again) and still take a publish.
    pub(super) fn holds_reserve(self, to_come: u64) -> bool {
        self.free >= self.free_min().saturating_add(to_come).saturating_add(self.reserve())
    }

    /// How large the WAL may grow before a checkpoint.
    pub(super) fn checkpoint_at(self) -> u64 {
        CHECKPOINT_BYTES.min(self.total / CHECKPOINT_PART)
    }

    /// After so many bytes written the disk should be looked at again.
    pub(super) fn look_after(self) -> u64 {
        LOOK_BYTES.min(self.free_min() / LOOK_PART)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn space(free: u64, total: u64) -> Space {
        Space { free: free * MIB, total: total * MIB, reusable: 0 }
    }

    /// A publish is refused while there is still room for results, and results while there is still room to start.
    #[test]
    fn events_end_before_results_and_results_before_the_disk() {
        let at = |free, to_come| space(free, 100_000).fullness(to_come * MIB);
        assert_eq!(at(64, 0), Fullness::Room);
        assert_eq!(at(63, 0), Fullness::NoEvents);
        assert_eq!(at(70, 16), Fullness::NoEvents, "a checkpoint needs room too");
        assert_eq!(at(80, 16), Fullness::Room);
        assert_eq!(at(17, 16), Fullness::NoEvents);
        assert_eq!(at(16, 16), Fullness::NoResults);
        for free in 0..200 {
            let fullness = at(free, 4);
            assert_eq!(fullness == Fullness::NoResults, !space(free, 100_000).starts(4 * MIB), "{free} MiB");
            assert!(fullness >= at(free + 1, 4), "{free} MiB: more room takes no less");
        }
    }

    /// What retention removed makes room for events although the file does not shrink.
    #[test]
    fn pages_that_are_free_count() {
        let full = space(20, 100_000);
        assert_eq!(full.fullness(0), Fullness::NoEvents);
        let emptied = Space { reusable: 50 * MIB, ..full };
        assert_eq!(emptied.fullness(0), Fullness::Room);
        let no_wal = Space { free: 2 * MIB, ..emptied };
        assert_eq!(no_wal.fullness(0), Fullness::NoEvents, "the WAL needs room of its own");
    }

    /// A disk of 64 MB is a disk: it must not be full from the start.
    #[test]
    fn bounds_shrink_with_the_disk() {
        let small = space(60, 64);
        assert_eq!(small.fullness(4 * MIB), Fullness::Room);
        assert!(small.holds_reserve(4 * MIB));
        assert_eq!(small.reserve(), 64 * MIB / 10);
        assert_eq!(small.checkpoint_at(), 4 * MIB);
        assert_eq!(small.look_after(), 2 * MIB);
        assert_eq!(space(6, 64).fullness(0), Fullness::NoEvents);
        assert_eq!(space(0, 0).fullness(0), Fullness::NoResults);
    }

    #[test]
    fn what_the_reserve_gives_back_starts_the_store_and_lets_no_event_in() {
        for total in [64, 1000, 100_000] {
            let disk = space(0, total);
            let given_back = Space { free: disk.reserve(), ..disk };
            assert_eq!(given_back.fullness(disk.checkpoint_at().min(4 * MIB)), Fullness::NoEvents, "{total}");
            assert_eq!(given_back.fullness(0), Fullness::NoEvents, "{total} MiB in all");
        }
    }

    #[test]
    fn the_reserve_is_made_only_where_publishing_goes_on() {
        for free in 0..200 {
            let space = space(free, 100_000);
            assert!(
                !space.holds_reserve(0) || space.fullness(space.reserve()) == Fullness::Room,
                "{free} MiB free"
            );
        }
    }
}
