//! How connections are set up.

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::fault::Fault;
use crate::StoreError;

/// Before this version a checkpoint that met a writer at the wrong moment could damage the file.
const SQLITE_MIN: i32 = 3_051_003;

const NO_WAL: &str = "SQLite cannot keep a write-ahead log in the data directory: it must be on a local disk with shared memory";

/// Statements that a connection keeps compiled: all that there are.
const STATEMENTS_MAX: usize = 128;

/// Page cache of the writer and of each reader, in KiB: the hot ends of tables and indexes. The system caches the rest.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
const READER_CACHE_KIB: i64 = 4 * 1024;

/// How long a commit waits for a stranger who holds the file.
pub(super) const BUSY: Duration = Duration::from_millis(500);

/// Whether this SQLite may be trusted with a write-ahead log.
pub(super) fn is_new_enough() -> bool {
    rusqlite::version_number() >= SQLITE_MIN
}

fn prepare(conn: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Closing must not write: after a failed sync nothing may.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cell_size_check", true)?; // finds a damaged page when it is read
    conn.pragma_update(None, "mmap_size", 0)?; // a read error must be an error, not a signal
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "cache_size", -cache_kib)
}

/// The one connection that writes.
pub(super) fn prepare_writer(conn: &Connection) -> Result<(), Fault> {
    prepare(conn, WRITER_CACHE_KIB)?;
    conn.busy_timeout(BUSY)?;
    conn.pragma_update(None, "page_size", super::schema::PAGE_BYTES)?;
    use_wal(conn)?;
    conn.pragma_update(None, "synchronous", "FULL")?; // LOG-1: each commit is synced before it returns
    conn.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?; // the writer chooses the moment
    conn.pragma_update(None, "foreign_keys", false)?;
    overwrite(conn, Overwrite::Cells)?;
    Ok(())
}

/// What SQLite overwrites with zeros of what is deleted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Overwrite {
    /// What lies within pages that are written anyway. It costs next to nothing, and sees to it that moving rows between pages
    /// leaves no copy behind: what is erased must be in one place.
    Cells,
    /// Whole pages as well.
    All,
}

/// It counts from now on, within a transaction too.
pub(super) fn overwrite(conn: &Connection, what: Overwrite) -> rusqlite::Result<()> {
    let mode = match what {
        Overwrite::Cells => "FAST",
        Overwrite::All => "ON",
    };
    conn.pragma_update_and_check(None, "secure_delete", mode, |_| Ok(()))
}

/// The statement is run to its end: it answers `wal` before it has written that, and a failure comes after the answer.
fn use_wal(conn: &Connection) -> Result<(), Fault> {
    let mut set = conn.prepare("PRAGMA journal_mode = WAL")?;
    let mut rows = set.query(())?;
    while rows.next()?.is_some() {}
    let mode: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode == "wal" { Ok(()) } else { Err(StoreError::Unusable(NO_WAL.to_owned()).into()) }
}

/// A connection that copies the whole database into another file. It is opened for reading alone, so it need not be told.
pub(super) fn prepare_copier(conn: &Connection) -> rusqlite::Result<()> {
    prepare(conn, READER_CACHE_KIB)?;
    conn.busy_timeout(BUSY)
}

/// A connection to a database that nobody uses yet, and that is made again if this is cut short: a journal of its own would
/// outlive it, and be taken for one of the next.
pub(super) fn prepare_restored(conn: &Connection) -> rusqlite::Result<()> {
    prepare(conn, READER_CACHE_KIB)?;
    conn.pragma_update_and_check(None, "journal_mode", "MEMORY", |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", false)
}

/// A connection that reads.
pub(super) fn prepare_reader(conn: &Connection) -> rusqlite::Result<()> {
    prepare(conn, READER_CACHE_KIB)?;
    conn.pragma_update(None, "query_only", true)
}
