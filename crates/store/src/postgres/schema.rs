//! The shape of the database, and how an older one becomes the present one.

use super::fault::Fault;
use super::pool::Link;
use crate::StoreError;

/// Each brings the database from the version of its place to the next, in one transaction. What was released is never changed
/// here, only followed.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_begin.sql")];

/// In an empty database.
const BEGIN: &str =
    "CREATE TABLE cstar_format (version integer NOT NULL); INSERT INTO cstar_format VALUES (0)";

/// Held by whoever migrates, to the end of the transaction: nodes may start together.
const LOCK: i64 = 0x6353_7461; // "cSta"

/// Brings the database to the present version, or says why that cannot be.
pub(super) async fn migrate(link: &Link) -> Result<(), Fault> {
    follow(link, MIGRATIONS).await
}

/// The present version.
pub(super) fn newest() -> u32 {
    MIGRATIONS.len() as u32
}

/// What makes the tables in an empty database, as a script.
pub(super) fn script() -> String {
    let make = format!("{BEGIN};\n{}", MIGRATIONS.join("\n"));
    format!("{make}\nUPDATE cstar_format SET version = {};", MIGRATIONS.len())
}

/// Begins a transaction in which an empty database has the tables of the present version; what holds anything is refused.
pub(super) async fn begin_empty(link: &Link) -> Result<(), Fault> {
    link.script(&format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})")).await?;
    if version(link).await?.is_some() {
        return Err(StoreError::Unusable(
            "the database holds a store of cstar's already: give an empty one, or, if it is there by an earlier move, go on with it"
                .to_owned(),
        )
        .into());
    }
    begin(link).await?;
    link.script(&MIGRATIONS.join("\n")).await?;
    link.script(&format!("UPDATE cstar_format SET version = {}", MIGRATIONS.len())).await
}

async fn follow(link: &Link, migrations: &[&str]) -> Result<(), Fault> {
    let newest = migrations.len();
    if version(link).await? == Some(newest) {
        return Ok(()); // as on every start but the first of a version: nothing is locked
    }
    let migrated = follow_locked(link, migrations).await;
    if migrated.is_err() {
        link.script("ROLLBACK").await?;
    }
    migrated
}

async fn follow_locked(link: &Link, migrations: &[&str]) -> Result<(), Fault> {
    link.script(&format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})")).await?;
    let newest = migrations.len();
    let version = match version(link).await? {
        Some(version) => version,
        None => begin(link).await?,
    };
    if version > newest {
        return Err(StoreError::Unusable(format!(
            "the database was written by a newer cstar (format {version}; this one knows {newest}): run that version or a \
             later one"
        ))
        .into());
    }
    for (from, migration) in migrations.iter().enumerate().skip(version) {
        let to = from + 1;
        link.script(&format!("{migration}\nUPDATE cstar_format SET version = {to}")).await?;
        tracing::info!(format = to, "database migrated");
    }
    link.commit().await
}

/// The version that the database has, if it is ours.
async fn version(link: &Link) -> Result<Option<usize>, Fault> {
    // Not by `to_regclass`, which may remember from before the lock that there was none.
    let ours = "SELECT 1 FROM pg_catalog.pg_class
         WHERE relname = 'cstar_format' AND relnamespace = current_schema()::regnamespace";
    if link.row(ours, &[]).await?.is_none() {
        return Ok(None);
    }
    let row = link.row("SELECT version FROM cstar_format", &[]).await?;
    Ok(row.map(|row| row.get::<_, i32>(0) as usize))
}

/// Takes a database that is empty.
async fn begin(link: &Link) -> Result<usize, Fault> {
    let other =
        "SELECT 1 FROM pg_catalog.pg_class WHERE relnamespace = current_schema()::regnamespace LIMIT 1";
    if link.row(other, &[]).await?.is_some() {
        return Err(StoreError::Unusable(
            "the database holds tables that are not cstar's: give the store a database of its own".to_owned(),
        )
        .into());
    }
    link.script(BEGIN).await?;
    Ok(0)
}
