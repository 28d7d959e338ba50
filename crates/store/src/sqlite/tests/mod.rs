//! What the contract cannot see: how the disk is used, and what happens when it fails.

mod cancelling;
mod full;
mod plans;
mod poison;
mod upkeep;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::{MasterKey, Options, SqliteStore};
use crate::conformance::AnyStore;

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

    /// As after a kill: nothing is closed, and the lock alone is given up.
    fn killed(self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["cstar.db", "cstar.db-wal"] {
            std::fs::copy(self.dir.path().join(name), dir.path().join(name)).unwrap();
        }
        let store = Arc::new(SqliteStore::open(options(&dir)).unwrap());
        Self { store, dir }
    }

    /// A connection of a stranger who only reads.
    fn stranger(&self) -> Connection {
        Connection::open_with_flags(self.dir.path().join("cstar.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
            .unwrap()
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
