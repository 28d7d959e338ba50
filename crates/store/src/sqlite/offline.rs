//! A data directory without a server: what is done to a store as a whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cstar_types::Timestamp;

use super::backup;
use super::disk::Space;
use super::open::{FILE, Opened, open_dir};
use crate::{Backup, StoreError};

/// Whether a directory holds a store.
#[must_use]
pub fn holds_data(dir: &Path) -> bool {
    dir.join(FILE).exists()
}

/// A data directory that is opened for administration; nobody else uses it meanwhile.
pub struct Offline {
    dir: PathBuf,
    opened: Opened,
}

impl Offline {
    /// Opens a directory that holds a store, and brings its write-ahead log into the database.
    ///
    /// # Errors
    /// `Unusable` if it holds none or is in use, and `Damaged`; each says what to do.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        if !holds_data(dir) {
            let dir = dir.display();
            return Err(StoreError::Unusable(format!(
                "there is no data of cstar's in {dir}: give its data directory"
            )));
        }
        let opened = open_dir(dir, &(Arc::new(Space::of) as _))?;
        Ok(Self { dir: dir.to_owned(), opened })
    }

    /// A copy of everything; the directory is held until it is read or dropped.
    ///
    /// # Errors
    /// `StorageFull` where the disk has no room for it, and `Damaged`.
    pub fn into_backup(self, now: Timestamp) -> Result<Backup, StoreError> {
        let Self { dir, opened: Opened { conn, lock, .. } } = self;
        drop(conn);
        backup::of_offline(&dir, lock, now)
    }
}
