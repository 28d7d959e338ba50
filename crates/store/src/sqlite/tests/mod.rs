//! What the contract cannot see: how the disk is used, and what happens when it fails.

mod cancelling;
mod filters;
mod full;
mod plans;
mod poison;
mod upkeep;

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::fault::Fault;
use super::queue::{Class, Size};
use super::tx::Tx;
use super::{MasterKey, Options, SqliteStore};
use crate::StoreError;
use crate::conformance::AnyStore;
use crate::conformance::given::soon;

/// A store, its handle and its directory.
struct OnDisk {
    store: Arc<SqliteStore>,
    dir: TempDir,
}

impl OnDisk {
    fn fresh() -> Self {
        Self::with(|_| {})
    }

    fn with(set: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = options(&dir);
        set(&mut options);
        Self { store: Arc::new(SqliteStore::open(options).unwrap()), dir }
    }

    fn any(&self) -> AnyStore {
        Arc::clone(&self.store) as AnyStore
    }

    /// As after a kill: nothing is closed, and the lock alone is given up. The files are taken between two commits.
    async fn killed(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let held = self.hold().await;
        for name in ["cstar.db", "cstar.db-wal"] {
            std::fs::copy(self.dir.path().join(name), dir.path().join(name)).unwrap();
        }
        held.go_on().await;
        let store = Arc::new(SqliteStore::open(options(&dir)).unwrap());
        Self { store, dir }
    }

    /// Makes the writer stand still, in a transaction that has written nothing. One that has ended stands still anyway.
    async fn hold(&self) -> Held {
        let (go_on, wait) = mpsc::channel::<()>();
        let (stands, stood) = oneshot::channel();
        let mut stands = Some(stands);
        let stand_still = move |_: &mut Tx<'_>| -> Result<(), Fault> {
            stands.take().map(|stands| stands.send(()));
            wait.recv().ok();
            Ok(())
        };
        let shared = Arc::clone(&self.store.shared);
        let ended =
            tokio::spawn(async move { shared.write(Class::Change, Size::default(), stand_still).await });
        soon(stood).await.ok();
        Held { go_on, ended }
    }

    /// How long the WAL's file is, in bytes.
    fn wal_bytes(&self) -> u64 {
        std::fs::metadata(self.dir.path().join("cstar.db-wal")).unwrap().len()
    }

    /// A connection of a stranger who only reads.
    fn stranger(&self) -> Connection {
        Connection::open_with_flags(self.dir.path().join("cstar.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
            .unwrap()
    }
}

/// A writer that stands still.
struct Held {
    go_on: mpsc::Sender<()>,
    ended: JoinHandle<Result<(), StoreError>>,
}

impl Held {
    async fn go_on(self) {
        drop(self.go_on);
        let ended = soon(self.ended).await.unwrap();
        assert!(matches!(ended, Ok(()) | Err(StoreError::Poisoned)), "{ended:?}");
    }
}

fn options(dir: &TempDir) -> Options {
    Options::new(dir.path(), MasterKey::new([7; 32]))
}

/// Waits until it is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
