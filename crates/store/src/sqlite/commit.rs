//! One group commit: what waits becomes one transaction and one sync, and is answered after it.

use std::collections::{HashMap, VecDeque};

use cstar_types::{KeyId, Timestamp};
use rusqlite::Connection;

use super::cancel;
use super::fault::Fault;
use super::keys;
use super::look::Shelf;
use super::memory::Memory;
use super::notices;
use super::queue::{Class, Waiting};
use super::tx::{Effects, Tx};
use crate::stored::known_keys::KnownKeys;

/// Uses of keys that one commit writes down along the way.
const USES_A_COMMIT: usize = 200;

/// What a commit does beside what waits.
#[derive(Debug, Default)]
pub(super) struct Along {
    /// A slice of what is being cancelled.
    pub(super) cancel: bool,
    /// Uses of keys.
    pub(super) uses: HashMap<KeyId, Timestamp>,
    /// The notice that the disk is low.
    pub(super) low: Option<Low>,
}

/// How low the disk is, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Low {
    pub(super) free_bytes: u64,
    pub(super) at: Timestamp,
}

impl Along {
    pub(super) fn is_nothing(&self) -> bool {
        self.len() == 0
    }

    /// How many things it is.
    pub(super) fn len(&self) -> usize {
        usize::from(self.cancel) + usize::from(!self.uses.is_empty()) + usize::from(self.low.is_some())
    }

    /// Each of them by itself.
    pub(super) fn each(self) -> [Self; 3] {
        let none = Self::default;
        [
            Self { cancel: self.cancel, ..none() },
            Self { uses: self.uses, ..none() },
            Self { low: self.low, ..none() },
        ]
    }

    /// Uses of keys that should be written with the next commit.
    pub(super) fn of_uses(known: &KnownKeys) -> Self {
        Self { uses: known.uses(USES_A_COMMIT), ..Self::default() }
    }
}

/// Applies a group and commits it. Returns the number of pieces of work that are in the commit: those behind them did not fit.
///
/// LOG-1: nobody is answered or told here. On a fault nothing is stored, unless [`Fault::remedy`] says that this is
/// not known; the transaction is rolled back and what was learned in it is forgotten.
pub(super) fn commit(
    conn: &Connection,
    shelf: &Shelf,
    memory: &mut Memory,
    group: &mut VecDeque<Waiting>,
    along: &Along,
) -> Result<(usize, Effects), Fault> {
    let mut effects = Effects::default();
    let mut tx = Tx { conn, shelf, memory, effects: &mut effects, author: None };
    let applied = conn.prepare_cached("BEGIN IMMEDIATE")?.execute(()).map_err(Fault::from).and_then(|_| {
        let applied = apply(&mut tx, group, along)?;
        conn.prepare_cached("COMMIT")?.execute(())?;
        Ok(applied)
    });
    match applied {
        Ok(applied) => Ok((applied, effects)),
        Err(fault) => {
            memory.forget();
            // A type that this transaction numbered may be read by now, and its number is free again.
            shelf.types.forget();
            shelf.filters.forget();
            roll_back(conn)?;
            Err(fault)
        }
    }
}

fn apply(tx: &mut Tx<'_>, group: &mut VecDeque<Waiting>, along: &Along) -> Result<usize, Fault> {
    if along.cancel {
        cancel::go_on(tx)?;
    }
    keys::write_uses(tx, &along.uses)?;
    if let Some(Low { free_bytes, at }) = along.low {
        notices::storage_low(tx, free_bytes, at)?;
    }
    for (applied, waiting) in group.iter_mut().enumerate() {
        match waiting.work.apply(tx) {
            Err(Fault::NoRoom) => return Ok(applied),
            result => result?,
        }
        if !matches!(waiting.class, Class::Append | Class::Result) {
            // It may have changed any row.
            tx.memory.fresh.forget_all();
        }
    }
    Ok(group.len())
}

fn roll_back(conn: &Connection) -> Result<(), Fault> {
    if !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK")?;
    }
    Ok(())
}
