//! Event types, each stored once and named by number elsewhere.

use std::collections::HashMap;

use cstar_types::EventType;
use parking_lot::RwLock;
use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;
use crate::stored::checksum::Checksum;

/// Event types by number. Rows are only ever added, so what was read once stays right, unless it was read in a
/// transaction of the writer's that was rolled back.
#[derive(Debug, Default)]
pub(super) struct TypeNames {
    known: RwLock<HashMap<i64, EventType>>,
}

impl TypeNames {
    pub(super) fn get(&self, conn: &Connection, number: i64) -> Result<EventType, Fault> {
        if let Some(known) = self.known.read().get(&number) {
            return Ok(known.clone());
        }
        let name = Self::read(conn, number)?;
        self.known.write().insert(number, name.clone());
        Ok(name)
    }

    /// The type with this number, as the file has it now (LOG-3).
    pub(super) fn read(conn: &Connection, number: i64) -> Result<EventType, Fault> {
        let damaged = || Fault::damaged("types", number);
        let mut named = conn.prepare_cached("SELECT name, checksum FROM types WHERE number = ?1")?;
        let row = named.query_row([number], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)));
        let (name, stored) = row.optional()?.ok_or_else(damaged)?;
        let name = name.parse::<EventType>().map_err(|_| damaged())?;
        if checksum(number, &name) == stored { Ok(name) } else { Err(damaged()) }
    }

    /// Forgets what was read; to be called before the transaction that may have added it is rolled back.
    pub(super) fn forget(&self) {
        self.known.write().clear();
    }
}

/// Of a row of `types`.
pub(super) fn checksum(number: i64, name: &EventType) -> i64 {
    Checksum::new().int(number).text(name.as_str()).finish()
}
