//! The database's clock, which all nodes have in common: one whose own is wrong removes nothing for the others.

use cstar_types::Timestamp;
use tokio_postgres::types::Type;

use super::fault::Fault;
use super::store::Postgres;
use crate::SharedClock;

const READ: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
     (SELECT value FROM meta WHERE name = 'retention')";

/// What it says, and where that of retention stood.
pub(super) async fn read(store: &Postgres) -> Result<SharedClock, Fault> {
    let link = store.open.connections.get().await?;
    let row = link.row(READ, &[]).await?.ok_or_else(|| Fault::damaged("meta", "retention"))?;
    let noted = row.get::<_, Option<Vec<u8>>>(1).map(<[u8; 8]>::try_from).transpose();
    let noted = noted.map_err(|_| Fault::damaged("meta", "retention"))?;
    Ok(SharedClock {
        now: Timestamp::from_millis(row.get(0)),
        noted: noted.map(|ms| Timestamp::from_millis(i64::from_be_bytes(ms))),
    })
}

/// Notes where that of retention stands.
pub(super) async fn note(store: &Postgres, at: Timestamp) -> Result<(), Fault> {
    let sql = "INSERT INTO meta (name, value) VALUES ('retention', int8send($1))
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    let link = store.open.connections.get().await?;
    link.run(sql, &[(&at.as_millis(), Type::INT8)]).await.map(drop)
}
