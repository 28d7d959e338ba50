//! The shape of the database file, and how an older one becomes the present one.

use rusqlite::Connection;

use super::fault::Fault;
use crate::StoreError;

/// "cSta": says that a file is ours, before anything in it is believed.
const APPLICATION_ID: i32 = 0x6353_7461;
/// One commit writes whole pages, so small ones suit small commits.
pub(super) const PAGE_BYTES: u32 = 4096;

/// Each brings the file from the version of its place to the next, in one transaction. What was released is never
/// changed here, only followed.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_begin.sql")];

/// The version that this binary writes, kept in `user_version`.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Brings the file to the present version, or says why that cannot be.
pub(super) fn migrate(conn: &Connection) -> Result<(), StoreError> {
    follow(conn, MIGRATIONS)
}

fn follow(conn: &Connection, migrations: &[&str]) -> Result<(), StoreError> {
    let newest = migrations.len() as u32;
    let unusable = |error: rusqlite::Error| StoreError::from(Fault::from(error));
    let version =
        conn.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).map_err(unusable)?;
    let owner =
        conn.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0)).map_err(unusable)?;
    let tables = conn.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get::<_, i64>(0));
    let begun = version > 0 || tables.map_err(unusable)? > 0;
    if begun && owner != APPLICATION_ID {
        return Err(StoreError::Unusable(
            "the database file is not one of cstar's: give the store another data directory".to_owned(),
        ));
    }
    if version > newest {
        return Err(StoreError::Unusable(format!(
            "the data was written by a newer cstar (format {version}; this one knows {newest}): run that version or a later one"
        )));
    }
    for (from, migration) in migrations.iter().enumerate().skip(version as usize) {
        let to = from + 1;
        let script = format!(
            "BEGIN IMMEDIATE;\n{migration}\nPRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {to};\nCOMMIT;"
        );
        if let Err(error) = conn.execute_batch(&script) {
            let _ = conn.execute_batch("ROLLBACK"); // none is open if it was the beginning that failed
            return Err(unusable(error));
        }
        tracing::info!(format = to, "data migrated");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(conn: &Connection) -> u32 {
        conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_empty_file_becomes_the_present_version_once() {
        let conn = Connection::open_in_memory().unwrap();
        migrate(&conn).unwrap();
        assert_eq!(version(&conn), VERSION);
        migrate(&conn).unwrap();
    }

    const FIRST: &str = "CREATE TABLE log (event TEXT); INSERT INTO log VALUES ('kept');";
    const SECOND: &str = "ALTER TABLE log ADD COLUMN place INTEGER; UPDATE log SET place = 1;";

    fn columns(conn: &Connection) -> i64 {
        conn.query_row("SELECT count(*) FROM pragma_table_info('log')", (), |row| row.get(0)).unwrap()
    }

    /// What an older version wrote is brought to the present one, step by step, each step once.
    #[test]
    fn an_older_file_becomes_the_present_version() {
        let conn = Connection::open_in_memory().unwrap();
        follow(&conn, &[FIRST]).unwrap();
        assert_eq!((version(&conn), columns(&conn)), (1, 1));
        for _ in 0..2 {
            follow(&conn, &[FIRST, SECOND]).unwrap();
            assert_eq!((version(&conn), columns(&conn)), (2, 2));
        }
        let kept: (String, i64) =
            conn.query_row("SELECT event, place FROM log", (), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(kept, ("kept".to_owned(), 1), "and what was in it is there once");
    }

    /// A step that fails leaves the file as the step before it did, so that the version that wrote it still reads it.
    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let conn = Connection::open_in_memory().unwrap();
        follow(&conn, &[FIRST]).unwrap();
        follow(&conn, &[FIRST, SECOND, "UPDATE nothing SET at = all;"]).unwrap_err();
        assert_eq!((version(&conn), columns(&conn)), (2, 2), "the step that worked was done");
        let half = format!("{SECOND} UPDATE nothing SET at = all;");
        let conn = Connection::open_in_memory().unwrap();
        follow(&conn, &[FIRST]).unwrap();
        follow(&conn, &[FIRST, &half]).unwrap_err();
        assert_eq!((version(&conn), columns(&conn)), (1, 1));
        follow(&conn, &[FIRST, SECOND]).unwrap();
    }

    #[test]
    fn a_newer_file_is_refused() {
        let conn = Connection::open_in_memory().unwrap();
        migrate(&conn).unwrap();
        conn.pragma_update(None, "user_version", VERSION + 1).unwrap();
        let refused = migrate(&conn).unwrap_err().to_string();
        assert!(refused.contains("newer cstar"), "{refused}");
        assert_eq!(version(&conn), VERSION + 1, "and left as it is");
    }

    #[test]
    fn a_foreign_file_is_refused() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE theirs (x)").unwrap();
        let refused = migrate(&conn).unwrap_err().to_string();
        assert!(refused.contains("not one of cstar's"), "{refused}");
    }
}
