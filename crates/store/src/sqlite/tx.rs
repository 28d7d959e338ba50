//! What a piece of work has in its hands while the writer applies it.

use std::sync::Arc;

use cstar_types::{Author, Entry, KeyId, TeamId};
use rusqlite::Connection;

use super::look::{Look, Shelf};
use super::memory::Memory;
use crate::stored::known_types::TypeChange;
use crate::{Change, Due};

/// One transaction of the writer's.
pub(super) struct Tx<'w> {
    pub(super) conn: &'w Connection,
    pub(super) shelf: &'w Shelf,
    pub(super) memory: &'w mut Memory,
    pub(super) effects: &'w mut Effects,
    /// For whom the piece of work is that is being applied, where it is for somebody.
    pub(super) author: Option<Arc<Author>>,
}

impl<'w> Tx<'w> {
    pub(super) fn look(&self) -> Look<'w> {
        Look { conn: self.conn, shelf: self.shelf }
    }
}

/// What follows from a transaction once it is synced, and not before (LOG-1).
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Told to the tail, in this order.
    pub(super) told: Vec<Change>,
    /// Keys whose remembered form is out of date.
    pub(super) keys: Vec<KeyId>,
    /// Teams whose keys are.
    pub(super) teams: Vec<TeamId>,
    pub(super) event_types: Vec<TypeChange>,
    pub(super) events: u64,
    /// How many deliveries it made.
    pub(super) deliveries: usize,
    pub(super) attempts: u64,
    /// A webhook has more to cancel than was done.
    pub(super) cancelling: bool,
    /// Something was erased that the WAL still holds.
    pub(super) erased: bool,
}

/// Neighbouring appends of one team are told as one change, up to so many entries: waking readers costs more than
/// reading.
const TOLD_TOGETHER_MAX: usize = 1000;

impl Effects {
    /// Entries of one team, and the deliveries that they made.
    pub(super) fn appended(&mut self, team: TeamId, mut new: Vec<Arc<Entry>>, mut due: Vec<Due>) {
        self.events += new.len() as u64;
        self.deliveries += due.len();
        if let Some(Change::Appended { team: last, entries, deliveries }) = self.told.last_mut()
            && *last == team
            && entries.len() + new.len() <= TOLD_TOGETHER_MAX
        {
            entries.append(&mut new);
            deliveries.append(&mut due);
            return;
        }
        self.told.push(Change::Appended { team, entries: new, deliveries: due });
    }
}
