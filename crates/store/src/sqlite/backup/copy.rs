//! Copying the database into a file beside it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use cstar_types::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::file::Manifest;
use crate::StoreError;
use crate::sqlite::connection;
use crate::sqlite::fault::Fault;
use crate::sqlite::open::FILE;

/// Where the copy stands while it is made.
pub(in crate::sqlite) const PART: &str = "backup.part";
/// SQLite's steps between two looks at whether to go on: well under a millisecond of work.
const STEPS: i32 = 2_000;

/// A copy, whole and without a name: it is gone once this is dropped.
pub(super) struct Copied {
    pub(super) file: File,
    pub(super) manifest: Manifest,
}

/// Copies the database as it stands now. `stops` is asked again and again whether to stop.
pub(super) fn copy(
    dir: &Path,
    now: Timestamp,
    stops: impl FnMut() -> bool + Send + 'static,
) -> Result<Copied, Fault> {
    remove_part(dir).map_err(|error| cannot_write(dir, &error))?;
    let part = dir.join(PART);
    let name = part.to_str().ok_or_else(|| {
        StoreError::Unusable(format!("the name of the data directory {} must be UTF-8", dir.display()))
    })?;
    let copied = vacuum(&dir.join(FILE), name, stops).and_then(|()| describe(&part, now));
    let removed = remove_part(dir);
    let copied = copied?;
    removed.map_err(|error| cannot_write(dir, &error))?;
    Ok(copied)
}

fn vacuum(database: &Path, part: &str, stops: impl FnMut() -> bool + Send + 'static) -> Result<(), Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(database, flags)?;
    connection::prepare_copier(&conn)?;
    conn.progress_handler(STEPS, Some(stops))?;
    conn.execute("VACUUM INTO ?1", [part])?;
    Ok(())
}

/// Asks the copy itself what it is, and keeps it open.
fn describe(part: &Path, now: Timestamp) -> Result<Copied, Fault> {
    let file = File::open(part).map_err(|error| cannot_write(part, &error))?;
    let database_bytes = file.metadata().map_err(|error| cannot_write(part, &error))?.len();
    let conn = Connection::open_with_flags(part, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok(Copied { file, manifest: Manifest::of(&conn, database_bytes, now)? })
}

/// Removes what an earlier life may have left of a copy.
pub(in crate::sqlite) fn remove_part(dir: &Path) -> io::Result<()> {
    for name in [PART.to_owned(), format!("{PART}-journal")] {
        match fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn cannot_write(path: &Path, error: &io::Error) -> Fault {
    StoreError::Unusable(format!("cannot copy the database: {}: {error}", path.display())).into()
}
