//! What the file says of itself.

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Fault;
use crate::stored::checksum::Checksum;

/// The life of the store: positions begin with it.
pub(super) const EPOCH: &str = "epoch";
/// Known text, sealed, by which a wrong master key is noticed.
pub(super) const PROBE: &str = "master_key_probe";

fn checksum(name: &str, value: &[u8]) -> i64 {
    Checksum::new().text(name).bytes(value).finish()
}

/// The epoch, or `None` before the first start has set it.
pub(super) fn epoch(conn: &Connection) -> Result<Option<u32>, Fault> {
    get(conn, EPOCH, |epoch: &u32| epoch.to_be_bytes().to_vec())
}

/// The probe, or `None` before the first start has set it.
pub(super) fn probe(conn: &Connection) -> Result<Option<Vec<u8>>, Fault> {
    get(conn, PROBE, Vec::clone)
}

fn get<T: FromSql>(conn: &Connection, name: &str, bytes: impl Fn(&T) -> Vec<u8>) -> Result<Option<T>, Fault> {
    let mut get = conn.prepare_cached("SELECT value, checksum FROM meta WHERE name = ?1")?;
    let row = get.query_row([name], |row| Ok((row.get::<_, T>(0)?, row.get::<_, i64>(1)?)));
    let Some((value, stored)) = row.optional()? else { return Ok(None) };
    if checksum(name, &bytes(&value)) == stored { Ok(Some(value)) } else { Err(Fault::damaged("meta", name)) }
}

/// Begins another life.
pub(super) fn set_epoch(conn: &Connection, epoch: u32) -> Result<(), Fault> {
    let sum = checksum(EPOCH, &epoch.to_be_bytes());
    conn.execute("UPDATE meta SET value = ?2, checksum = ?3 WHERE name = ?1", params![EPOCH, epoch, sum])?;
    Ok(())
}

/// Takes another master key.
pub(super) fn set_probe(conn: &Connection, probe: &[u8]) -> Result<(), Fault> {
    let sum = checksum(PROBE, probe);
    conn.execute("UPDATE meta SET value = ?2, checksum = ?3 WHERE name = ?1", params![PROBE, probe, sum])?;
    Ok(())
}

/// Sets both, in one statement.
pub(super) fn set(conn: &Connection, epoch: u32, probe: &[u8]) -> Result<(), Fault> {
    conn.execute(
        "INSERT INTO meta (name, value, checksum) VALUES (?1, ?2, ?3), (?4, ?5, ?6)",
        params![EPOCH, epoch, checksum(EPOCH, &epoch.to_be_bytes()), PROBE, probe, checksum(PROBE, probe)],
    )?;
    Ok(())
}
