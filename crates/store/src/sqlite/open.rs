//! From a directory to a store at work. What it costs does not grow with history.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use cstar_types::Team;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Semaphore, watch};

use super::backup::{RESTORE_PART, remove_part};
use super::checkpoint::{Mode, Wal, checkpoint};
use super::connection;
use super::event_types;
use super::fault::Fault;
use super::lock::Lock;
use super::look::{Look, Shelf};
use super::memory::Memory;
use super::meta;
use super::options::Options;
use super::queue::{Bounds, Queue};
use super::readers::Readers;
use super::room::{Probe, Room};
use super::schema;
use super::shared::{Counts, Life, Shared};
use super::team_rows::TeamRow;
use super::types::TypeNames;
use super::wal;
use super::writer::{LowDisk, Writer};
use crate::stored::filters::KnownFilters;
use crate::stored::known_keys::KnownKeys;
use crate::stored::place::OPERATOR_NUMBER;
use crate::stored::vault::{Sealed, Shut, Vault};
use crate::{CommitSizes, StoreError, Tail};

/// The database within the data directory.
pub(super) const FILE: &str = "cstar.db";
/// Stands in the directory once what it holds was moved elsewhere.
pub(super) const MOVED: &str = "MOVED";
/// Calls with results that may wait; a caller waits for its room here instead of being refused.
const WAITING_CALLS: usize = 256;
/// The first life of a store.
const FIRST_EPOCH: u32 = 1;
/// Known text, sealed, by which a wrong master key is noticed.
pub(super) const PROBE: &[u8] = b"cstar";

/// A database that can be written to, and what belongs to it.
pub(super) struct Opened {
    pub(super) conn: Connection,
    pub(super) lock: Lock,
    pub(super) room: Room,
    wal: Wal,
}

/// Opens a store, and starts its writer.
pub(super) fn open(options: Options) -> Result<(Arc<Shared>, JoinHandle<()>), StoreError> {
    let dir = options.dir.clone();
    let started = is_not_moved(&options.dir)
        .and_then(|()| open_dir(&options.dir, &options.probe))
        .and_then(|opened| start(opened, options));
    started.map_err(|fault| match fault.into() {
        StoreError::StorageFull => {
            StoreError::Unusable(format!("the disk of {} is too full to start on: make room", dir.display()))
        }
        other => other,
    })
}

/// Two servers that each take events on the same past would never find together again.
fn is_not_moved(dir: &Path) -> Result<(), Fault> {
    if !dir.join(MOVED).exists() {
        return Ok(());
    }
    let why = format!(
        "what stood in {} was moved to PostgreSQL: start with --store and its URL; to go back to what stood here then, remove \
         the file {MOVED} there",
        dir.display()
    );
    Err(StoreError::Unusable(why).into())
}

/// Takes a directory, and brings its write-ahead log into the database.
pub(super) fn open_dir(dir: &Path, probe: &Probe) -> Result<Opened, Fault> {
    if !connection::is_new_enough() {
        let found = rusqlite::version();
        let why = format!("SQLite {found} can damage its file: build cstar with 3.51.3 or later");
        return Err(StoreError::Unusable(why).into());
    }
    make_dir(dir).map_err(|error| unusable_dir(dir, &error))?;
    let lock = Lock::take(dir)?;
    is_not_half_restored(dir)?;
    remove_part(dir).map_err(|error| unusable_dir(dir, &error))?;
    let wal = dir.join(format!("{FILE}-wal"));
    scan_wal(&wal)?;
    let mut room = Room::new(dir, Arc::clone(probe));
    room.begin(fs::metadata(&wal).map_or(0, |wal| wal.len()));

    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(dir.join(FILE), flags)?;
    connection::prepare_writer(&conn)?;
    schema::migrate(&conn)?;
    sync_dir(dir).map_err(|error| unusable_dir(dir, &error))?;
    // What an earlier life left torn must not lie behind new commits: see `wal`.
    let wal = checkpoint(&conn, Mode::Truncate, connection::BUSY)?;
    Ok(Opened { conn, lock, room, wal })
}

/// An empty store in the place of one that was to come back would take new events, and hide that the rest is missing.
fn is_not_half_restored(dir: &Path) -> Result<(), StoreError> {
    if !dir.join(RESTORE_PART).exists() {
        return Ok(());
    }
    Err(StoreError::Unusable(format!(
        "a restore into {} was cut short: run it again; to go on without what it was to bring back, remove {RESTORE_PART} \
         there",
        dir.display()
    )))
}

