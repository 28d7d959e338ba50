//! The store: each call of the contract, and where it is done.

mod audit;
mod deliveries;
mod directory;
mod event_types;
mod links;
mod log;
mod operations;
mod upkeep;

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::thread::JoinHandle;

use cstar_types::Author;
use tokio::sync::Notify;

use super::fault::Fault;
use super::open;
use super::options::Options;
use super::queue::{Class, Size};
use super::room::Probe;
use super::shared::Shared;
use super::tx::Tx;
use crate::StoreError;
use crate::backup::Turn;

/// A store on one machine's disk.
///
/// Dropping the last of its handles finishes what was handed over, as [`crate::Upkeep::close`] does, and waits for that.
pub struct SqliteStore {
    open: Arc<Open>,
    /// Whose changes those are that are made through this handle.
    author: Option<Arc<Author>>,
}

/// What all handles share.
pub struct Open {
    pub(super) shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    /// The number of the team where the next removal begins to look.
    removing_from: AtomicI64,
    operation_begun: Notify,
    /// The data directory.
    dir: PathBuf,
    probe: Probe,
    backups: Turn,
}

/// A small change.
const ONE: Size = Size { rows: 1, bytes: 4096 };

impl SqliteStore {
    /// Opens the store in a directory, making both if they do not exist. Blocks while it does.
    ///
    /// # Errors
    /// `Unusable` if the directory, the file or the master key cannot be used, and `Damaged`; each says what to do.
    pub fn open(options: Options) -> Result<Self, StoreError> {
        let (dir, probe) = (options.dir.clone(), Arc::clone(&options.probe));
        let (shared, writer) = open::open(options)?;
        let open = Open {
            shared,
            writer: Some(writer),
            removing_from: AtomicI64::new(0),
            operation_begun: Notify::new(),
            dir,
            probe,
            backups: Turn::default(),
        };
        Ok(Self { open: Arc::new(open), author: None })
    }
}

impl SqliteStore {
    /// Another handle, whose changes are this author's.
    fn by(&self, author: Author) -> Self {
        Self { open: Arc::clone(&self.open), author: Some(Arc::new(author)) }
    }

    /// Changes something for the author of this handle, who is put on record with it.
    async fn change<T: Send + 'static>(
        &self,
        class: Class,
        size: Size,
        change: impl FnMut(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.shared.write_by(self.author.clone(), class, size, change).await
    }
}

impl Deref for SqliteStore {
    type Target = Open;

    fn deref(&self) -> &Open {
        &self.open
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join(); // a panic of its was told as poison
        }
    }
}
