//! Events on their way: their checksum there covers the name of their type, which has no number.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::rows::{Kind, Rows};
use super::tables::{Column, fault};
use crate::StoreError;
use crate::stored::checksum::EventColumns;
use crate::stored::checksum::named_event_checksum;

/// Where the checksum stands among the columns.
const CHECKSUM: usize = 8;
const BODY: usize = 9;
/// Behind the columns: where the event stands in the directory, which its checksum covers.
const PLACE: usize = 10;

/// Writes a row of events, with its new checksum.
pub(super) fn write(row: &Row<'_>, columns: &[Column], rows: &mut Rows) -> Result<(), StoreError> {
    let checksum = checksum(row).map_err(fault)?;
    for (at, (_, kind)) in columns.iter().enumerate() {
        match at {
            CHECKSUM => rows.value(Kind::Bigint, ValueRef::Integer(checksum))?,
            at => rows.value(*kind, row.get_ref(at).map_err(fault)?)?,
        }
    }
    Ok(())
}

fn checksum(row: &Row<'_>) -> rusqlite::Result<i64> {
    let columns = EventColumns {
        place: row.get(PLACE)?,
        id: u128::from_be_bytes(row.get(3)?),
        kind: row.get(5)?,
        created_ms: row.get(6)?,
        committed_ms: row.get(7)?,
    };
    let body = row.get_ref(BODY)?.as_blob().unwrap_or_default();
    let event_type = row.get_ref(4)?.as_str().unwrap_or_default();
    Ok(named_event_checksum(&columns, event_type, crc32fast::hash(body), body.len()))
}
