//! The rows of event types that the platform added.

use cstar_types::catalog::{AddedType, CatalogEntry};
use cstar_types::{EventType, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::fault::Fault;
use super::look::Look;
use crate::stored::checksum::Checksum;

const SELECT: &str = "SELECT name, description, fires_on, schema, example, version, created_ms, updated_ms, checksum FROM event_types";

fn checksum(added: &AddedType) -> i64 {
    let AddedType { entry, version, created_at, updated_at } = added;
    Checksum::new()
        .text(entry.event_type.as_str())
        .text(&entry.description)
        .text(&entry.fires_on)
        .text(&entry.schema)
        .text(&entry.example)
        .int(*version as i64)
        .int(created_at.as_millis())
        .int(updated_at.as_millis())
        .finish()
}

fn read(row: &Row<'_>) -> Result<AddedType, Fault> {
    let name: String = row.get(0)?;
    let Ok(event_type) = name.parse::<EventType>() else { return Err(Fault::damaged("event_types", name)) };
    let entry = CatalogEntry {
        event_type,
        description: row.get(1)?,
        fires_on: row.get(2)?,
        schema: row.get(3)?,
        example: row.get(4)?,
    };
    let read = AddedType {
        entry,
        version: row.get::<_, i64>(5)? as u64,
        created_at: Timestamp::from_millis(row.get(6)?),
        updated_at: Timestamp::from_millis(row.get(7)?),
    };
    if checksum(&read) == row.get::<_, i64>(8)? { Ok(read) } else { Err(Fault::damaged("event_types", name)) }
}

/// Writes the row, new or changed.
pub(super) fn save(look: Look<'_>, added: &AddedType) -> Result<(), Fault> {
    let mut save = look.conn.prepare_cached(
        "INSERT INTO event_types (name, description, fires_on, schema, example, version, created_ms, updated_ms, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (name) DO UPDATE SET description = ?2, fires_on = ?3, schema = ?4, example = ?5, version = ?6,
             updated_ms = ?8, checksum = ?9",
    )?;
    save.execute(params![
        added.entry.event_type.as_str(),
        added.entry.description,
        added.entry.fires_on,
        added.entry.schema,
        added.entry.example,
        added.version as i64,
        added.created_at.as_millis(),
        added.updated_at.as_millis(),
        checksum(added),
    ])?;
    Ok(())
}

impl Look<'_> {
    pub(super) fn event_type_added(&self, name: &EventType) -> Result<Option<AddedType>, Fault> {
        let mut found = self.conn.prepare_cached(&format!("{SELECT} WHERE name = ?1"))?;
        found.query_row([name.as_str()], |row| Ok(read(row))).optional()?.transpose()
    }

    pub(super) fn event_types_count(&self) -> Result<usize, Fault> {
        let count: u32 = self.conn.query_row("SELECT count(*) FROM event_types", (), |row| row.get(0))?;
        Ok(count as usize)
    }

    /// Each of them, read or damaged, in the order of their names.
    pub(super) fn event_types_added(&self) -> Result<Vec<Result<AddedType, Fault>>, Fault> {
        let mut all = self.conn.prepare_cached(&format!("{SELECT} ORDER BY name"))?;
        let all = all.query_map((), |row| Ok(read(row)))?;
        Ok(all.collect::<Result<_, _>>()?)
    }
}
