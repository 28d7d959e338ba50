//! From a backup to a data directory, in which the store begins another life.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use cstar_types::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::file::{Manifest, Reading};
use crate::StoreError;
use crate::sqlite::fault::Fault;
use crate::sqlite::lock::{self, Lock};
use crate::sqlite::open::{FILE, make_dir, sync_dir, try_key, unusable_dir};
use crate::sqlite::{connection, meta, schema};
use crate::stored::vault::{MasterKey, Vault};

/// Where the database stands until all is well with it.
pub(in crate::sqlite) const PART: &str = "restore.part";

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The backup.
    pub manifest: Manifest,
    /// The new life of the store.
    pub epoch: u32,
}

/// Makes a data directory of a backup. The directory may be there if it is empty but for files of these names, and for what a
/// restore left that was cut short. The database gets its name last, so a directory has all of it or none.
///
/// What was published behind the backup is lost, so the store gets a new epoch: a reader's cursor from the life before is told
/// a gap, and no position is given twice.
///
/// # Errors
/// `Unusable` with what to do, and `OtherMasterKey`. The directory holds no database then.
pub fn restore(
    backup: &Path,
    dir: &Path,
    beside: &[&str],
    key: &MasterKey,
    now: Timestamp,
    told: &mut dyn FnMut(u64, u64),
) -> Result<Restored, StoreError> {
    let reading = Reading::begin(backup)?;
    if reading.manifest.master_key != key.id_text() {
        return Err(StoreError::OtherMasterKey);
    }
    make_dir(dir).map_err(|error| unusable_dir(dir, &error))?;
    is_empty(dir, beside)?;
    let _lock = Lock::take(dir)?;
    is_empty(dir, beside)?; // as it is now that nobody else can change it
    let part = dir.join(PART);
    let restored = unpack(reading, &part, told).and_then(|manifest| {
        let epoch = begin_life(&part, &manifest, key, now)?;
        fs::rename(&part, dir.join(FILE))
            .and_then(|()| sync_dir(dir))
            .map_err(|error| unusable_dir(dir, &error))?;
        Ok(Restored { manifest, epoch })
    });
    if restored.is_err() {
        let _ = fs::remove_file(&part); // whether it can be removed or not, the reason is the one to be told
    }
    restored
}

/// Refuses a directory that holds something.
fn is_empty(dir: &Path, beside: &[&str]) -> Result<(), StoreError> {
    let unusable = |error: io::Error| unusable_dir(dir, &error);
    for entry in fs::read_dir(dir).map_err(unusable)? {
        let name = entry.map_err(unusable)?.file_name();
        let name = name.to_string_lossy();
        if name != lock::FILE && !name.starts_with(PART) && !beside.contains(&&*name) {
            return Err(StoreError::Unusable(format!(
                "the data directory {} is not empty, it holds {name}: give one that is empty or not there yet",
                dir.display()
            )));
        }
    }
    Ok(())
}

fn unpack(reading: Reading, part: &Path, told: &mut dyn FnMut(u64, u64)) -> Result<Manifest, StoreError> {
    let unusable = |error: io::Error| unusable_dir(part, &error);
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.write(true).create(true).truncate(true).open(part).map_err(unusable)?;
    let manifest = reading.unpack(&mut out, told)?;
    out.sync_all().map_err(unusable)?;
    Ok(manifest)
}

/// Gives the database its new epoch.
fn begin_life(part: &Path, manifest: &Manifest, key: &MasterKey, now: Timestamp) -> Result<u32, StoreError> {
    let begun = (|| {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(part, flags)?;
        connection::prepare_restored(&conn)?;
        schema::migrate(&conn)?;
        let probe = meta::probe(&conn)?.ok_or_else(|| Fault::damaged("meta", meta::PROBE))?;
        try_key(&Vault::new(key.clone()), &probe)?;
        let before = meta::epoch(&conn)?.ok_or_else(|| Fault::damaged("meta", meta::EPOCH))?;
        let epoch = next_epoch(before.max(manifest.epoch), now);
        meta::set_epoch(&conn, epoch)?;
        Ok::<u32, Fault>(epoch)
    })();
    begun.map_err(StoreError::from)
}

/// The time of the restore in seconds, so that two restores of one backup begin two lives: a cursor of the one must not be
/// taken for a cursor of the other. Later than the life before, whatever the clock says.
fn next_epoch(before: u32, now: Timestamp) -> u32 {
    let seconds = u32::try_from(now.as_millis() / 1000).unwrap_or(0);
    seconds.max(before.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RT-2: two restores of one backup are two lives, and time that goes back makes no earlier one.
    #[test]
    fn each_restore_begins_another_life() {
        let at = Timestamp::from_millis;
        assert_eq!(next_epoch(1, at(1_700_000_000_999)), 1_700_000_000);
        assert_eq!(next_epoch(1, at(1_700_000_001_000)), 1_700_000_001);
        assert_eq!(next_epoch(1_700_000_000, at(0)), 1_700_000_001);
        assert_eq!(next_epoch(1, at(-5)), 2);
    }
}
