//! What SQLite alone does with the rows of a store: the floor that publishing is measured against.
//!
//! It is here and not with the load because it must be the store's own schema and settings: a floor that drifted would flatter.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, Row};

use super::disk::Space;
use super::event_rows::{NewEventRow, select_events};
use super::fault::Fault;
use super::open::{FILE, Opened, open_dir};
use super::rows::{Columns, Insert, NewRow, insert};
use crate::StoreError;
use crate::stored::place::Place;

/// Of the first team that was made.
const TEAM: i64 = 1;

/// Rows of events as they were stored, checksums included.
pub struct Rows(Vec<Stored>);

struct Stored([Value; 7]);

/// Inserted by the server's own statements: as many rows share one.
impl NewRow for Stored {
    const INSERT: Insert = NewEventRow::INSERT;

    fn bind(&self, columns: &mut Columns<'_, '_>) -> rusqlite::Result<()> {
        self.0.iter().try_for_each(|value| columns.bind(value))
    }
}

/// What is on record in a data directory, counted row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Deliveries, however they stand.
    pub deliveries: u64,
    /// Deliveries that ended as delivered.
    pub delivered: u64,
    /// Attempts.
    pub attempts: u64,
}

impl Rows {
    /// The first rows of the first team's log, in a data directory that no process uses.
    ///
    /// # Errors
    /// As those of opening a store.
    pub fn read(dir: &Path, rows_max: u64) -> Result<Self, StoreError> {
        read_rows(dir, rows_max).map(Self).map_err(failed)
    }

    /// The bodies, in the order of the log.
    pub fn bodies(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|row| match &row.0[6] {
            Value::Blob(body) => body.as_slice(),
            _ => &[],
        })
    }

    /// Inserts them all into a new store in an empty directory, so many with each commit, and answers how long that took. Commits
    /// are synced and brought into the database as the writer's are.
    ///
    /// # Errors
    /// As those of opening a store.
    pub fn insert(&self, dir: &Path, group: usize) -> Result<Duration, StoreError> {
        let Opened { conn, lock: _lock, room, .. } = open_dir(dir, &(Arc::new(Space::of) as _))?;
        // The writer brings the log into the database at this length by itself; here SQLite does.
        let frames = room.checkpoint_frames() as i64;
        conn.pragma_update_and_check(None, "wal_autocheckpoint", frames, |_| Ok(())).map_err(failed)?;
        let began = Instant::now();
        self.0.chunks(group.max(1)).try_for_each(|group| insert_group(&conn, group)).map_err(failed)?;
        Ok(began.elapsed())
    }
}

impl Counted {
    /// Counts what is in a data directory that no process uses.
    ///
    /// # Errors
    /// As those of opening a store.
    pub fn read(dir: &Path) -> Result<Self, StoreError> {
        count_rows(dir).map_err(failed)
    }
}

fn read_rows(dir: &Path, rows_max: u64) -> rusqlite::Result<Vec<Stored>> {
    let conn = Connection::open(dir.join(FILE))?;
    let mut select =
        conn.prepare(select_events!("WHERE place > ?1 AND place <= ?2 ORDER BY place LIMIT ?3"))?;
    let bounds = [Place::before(TEAM).bits(), Place::last(TEAM).bits(), rows_max as i64];
    let value = |row: &Row<'_>, column| row.get::<_, Value>(column);
    let rows = select.query_map(bounds, |row| {
        Ok(Stored([
            value(row, 0)?,
            value(row, 1)?,
            value(row, 2)?,
            value(row, 3)?,
            value(row, 4)?,
            value(row, 5)?,
            value(row, 6)?,
        ]))
    })?;
    rows.collect()
}

fn insert_group(conn: &Connection, group: &[Stored]) -> rusqlite::Result<()> {
    conn.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
    insert(conn, group)?;
    conn.prepare_cached("COMMIT")?.execute(())?;
    Ok(())
}

fn count_rows(dir: &Path) -> rusqlite::Result<Counted> {
    let conn = Connection::open(dir.join(FILE))?;
    let count = |sql| conn.query_row(sql, (), |row| row.get::<_, i64>(0)).map(|count| count as u64);
    Ok(Counted {
        deliveries: count("SELECT count(*) FROM deliveries")?,
        delivered: count("SELECT count(*) FROM deliveries WHERE status = 2 AND due_ms IS NULL")?,
        attempts: count("SELECT count(*) FROM attempts")?,
    })
}

fn failed(error: rusqlite::Error) -> StoreError {
    Fault::from(error).into()
}
