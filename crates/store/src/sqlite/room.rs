//! Watches how full the disk is, and keeps the reserve.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::checkpoint::Wal;
use super::disk::Space;
use super::reserve::Reserve;
use super::schema::PAGE_BYTES;

/// Asks how full a file system is.
pub(super) type Probe = Arc<dyn Fn(&Path) -> io::Result<Space> + Send + Sync>;

/// The disk is looked at this often while it is written to …
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// … and after so many bytes: far fewer than are kept free.
const LOOK_BYTES: u64 = 4 << 20;

/// The disk under a data directory.
pub(super) struct Room {
    dir: Box<Path>,
    probe: Probe,
    space: Space,
    looked_at: Option<Instant>,
    written: u64,
    reserve: Reserve,
    /// A file system that cannot keep room is not asked again.
    reserves: bool,
}

impl Room {
    pub(super) fn new(dir: &Path, probe: Probe) -> Self {
        let unlimited = Space { free: u64::MAX, total: u64::MAX };
        Self {
            dir: dir.into(),
            probe,
            space: unlimited,
            looked_at: None,
            written: 0,
            reserve: Reserve::of(dir),
            reserves: true,
        }
    }

    pub(super) const fn free(&self) -> u64 {
        self.space.free
    }

    /// How long the log may grow before a checkpoint, in frames.
    pub(super) fn checkpoint_frames(&self) -> u64 {
        (self.space.checkpoint_at() / u64::from(PAGE_BYTES)).max(1)
    }

    /// Notes how far the log grew.
    pub(super) fn wrote(&mut self, before: Wal, now: Wal) {
        let frames = if now.frames >= before.frames { now.frames - before.frames } else { now.frames };
        self.written = self.written.saturating_add(frames * u64::from(PAGE_BYTES));
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        let long_ago = self.looked_at.is_none_or(|looked_at| now.duration_since(looked_at) >= LOOK_EVERY);
        long_ago || self.written >= LOOK_BYTES
    }

    /// Looks at the disk; makes the reserve where there is room. Answers whether a publish may be taken.
    pub(super) fn look(&mut self, now: Instant, wal: Wal) -> bool {
        self.looked_at = Some(now);
        self.written = 0;
        match (self.probe)(&self.dir) {
            Ok(space) => self.space = space,
            Err(error) => tracing::warn!(%error, "cannot tell how full the disk is"),
        }
        if self.reserves && !self.reserve.is_made() && self.space.holds_reserve(wal.to_come_bytes()) {
            self.make_reserve();
        }
        self.space.takes_more(wal.to_come_bytes())
    }

    fn make_reserve(&mut self) {
        if let Err(error) = self.reserve.make(self.space.reserve()) {
            self.reserves = false;
            tracing::warn!(%error, "no room can be kept on this file system for results on a full disk");
        }
    }

    /// Gives the reserve to the disk; answers whether there was one.
    pub(super) fn release_reserve(&mut self) -> bool {
        self.reserve.release()
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
        let probe: Probe = Arc::new(move |_| Ok(Space { free: *probed.lock(), total: 100_000 * MIB }));
        let mut room = Room::new(dir.path(), probe);
        let start = Instant::now();
        assert!(room.is_due(start));
        assert!(room.look(start, Wal::default()));
        assert!(dir.path().join("reserve").exists());

        assert!(!room.is_due(start));
        assert!(room.is_due(start + LOOK_EVERY));
        room.wrote(Wal::default(), Wal { frames: LOOK_BYTES / u64::from(PAGE_BYTES), done: 0 });
        assert!(room.is_due(start));

        *free.lock() = MIB;
        assert!(!room.look(start, Wal::default()));
        assert!(room.release_reserve());
        *free.lock() = 1000 * MIB;
        assert!(room.look(start, Wal::default()), "it recovers by itself");
        assert!(dir.path().join("reserve").exists(), "and keeps room again");
    }
}
