//! How full the disk may get. A disk that is full to the last byte cannot be worked on: checkpoints and results need
//! room, so publishing ends before that.

use std::io;
use std::path::Path;

/// Below this much free space nothing new is taken: seconds of results at full speed, and a few log files.
const FREE_MIN_BYTES: u64 = 64 << 20;
/// On a small disk the bounds are parts of it instead.
const FREE_MIN_PART: u64 = 10;
/// The reserve file: room for results when the disk was filled by somebody else.
const RESERVE_BYTES: u64 = 8 << 20;
const RESERVE_PART: u64 = 8;
/// The write-ahead log is brought into the database when it holds this much.
const CHECKPOINT_BYTES: u64 = 16 << 20;
const CHECKPOINT_PART: u64 = 16;

const _: () = assert!(RESERVE_BYTES < FREE_MIN_BYTES, "making the reserve must not itself fill the disk");

/// A file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space {
    /// What an ordinary user may still write, in bytes.
    pub(super) free: u64,
    /// All of it, in bytes.
    pub(super) total: u64,
}

impl Space {
    /// Asks the system about the file system of `dir`.
    pub(super) fn of(dir: &Path) -> io::Result<Self> {
        let stat = rustix::fs::statvfs(dir)?;
        Ok(Self {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
        })
    }

    fn free_min(self) -> u64 {
        FREE_MIN_BYTES.min(self.total / FREE_MIN_PART)
    }

    /// Whether a publish may be taken, with `wal` bytes still to be brought into the database: its file may grow by as
    /// much.
    pub(super) fn takes_more(self, wal: u64) -> bool {
        self.free >= self.free_min().saturating_add(wal)
    }

    /// How large the reserve file should be.
    pub(super) fn reserve(self) -> u64 {
        RESERVE_BYTES.min(self.total / RESERVE_PART)
    }

    /// Whether there is room to make the reserve file (again) and still take a publish.
    pub(super) fn holds_reserve(self, wal: u64) -> bool {
        self.free >= self.free_min().saturating_add(wal).saturating_add(self.reserve())
    }

    /// How large the write-ahead log may grow before a checkpoint.
    pub(super) fn checkpoint_at(self) -> u64 {
        CHECKPOINT_BYTES.min(self.total / CHECKPOINT_PART)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn space(free: u64, total: u64) -> Space {
        Space { free: free * MIB, total: total * MIB }
    }

    /// A publish is refused while there is still room for results.
    #[test]
    fn publishing_ends_before_the_disk_is_full() {
        assert!(space(64, 100_000).takes_more(0));
        assert!(!space(63, 100_000).takes_more(0));
        assert!(!space(70, 100_000).takes_more(16 * MIB), "a checkpoint needs room too");
        assert!(space(80, 100_000).takes_more(16 * MIB));
    }

    /// A disk of 64 MB is a disk: it must not be full from the start.
    #[test]
    fn bounds_shrink_with_the_disk() {
        let small = space(60, 64);
        assert!(small.takes_more(4 * MIB) && small.holds_reserve(4 * MIB));
        assert_eq!(small.reserve(), 8 * MIB);
        assert_eq!(small.checkpoint_at(), 4 * MIB);
        assert!(!space(6, 64).takes_more(0));
        assert_eq!(space(0, 0).checkpoint_at(), 0);
    }

    #[test]
    fn the_reserve_is_made_only_where_publishing_goes_on() {
        for free in 0..200 {
            let space = space(free, 100_000);
            assert!(!space.holds_reserve(0) || space.takes_more(space.reserve()), "{free} MiB free");
        }
    }
}
