//! A data directory without a server: what is done to a store as a whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cstar_types::Timestamp;

use super::backup::RESTORE_PART;
use super::checkpoint::{Mode, checkpoint};
use super::connection::BUSY;
use super::disk::Space;
use super::fault::Fault;
use super::finding::Looked;
use super::look::{Look, Shelf};
use super::open::{FILE, Opened, open_dir, try_key};
#[cfg(feature = "postgres")]
use super::open::{MOVED, sync_dir};
use super::rekey::{Rekeyed, rekey};
use super::{backup, check, meta};
use crate::stored::vault::{MasterKey, Vault};
use crate::{Backup, StoreError};

/// Whether a directory holds a store, or what a restore that was cut short left of one.
#[must_use]
pub fn holds_data(dir: &Path) -> bool {
    [FILE, RESTORE_PART].iter().any(|name| dir.join(name).exists())
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

    /// Whether one of these keys opens the secrets.
    ///
    /// # Errors
    /// `OtherMasterKey` if none of them does.
    pub fn opens_with(&self, keys: &[MasterKey]) -> Result<(), StoreError> {
        self.vault(keys).map(drop)
    }

    fn vault(&self, keys: &[MasterKey]) -> Result<Vault, StoreError> {
        let probe = meta::probe(&self.opened.conn)?.ok_or_else(|| Fault::damaged("meta", meta::PROBE))?;
        for vault in keys.iter().cloned().map(Vault::new) {
            match try_key(&vault, &probe).map_err(StoreError::from) {
                Err(StoreError::OtherMasterKey) => {}
                tried => return tried.map(|()| vault),
            }
        }
        Err(StoreError::OtherMasterKey)
    }

    /// Looks at everything (LOG-3); `told` hears of each thing that is not as it was written, and how far it is. The keys are
    /// those that may open the secrets.
    ///
    /// # Errors
    /// `OtherMasterKey` if none of them does, and when the database cannot be read at all.
    pub fn check(&self, keys: &[MasterKey], told: &mut dyn FnMut(Looked)) -> Result<(), StoreError> {
        let conn = &self.opened.conn;
        let vault = match self.vault(keys) {
            // It is told as a part of what is looked at.
            Err(StoreError::Damaged(_)) => {
                keys.first().cloned().map(Vault::new).ok_or(StoreError::OtherMasterKey)?
            }
            vault => vault?,
        };
        let epoch = meta::epoch(conn).ok().flatten().unwrap_or_default();
        let shelf = Shelf::new(epoch, vault);
        let mut progress = check::Progress::default();
        loop {
            let mut found = check::Found::default();
            let next = check::slice(Look { conn, shelf: &shelf }, progress, &mut found)?;
            found.0.into_iter().for_each(|finding| told(Looked::Found(finding)));
            let Some(next) = next else { return Ok(()) };
            told(next.looked());
            progress = next;
        }
    }

    /// Encrypts all secrets, which one of `from` opens, for `to`: all of them or none.
    ///
    /// # Errors
    /// `OtherMasterKey` if none of these keys opens them, and `Damaged`.
    pub fn rekey(&mut self, from: &[MasterKey], to: &MasterKey) -> Result<Rekeyed, StoreError> {
        let conn = &mut self.opened.conn;
        // What was encrypted for the key before is not left in the file.
        conn.pragma_update_and_check(None, "secure_delete", true, |_| Ok(())).map_err(Fault::from)?;
        let mut rekeyed = Err(StoreError::OtherMasterKey);
        for from in from {
            rekeyed = rekey(conn, from, to).map_err(StoreError::from);
            if rekeyed != Err(StoreError::OtherMasterKey) {
                break;
            }
        }
        checkpoint(conn, Mode::Truncate, BUSY).map_err(Fault::from)?;
        rekeyed
    }

    /// What the directory says of everything, and nobody changes meanwhile.
    #[cfg(feature = "postgres")]
    pub(crate) const fn connection(&self) -> &rusqlite::Connection {
        &self.opened.conn
    }

    /// The life of the store: positions begin with it.
    #[cfg(feature = "postgres")]
    pub(crate) fn epoch(&self) -> Result<u32, StoreError> {
        Ok(meta::epoch(&self.opened.conn)?.ok_or_else(|| Fault::damaged("meta", meta::EPOCH))?)
    }

    /// Has the directory say that what it holds goes on elsewhere: no server starts on it any more.
    #[cfg(feature = "postgres")]
    pub(crate) fn mark_moved(&self) -> Result<(), StoreError> {
        let marked = std::fs::File::create(self.dir.join(MOVED)).and_then(|file| file.sync_all());
        self.said_on_disk(marked)
    }

    /// What it holds stays, after all.
    #[cfg(feature = "postgres")]
    pub(crate) fn unmark_moved(&self) -> Result<(), StoreError> {
        self.said_on_disk(std::fs::remove_file(self.dir.join(MOVED)))
    }

    #[cfg(feature = "postgres")]
    fn said_on_disk(&self, said: std::io::Result<()>) -> Result<(), StoreError> {
        said.and_then(|()| sync_dir(&self.dir)).map_err(|error| {
            StoreError::Database(format!(
                "the file {MOVED} in {} cannot be written or removed: {error}",
                self.dir.display()
            ))
        })
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
