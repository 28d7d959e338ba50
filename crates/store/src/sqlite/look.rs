//! What every reading needs beside a connection.

use std::collections::HashMap;

use cstar_types::EventType;
use rusqlite::Connection;

use super::fault::Fault;
use super::types::TypeNames;
use crate::TypeFilter;
use crate::stored::filters::KnownFilters;
use crate::stored::kind::Kind;
use crate::stored::vault::Vault;

/// What stays the same for as long as the store is open.
pub(super) struct Shelf {
    pub(super) types: TypeNames,
    pub(super) filters: KnownFilters,
    pub(super) vault: Vault,
    pub(super) epoch: u32,
}

impl Shelf {
    /// With nothing read yet.
    pub(super) fn new(epoch: u32, vault: Vault) -> Self {
        Self { types: TypeNames::default(), filters: KnownFilters::default(), vault, epoch }
    }
}

/// A connection in a transaction, and the shelf. What is read through one look belongs together.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) conn: &'a Connection,
    pub(super) shelf: &'a Shelf,
}

impl Look<'_> {
    pub(super) fn event_type(&self, kind: Kind) -> Result<EventType, Fault> {
        self.shelf.types.get(self.conn, kind.type_number())
    }
}

/// A filter on types that is asked once for each type instead of once for each row.
pub(super) struct Passing<'a> {
    look: Look<'a>,
    filter: TypeFilter,
    answers: HashMap<i64, bool>,
}

impl<'a> Passing<'a> {
    pub(super) fn new(look: Look<'a>, filter: TypeFilter) -> Self {
        Self { look, filter, answers: HashMap::new() }
    }

    pub(super) fn passes(&mut self, kind: Kind) -> Result<bool, Fault> {
        if let Some(answer) = self.answers.get(&kind.type_number()) {
            return Ok(*answer);
        }
        let answer = self.filter.passes(&self.look.event_type(kind)?);
        self.answers.insert(kind.type_number(), answer);
        Ok(answer)
    }
}