fn start(opened: Opened, options: Options) -> Result<(Arc<Shared>, JoinHandle<()>), Fault> {
    let Opened { conn, lock, room, wal } = opened;
    let vault = Vault::new(options.master_key);
    let shelf = Shelf {
        epoch: begin(&conn, &vault)?,
        types: TypeNames::default(),
        filters: KnownFilters::default(),
        vault,
    };
    begin_operator(Look { conn: &conn, shelf: &shelf })?;
    let cancelling = conn.prepare("SELECT 1 FROM webhooks WHERE cancelling = 1")?.exists(())?;
    let event_types = event_types::read_known(Look { conn: &conn, shelf: &shelf })?;
    let shared = Arc::new(Shared {
        queue: Queue::new(Bounds { calls: options.waiting_calls, bytes: options.waiting_bytes }),
        waits: Arc::new(Semaphore::new(WAITING_CALLS)),
        shelf,
        readers: Readers::open(&options.dir.join(FILE), options.readers.max(1))?,
        keys: KnownKeys::default(),
        event_types,
        tail: Tail::default(),
        life: watch::Sender::new(Life::Open),
        fullness: AtomicU8::new(0),
        is_copied: AtomicBool::new(false),
        counts: Counts::default(),
        commit_sizes: CommitSizes::default(),
    });
    let writer = Writer {
        conn,
        shared: Arc::clone(&shared),
        memory: Memory::default(),
        room,
        wal,
        cancelling,
        holds_erased: false,
        cut_at: None,
        uses_at: Instant::now(),
        low: LowDisk::default(),
        _lock: lock,
    };
    let thread = thread::Builder::new().name("cstar-writer".to_owned()).spawn(move || writer.run());
    let thread =
        thread.map_err(|error| StoreError::Unusable(format!("cannot start the writer's thread: {error}")))?;
    Ok((shared, thread))
}

/// Events and endpoints are nobody else's business.
pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)?;
    dir.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_dir)
}

/// A file that is synced can still be lost if its name is not.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

pub(super) fn unusable_dir(dir: &Path, error: &io::Error) -> StoreError {
    StoreError::Unusable(format!("cannot use the data directory {}: {error}", dir.display()))
}

fn scan_wal(path: &Path) -> Result<(), StoreError> {
    match wal::scan(path) {
        Ok(wal::Verdict::Sound) => Ok(()),
        Ok(wal::Verdict::Damaged { offset, sound, lost }) => Err(StoreError::Damaged(format!(
            "wal_damaged: {} is not as it was written at byte {offset}: {sound} commits before it are whole, {lost} \
             behind it were synced and cannot be read. Leave the data directory as it is, check the disk, and restore a \
             backup. Without one, copy the whole directory, cut this file in the copy to {offset} bytes, and start on \
             the copy: that brings the {sound} back and gives the {lost} up",
            path.display()
        ))),
        Err(error) => Err(StoreError::Unusable(format!("cannot read {}: {error}", path.display()))),
    }
}

/// Reads the epoch and tries the master key; at the first start, sets both.
fn begin(conn: &Connection, vault: &Vault) -> Result<u32, Fault> {
    match (meta::epoch(conn)?, meta::probe(conn)?) {
        (Some(epoch), Some(probe)) => try_key(vault, &probe).map(|()| epoch),
        (None, None) => {
            meta::set(conn, FIRST_EPOCH, &vault.seal(Sealed::Probe, PROBE))?;
            Ok(FIRST_EPOCH)
        }
        _ => Err(Fault::damaged("meta", meta::EPOCH)),
    }
}

/// The log of notices is there from the beginning.
fn begin_operator(look: Look<'_>) -> Result<(), Fault> {
    let known = look.conn.prepare("SELECT 1 FROM teams WHERE number = ?1")?.exists([OPERATOR_NUMBER])?;
    if known { Ok(()) } else { TeamRow::new(OPERATOR_NUMBER, Team::operator()).save(look) }
}

/// Whether this is the master key that the data was encrypted with.
pub(super) fn try_key(vault: &Vault, probe: &[u8]) -> Result<(), Fault> {
    match vault.open(Sealed::Probe, probe) {
        Ok(clear) if **clear == *PROBE => Ok(()),
        Ok(_) | Err(Shut::Damaged) => Err(Fault::damaged("meta", meta::PROBE)),
        Err(Shut::OtherKey) => Err(StoreError::OtherMasterKey.into()),
    }
}
