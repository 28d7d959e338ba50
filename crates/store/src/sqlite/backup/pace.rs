//! How fast a copy of a store at work is made: publishing comes first.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::copy::PART;
use super::has_room;
use crate::StoreError;
use crate::sqlite::open::FILE;
use crate::sqlite::room::Probe;
use crate::sqlite::shared::{Life, Shared};

/// The copy is worked on for so long at a time …
const SLICE: Duration = Duration::from_millis(10);
/// … and then rests as long, while something is written to the store.
const REST: Duration = SLICE;
/// The copy is brought to the disk whenever it has grown by so much: were it left to gather in memory, a commit's sync
/// could have to wait for all of it.
const SYNC_BYTES: u64 = 4 << 20;

/// Holds the copying back, and stops it where it must not go on.
pub(super) struct Pace<G> {
    shared: Arc<Shared>,
    dir: PathBuf,
    probe: Probe,
    is_given_up: G,
    /// As large as the copy becomes at most, in bytes.
    most: u64,
    slice_began: Instant,
    commits: u64,
    synced: u64,
    stopped: Arc<Mutex<Option<StoreError>>>,
}

impl<G: Fn() -> bool> Pace<G> {
    /// Refuses where there is no room for a copy.
    pub(super) fn new(
        shared: Arc<Shared>,
        (dir, probe): (&Path, &Probe),
        is_given_up: G,
    ) -> Result<Self, StoreError> {
        let pace = Self {
            most: len(&dir.join(FILE)),
            commits: shared.counts.commits.load(Ordering::Relaxed),
            shared,
            dir: dir.to_owned(),
            probe: Arc::clone(probe),
            is_given_up,
            slice_began: Instant::now(),
            synced: 0,
            stopped: Arc::default(),
        };
        if pace.has_room(0) { Ok(pace) } else { Err(StoreError::StorageFull) }
    }

    /// Why it stopped, if it did.
    pub(super) fn stopped(&self) -> Arc<Mutex<Option<StoreError>>> {
        Arc::clone(&self.stopped)
    }

    /// Room for the rest of the copy, and for the write-ahead log, which cannot begin anew while the database is read.
    fn has_room(&self, copied: u64) -> bool {
        let wal = len(&self.dir.join(format!("{FILE}-wal")));
        has_room(&self.dir, &self.probe, self.most.saturating_sub(copied).saturating_add(wal))
    }

    fn reason_to_stop(&self, copied: u64) -> Option<StoreError> {
        match self.shared.life() {
            Life::Poisoned => Some(StoreError::Poisoned),
            Life::Closing | Life::Closed => Some(StoreError::ShuttingDown),
            Life::Open if (self.is_given_up)() => Some(StoreError::Conflict("nobody waits for the backup")),
            Life::Open if !self.has_room(copied) => Some(StoreError::StorageFull),
            Life::Open => None,
        }
    }

    /// Whether to stop; takes its time to answer.
    pub(super) fn stops(&mut self) -> bool {
        if self.slice_began.elapsed() < SLICE {
            return false;
        }
        let part = self.dir.join(PART);
        let copied = len(&part);
        if let Some(reason) = self.reason_to_stop(copied) {
            *self.stopped.lock() = Some(reason);
            return true;
        }
        if copied >= self.synced + SYNC_BYTES {
            self.synced = copied;
            // Whether it is on the disk matters to nobody: who reads the copy reads what was written.
            let _ = File::open(&part).and_then(|part| part.sync_data());
        }
        let commits = self.shared.counts.commits.load(Ordering::Relaxed);
        if std::mem::replace(&mut self.commits, commits) != commits {
            thread::sleep(REST);
        }
        self.slice_began = Instant::now();
        false
    }
}

fn len(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}
