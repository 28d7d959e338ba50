//! Backups: the database as it stood at one moment, in a file that says what it is and whether it is whole.
//!
//! ```text
//! cstar backup 1 ⏎
//! {"cstar":"0.1.0","format":1,"epoch":1,"made_at":"…","master_key":"5f1c0a9e","database_bytes":N} ⏎
//! … N bytes: a SQLite database …
//! sha256 <of everything before this line> ⏎
//! ```
//!
//! The copy is made by `VACUUM INTO` (`copy`), in one reading of the database, so writing goes on meanwhile. It has no free
//! pages: what was erased is not in it, and it is no larger than what is kept. It lies beside the database until it is read,
//! without a name, so that a crash leaves nothing behind.

mod copy;
mod file;
mod pace;
mod restore;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cstar_types::Timestamp;

pub use file::{Manifest, read_manifest, verify};
pub use restore::{Restored, restore};

pub(super) use copy::remove_part;
pub(super) use restore::PART as RESTORE_PART;

use super::disk::Fullness;
use super::lock::Lock;
use super::room::Probe;
use super::shared::Shared;
use crate::backup::Taken;
use crate::{Backup, StoreError};
use copy::copy;
use file::Pieces;
use pace::Pace;

/// Copies a store at work. `is_given_up` says whether anybody still waits for it.
pub(super) fn of_live(
    shared: &Arc<Shared>,
    (dir, probe): (&Path, &Probe),
    taken: Taken,
    now: Timestamp,
    is_given_up: impl Fn() -> bool + Send + 'static,
) -> Result<Backup, StoreError> {
    let mut pace = Pace::new(Arc::clone(shared), (dir, probe), is_given_up)?;
    let reason = pace.stopped();
    let _copying = Copying::begin(shared);
    let copied = copy(dir, now, move || pace.stops());
    let copied = copied.map_err(|fault| reason.lock().take().unwrap_or_else(|| fault.into()))?;
    tracing::info!(bytes = copied.manifest.database_bytes, "a copy of the store was made for a backup");
    Ok(Pieces::of(copied, taken).into_backup())
}

/// Copies a store that nobody else uses.
pub(super) fn of_offline(dir: &Path, lock: Lock, now: Timestamp) -> Result<Backup, StoreError> {
    let copied = copy(dir, now, || false)?;
    Ok(Pieces::of(copied, lock).into_backup())
}

/// Says that the whole database is being read: the write-ahead log grows meanwhile, and waiting for its readers is in vain.
struct Copying<'a>(&'a Shared);

impl<'a> Copying<'a> {
    fn begin(shared: &'a Shared) -> Self {
        shared.is_copied.store(true, Ordering::Relaxed);
        Self(shared)
    }
}

impl Drop for Copying<'_> {
    fn drop(&mut self) {
        self.0.is_copied.store(false, Ordering::Relaxed);
    }
}

/// Whether there is room to write so many bytes and still take a publish.
fn has_room(dir: &Path, probe: &Probe, bytes: u64) -> bool {
    // What cannot be told is found out by writing.
    probe(dir).map_or(true, |space| space.fullness(bytes) == Fullness::Room)
}
