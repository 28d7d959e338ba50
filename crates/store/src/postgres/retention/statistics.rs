//! What the database knows of the large tables, kept fresh: it looks at partitions by itself, and never at the tables that they are of.

use crate::StoreError;
use crate::postgres::days::PARENTS;
use crate::postgres::fault::Fault;
use crate::postgres::store::Postgres;

/// Answers a row to one node a day.
const TODAY: &str = "INSERT INTO meta (name, value)
     VALUES ('analyzed', int4send(floor(extract(epoch FROM now()) / 86400)::integer))
     ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE meta.value < excluded.value RETURNING 1";

/// Has the tables looked at, once a day.
pub(super) async fn refresh(store: &Postgres) -> Result<(), StoreError> {
    let claimed = {
        let link = store.open.connections.get().await.map_err(Fault::from)?;
        link.row(TODAY, &[]).await?.is_some()
    };
    if claimed {
        for parent in PARENTS {
            super::days::alone(store, &format!("ANALYZE {parent}")).await?;
        }
    }
    Ok(())
}
