//! Bringing the write-ahead log (WAL) into the database.

use std::time::Duration;

use rusqlite::Connection;

use super::connection::BUSY;
use super::schema::PAGE_BYTES;

/// How far a checkpoint goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Only counts.
    Noop,
    /// As much as readers leave free; the next commit then begins the WAL anew if all of it was.
    Passive,
    /// All of it, and the WAL is cut to nothing, if no reader is in the way.
    Truncate,
}

/// The WAL after a checkpoint, in frames; each holds one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Wal {
    pub(super) frames: u64,
    /// How many of them are in the database.
    pub(super) done: u64,
}

impl Wal {
    /// What the next checkpoint may add to the database file at most, in bytes.
    pub(super) const fn to_come_bytes(self) -> u64 {
        self.frames.saturating_sub(self.done) * PAGE_BYTES as u64
    }
}

/// Checkpoints. Being held up by a reader is no error: the rest is done another time. `patience` is how long the writer,
/// and so everybody, waits for readers.
pub(super) fn checkpoint(conn: &Connection, mode: Mode, patience: Duration) -> rusqlite::Result<Wal> {
    conn.busy_timeout(patience)?;
    let mut pragma = conn.prepare_cached(match mode {
        Mode::Noop => "PRAGMA wal_checkpoint(NOOP)",
        Mode::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
        Mode::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
    })?;
    let wal = pragma.query_row((), |row| {
        let (frames, done): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(Wal { frames: frames.max(0) as u64, done: done.max(0) as u64 })
    });
    conn.busy_timeout(BUSY)?;
    wal
}
