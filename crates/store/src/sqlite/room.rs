//! Watches how full the disk is, and keeps the reserve.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::checkpoint::Wal;
use super::disk::{Fullness, Space};
use super::reserve::Reserve;
use super::schema::PAGE_BYTES;

/// Asks how full a file system is.
pub(super) type Probe = Arc<dyn Fn(&Path) -> io::Result<Space> + Send + Sync>;

/// The disk is looked at this often, also while little is written to it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The disk under a data directory.
pub(super) struct Room {
    dir: Box<Path>,
    probe: Probe,
    space: Space,
    looked_at: Option<Instant>,
    written: u64,
    reserve: Reserve,
    /// What went wrong when the reserve was last made.
    refused: Option<io::ErrorKind>,
}

impl Room {
    pub(super) fn new(dir: &Path, probe: Probe) -> Self {
        let unlimited = Space { free: u64::MAX, total: u64::MAX, reusable: 0 };
        Self {
            dir: dir.into(),
            probe,
            space: unlimited,
            looked_at: None,
            written: 0,
            reserve: Reserve::of(dir),
            refused: None,
        }
    }

    /// Before the database is opened: gives up the reserve if there would be no room to bring a WAL of so many bytes into
    /// it.
    pub(super) fn begin(&mut self, wal_bytes: u64) {
        self.ask(0);
        if !self.space.starts(wal_bytes) && self.release_reserve() {
            tracing::warn!("the disk is full; the store starts in the reserve");
        }
    }

    pub(super) const fn free(&self) -> u64 {
        self.space.free
    }

    /// How long the WAL may grow before a checkpoint, in frames.
    pub(super) fn checkpoint_frames(&self) -> u64 {
        (self.space.checkpoint_at() / u64::from(PAGE_BYTES)).max(1)
    }

    /// Notes how far the WAL grew.
    pub(super) fn wrote(&mut self, before: Wal, now: Wal) {
        let frames = if now.frames >= before.frames { now.frames - before.frames } else { now.frames };
        self.written = self.written.saturating_add(frames * u64::from(PAGE_BYTES));
    }

    /// Whether the disk should be looked at before so many bytes are written.
    pub(super) fn is_due(&self, now: Instant, bytes: u64) -> bool {
        let long_ago = self.looked_at.is_none_or(|looked_at| now.duration_since(looked_at) >= LOOK_EVERY);
        long_ago || self.written.saturating_add(bytes) >= self.space.look_after()
    }

    /// Looks at the disk, with `to_come` bytes still to be written to it; makes the reserve where there is room, and gives
    /// it up where there is none.
    pub(super) fn look(&mut self, now: Instant, to_come: u64, reusable: u64) -> Fullness {
        self.looked_at = Some(now);
        self.written = 0;
        self.ask(reusable);
        if self.refused != Some(io::ErrorKind::Unsupported)
            && !self.reserve.is_made()
            && self.space.holds_reserve(to_come)
        {
            self.make_reserve();
            self.ask(reusable);
        }
        if self.space.fullness(to_come) == Fullness::NoResults && self.release_reserve() {
            self.ask(reusable);
        }
        self.space.fullness(to_come)
    }

    fn ask(&mut self, reusable: u64) {
        match (self.probe)(&self.dir) {
            Ok(space) => self.space = Space { reusable, ..space },
            Err(error) => tracing::warn!(%error, "cannot tell how full the disk is"),
        }
    }

    fn make_reserve(&mut self) {
        let refused = self.reserve.make(self.space.reserve()).err();
        let before = std::mem::replace(&mut self.refused, refused.as_ref().map(io::Error::kind));
        if let Some(error) = refused.filter(|error| before != Some(error.kind())) {
            tracing::warn!(%error, "no room is kept for results on a full disk");
        }
    }

    /// Gives the reserve to the disk; answers whether there was one.
    pub(super) fn release_reserve(&mut self) -> bool {
        let released = self.reserve.release();
        if released {
            tracing::warn!("the disk is full; what was kept free for results is used now");
        }
        released
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn the_disk_is_looked_at_by_time_and_by_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let free = Arc::new(Mutex::new(1000 * MIB));
        let probed = Arc::clone(&free);
        let probe: Probe =
            Arc::new(move |_| Ok(Space { free: *probed.lock(), total: 100_000 * MIB, reusable: 0 }));
        let mut room = Room::new(dir.path(), probe);
        let start = Instant::now();
        assert!(room.is_due(start, 0));
        assert_eq!(room.look(start, 0, 0), Fullness::Room);
        assert!(dir.path().join("reserve").exists());

        assert!(!room.is_due(start, 0));
        assert!(room.is_due(start + LOOK_EVERY, 0));
        assert!(room.is_due(start, 100 * MIB));
        room.wrote(Wal::default(), Wal { frames: 100 * MIB / u64::from(PAGE_BYTES), done: 0 });
        assert!(room.is_due(start, 0));

        *free.lock() = 10 * MIB;
        assert_eq!(room.look(start, 0, 0), Fullness::NoEvents);
        assert!(dir.path().join("reserve").exists(), "it is not needed yet");
        *free.lock() = MIB / 2;
        assert_eq!(room.look(start, 0, 0), Fullness::NoResults);
        assert!(!dir.path().join("reserve").exists(), "now it is");
        *free.lock() = 1000 * MIB;
        assert_eq!(room.look(start, 0, 0), Fullness::Room, "it recovers by itself");
        assert!(dir.path().join("reserve").exists(), "and keeps room again");
    }
}
