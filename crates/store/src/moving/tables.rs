//! A table on its way: how it is read in the directory, and what it is in the database.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::rows::{Kind, Rows, Sent};
use super::{Moving, Told, attempts, events};
use crate::StoreError;
use crate::sqlite::{Offline, fault_of};

/// Its name in the database, and its type.
pub(super) type Column = (&'static str, Kind);

/// A table of the database.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [Column],
    /// The order in which its rows are sent, in the words of the database.
    pub(super) order: &'static str,
    pub(super) reading: Reading,
    /// The table of the directory that has as many rows: one that leads to nothing would be left out without a word.
    pub(super) counted: Option<&'static str>,
}

/// How its rows are read in the directory, in that order.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// By a query whose columns are those of the table.
    Query(&'static str),
    /// The same, but for the checksum.
    Events(&'static str),
    Attempts,
}

/// Told often enough to be seen moving.
const TOLD_EVERY: u64 = 5_000;

impl Table {
    /// Reads its rows, and sends them.
    pub(super) fn send(
        &self,
        from: &Offline,
        pieces: mpsc::Sender<Bytes>,
        told: &Told,
    ) -> Result<Sent, StoreError> {
        let (conn, name, told) = (from.connection(), self.name, Arc::clone(told));
        let mut rows = Rows::begin(pieces);
        let mut sent = |rows: u64| {
            if rows.is_multiple_of(TOLD_EVERY) {
                told(Moving::Sent(name, rows));
            }
        };
        match self.reading {
            Reading::Query(query) | Reading::Events(query) => {
                self.send_rows(conn, query, &mut rows, &mut sent)?
            }
            Reading::Attempts => attempts::write(conn, self.columns, &mut rows, &mut sent)?,
        }
        let sent = rows.end()?;
        told(Moving::Sent(name, sent.rows));
        self.is_whole(conn, sent.rows)?;
        Ok(sent)
    }

    fn is_whole(&self, conn: &Connection, sent: u64) -> Result<(), StoreError> {
        let Some(counted) = self.counted else { return Ok(()) };
        let count = format!("SELECT count(*) FROM {counted}");
        let stored = conn.query_row(&count, (), |row| row.get::<_, i64>(0)).map_err(fault)?;
        if stored as u64 == sent {
            return Ok(());
        }
        Err(StoreError::Damaged(format!(
            "of {stored} rows of {counted} only {sent} lead to what they are of"
        )))
    }

    fn send_rows(
        &self,
        conn: &Connection,
        query: &str,
        rows: &mut Rows,
        sent: &mut dyn FnMut(u64),
    ) -> Result<(), StoreError> {
        let mut query = conn.prepare(query).map_err(fault)?;
        let mut found = query.query(()).map_err(fault)?;
        while let Some(row) = found.next().map_err(fault)? {
            sent(rows.row(self.columns.len())?);
            if matches!(self.reading, Reading::Events(_)) {
                events::write(row, self.columns, rows)?;
                continue;
            }
            for (at, (_, kind)) in self.columns.iter().enumerate() {
                rows.value(*kind, row.get_ref(at).map_err(fault)?)?;
            }
        }
        Ok(())
    }

    /// Takes them in.
    pub(super) fn copy_in(&self) -> String {
        format!("COPY {} ({}) FROM STDIN (FORMAT binary)", self.name, self.names())
    }

    /// Answers them in the order in which they were sent.
    pub(super) fn read_back(&self) -> String {
        let Self { name, order, .. } = self;
        format!("COPY (SELECT {} FROM {name} ORDER BY {order}) TO STDOUT (FORMAT binary)", self.names())
    }

    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

/// What SQLite says.
pub(super) fn fault(error: rusqlite::Error) -> StoreError {
    fault_of(error)
}
