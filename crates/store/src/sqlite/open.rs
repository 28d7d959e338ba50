//! From a directory to a store at work. What it costs does not grow with history.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use tokio::sync::{Semaphore, watch};

use super::checkpoint::{Mode, checkpoint};
use super::connection;
use super::fault::Fault;
use super::keys::KnownKeys;
use super::lock::Lock;
use super::look::Shelf;
use super::memory::Memory;
use super::options::Options;
use super::queue::{Bounds, Queue};
use super::readers::Readers;
use super::room::Room;
use super::schema;
use super::shared::{Counts, Life, Shared};
use super::types::TypeNames;
use super::vault::{Sealed, Shut, Vault};
use super::wal;
use super::writer::Writer;
use crate::{StoreError, Tail};

/// The database within the data directory.
const FILE: &str = "cstar.db";
/// Calls with results that may wait; a caller waits for its room here instead of being refused.
const VITAL_CALLS: usize = 256;
/// How long the writer waits for a reader that holds up a checkpoint, or for a stranger who reads the file.
const BUSY: Duration = Duration::from_millis(500);
/// Known text, sealed, by which a wrong master key is noticed.
const PROBE: &[u8] = b"cstar";

/// Opens a store, and starts its writer.
pub(super) fn open(options: Options) -> Result<(Arc<Shared>, JoinHandle<()>), StoreError> {
    if !connection::is_new_enough() {
        return Err(StoreError::Unusable(format!(
            "SQLite {} can damage its file: build cstar with 3.51.3 or later",
            rusqlite::version()
        )));
    }
    let dir = &options.dir;
    make_dir(dir).map_err(|error| unusable_dir(dir, &error))?;
    let lock = Lock::take(dir)?;
    let file = dir.join(FILE);
    scan_wal(&dir.join(format!("{FILE}-wal")))?;

    let conn = open_writer(&file)?;
    schema::migrate(&conn)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| unusable_dir(dir, &error))?;
    let wal = checkpoint(&conn, Mode::Truncate).map_err(Fault::from)?;
    let vault = Vault::new(options.master_key, options.earlier_master_keys);
    let shelf = Shelf { epoch: begin(&conn, &vault)?, types: TypeNames::default(), vault };
    let cancelling = conn
        .prepare("SELECT 1 FROM webhooks WHERE cancelling = 1")
        .map_err(Fault::from)?
        .exists(())
        .map_err(Fault::from)?;

    let shared = Arc::new(Shared {
        queue: Queue::new(Bounds { calls: options.waiting_calls, bytes: options.waiting_bytes }),
        vital: Arc::new(Semaphore::new(VITAL_CALLS)),
        shelf,
        readers: Readers::open(&file, options.readers.max(1)).map_err(Fault::from)?,
        keys: KnownKeys::default(),
        tail: Tail::default(),
        life: watch::Sender::new(Life::Open),
        storage_full: AtomicBool::new(false),
        counts: Counts::default(),
    });
    let writer = Writer {
        conn,
        shared: Arc::clone(&shared),
        memory: Memory::default(),
        room: Room::new(dir, options.probe),
        wal,
        cancelling,
        committed_at: Instant::now(),
        uses_at: Instant::now(),
        _lock: lock,
    };
    let thread = std::thread::Builder::new().name("cstar-writer".to_owned()).spawn(move || writer.run());
    let thread =
        thread.map_err(|error| StoreError::Unusable(format!("cannot start the writer's thread: {error}")))?;
    Ok((shared, thread))
}

/// Events and endpoints are nobody else's business.
fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)?;
    match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn unusable_dir(dir: &Path, error: &io::Error) -> StoreError {
    StoreError::Unusable(format!("cannot use the data directory {}: {error}", dir.display()))
}

fn scan_wal(path: &Path) -> Result<(), StoreError> {
    match wal::scan(path) {
        Ok(wal::Verdict::Sound) => Ok(()),
        Ok(wal::Verdict::Damaged { offset, commits }) => Err(StoreError::Damaged(format!(
            "wal_damaged: byte {offset} of {}: {commits} commits that were synced stand behind a damaged place and \
             cannot be read. Keep a copy of the directory, check the disk, and restore a backup; to go on without \
             those commits, move this file away",
            path.display()
        ))),
        Err(error) => Err(StoreError::Unusable(format!("cannot read {}: {error}", path.display()))),
    }
}

fn open_writer(file: &Path) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(file, flags).map_err(Fault::from)?;
    conn.busy_timeout(BUSY).map_err(Fault::from)?;
    connection::prepare_writer(&conn).map_err(|error| match Fault::from(error).into() {
        StoreError::Database(why) => {
            StoreError::Unusable(format!("cannot open {}: {why}; it must be on a local disk", file.display()))
        }
        other => other,
    })?;
    Ok(conn)
}

/// Reads the epoch and tries the master key; at the first start, sets both.
fn begin(conn: &Connection, vault: &Vault) -> Result<u32, StoreError> {
    let get = |name: &str| {
        conn.prepare("SELECT value FROM meta WHERE name = ?1").map(|found| (found, name.to_owned()))
    };
    let read = || -> Result<(Option<u32>, Option<Vec<u8>>), Fault> {
        let (mut epoch, name) = get("epoch")?;
        let epoch = epoch.query_row([name], |row| row.get(0)).optional()?;
        let (mut probe, name) = get("master_key_probe")?;
        Ok((epoch, probe.query_row([name], |row| row.get(0)).optional()?))
    };
    match read()? {
        (Some(epoch), Some(probe)) => try_key(vault, &probe).map(|()| epoch),
        (None, None) => {
            let mut set = conn
                .prepare("INSERT INTO meta (name, value) VALUES ('epoch', 1), ('master_key_probe', ?1)")
                .map_err(Fault::from)?;
            set.execute([vault.seal(Sealed::Probe, PROBE)]).map_err(Fault::from)?;
            Ok(1)
        }
        _ => Err(Fault::damaged("meta", "epoch").into()),
    }
}

fn try_key(vault: &Vault, probe: &[u8]) -> Result<(), StoreError> {
    match vault.open(Sealed::Probe, probe) {
        Ok(clear) if **clear == *PROBE => Ok(()),
        Ok(_) | Err(Shut::Damaged) => Err(Fault::damaged("meta", "master_key_probe").into()),
        Err(Shut::OtherKey) => Err(StoreError::Unusable(
            "the data was encrypted with another master key: give that one, as the present key or as an earlier one"
                .to_owned(),
        )),
    }
}
