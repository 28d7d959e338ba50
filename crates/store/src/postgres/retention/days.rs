//! Removing whole days with their partitions.
//!
//! A partition is detached before it is looked at for the last time: then nobody writes to it, and what was resent at the last
//! moment is seen. Detaching holds up no reader and no writer. A removal that was cut short is found by the next one: of a
//! partition that is not attached it is finished, or it is attached again if something of it waits.

use cstar_types::Timestamp;
use tokio_postgres::types::Type;

use crate::postgres::days::{Day, day_at};
use crate::postgres::fault::Fault;
use crate::postgres::store::Postgres;
use crate::postgres::tx::{Tx, change, read};
use crate::{Cutoffs, StoreError};

/// A partition.
#[derive(Debug, Clone)]
struct Part {
    /// Of which table.
    parent: String,
    name: String,
    day: Day,
    attached: Attached,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attached {
    Yes,
    /// Detaching it was cut short.
    Leaving,
    No,
}

const PARTS: &str = r"SELECT substring(c.relname FROM '^[a-z]+') AS parent, c.relname::text AS name,
       to_date(right(c.relname, 8), 'YYYYMMDD') - date 'epoch' AS day, i.inhdetachpending AS leaving
     FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
     WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
         AND c.relname ~ '^(events|deliveries|attempts)_[0-9]{8}$' ORDER BY day, parent DESC";

/// Removes the first day that can go, of one table or the other; answers about how many rows it held, and 0 if none can.
pub(super) async fn remove(store: &Postgres, cutoffs: Cutoffs) -> Result<usize, StoreError> {
    let parts: Result<Vec<Part>, StoreError> = read!(store, |tx| parts(&tx));
    let parts = parts?;
    for part in parts.iter().filter(|part| part.attached != Attached::Yes && part.parent != "events") {
        // Its removal did not come to its end, and since then something of it was resent, or more is kept.
        if part.day >= day_at(cutoffs.deliveries) || something_waits(store, part.day).await? {
            attach(store, part).await?;
        }
    }
    let old_days = |tables: &[&str], cutoff: Timestamp| {
        let of_tables = parts.iter().filter(|part| tables.contains(&part.parent.as_str()));
        let old = of_tables.filter(|part| part.day < day_at(cutoff)).cloned();
        old.collect::<Vec<_>>()
    };
    let deliveries = old_days(&["deliveries", "attempts"], cutoffs.deliveries);
    let days: std::collections::BTreeSet<Day> = deliveries.iter().map(|part| part.day).collect();
    for day in days {
        if !something_waits(store, day).await? {
            let of_day = deliveries.iter().filter(|part| part.day == day);
            return drop_all(store, of_day).await;
        }
    }
    // Only ever the oldest: positions have no holes (LOG-2).
    let Some(oldest) = old_days(&["events"], cutoffs.events).into_iter().next() else { return Ok(0) };
    let passing = oldest.clone();
    if oldest.attached == Attached::Yes && !change!(store, [], |tx| pass_day(&mut tx, &passing))? {
        return Ok(0);
    }
    drop_all(store, [&oldest].into_iter()).await
}

async fn parts(tx: &Tx) -> Result<Vec<Part>, Fault> {
    let rows = tx.rows(PARTS, &[]).await?;
    let part = |row: &tokio_postgres::Row| Part {
        parent: row.get("parent"),
        name: row.get("name"),
        day: row.get("day"),
        attached: match row.get("leaving") {
            Some(false) => Attached::Yes,
            Some(true) => Attached::Leaving,
            None => Attached::No,
        },
    };
    Ok(rows.iter().map(part).collect())
}

/// Whether a delivery that was made on this day waits.
async fn something_waits(store: &Postgres, day: Day) -> Result<bool, StoreError> {
    read!(store, |tx| waits(&tx, day))
}

async fn waits(tx: &Tx, day: Day) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM due u JOIN teams t ON t.number = u.team AND t.state = 0
               JOIN webhooks w ON w.team = u.team AND w.id = u.webhook AND w.generation = u.generation
               WHERE u.day = $1 LIMIT 1";
    Ok(tx.row(sql, &[(&day, Type::INT4)]).await?.is_some())
}

/// Notes that the events of a day are gone, if none of them waits to be delivered. The teams are locked first: from then on
/// nobody can ask for one of them.
async fn pass_day(tx: &mut Tx, part: &Part) -> Result<bool, Fault> {
    let name = &part.name;
    tx.rows(
        &format!(
            "SELECT 1 FROM teams t WHERE EXISTS (SELECT 1 FROM {name} e WHERE e.team = t.number)
             ORDER BY t.number = 0, t.number FOR NO KEY UPDATE"
        ),
        &[],
    )
    .await?;
    let awaited = "SELECT 1 FROM due u JOIN teams t ON t.number = u.team AND t.state = 0
         JOIN webhooks w ON w.team = u.team AND w.id = u.webhook AND w.generation = u.generation
         JOIN deliveries d ON d.team = u.team AND d.number = u.number AND d.day = u.day
         WHERE d.event_day <= $1 LIMIT 1";
    if tx.row(awaited, &[(&part.day, Type::INT4)]).await?.is_some() {
        return Ok(false);
    }
    // One look into the index for each team, however many events the day has.
    let passed = format!(
        "UPDATE teams t SET removed_events = greatest(t.removed_events, gone.last)
         FROM (SELECT n.number, (SELECT max(e.seq) FROM {name} e WHERE e.team = n.number) AS last FROM teams n) AS gone
         WHERE t.number = gone.number AND gone.last IS NOT NULL"
    );
    tx.run(&passed, &[]).await?;
    Ok(true)
}

/// Detaches and removes partitions of one day; answers about how many rows they held.
async fn drop_all<'p>(
    store: &Postgres,
    parts: impl Iterator<Item = &'p Part> + Send,
) -> Result<usize, StoreError> {
    let mut rows = 0;
    for part in parts {
        detach(store, part).await?;
        let detached = Part { attached: Attached::No, ..part.clone() };
        if part.parent != "events" && something_waits(store, part.day).await? {
            // Something of it was resent at the last moment.
            attach(store, &detached).await?;
            continue;
        }
        rows += change!(store, [], |tx| finish(&mut tx, &detached))?;
        tracing::info!(table = %part.name, "a day was removed");
    }
    Ok(rows)
}

/// Takes a partition from its table.
async fn detach(store: &Postgres, Part { parent, name, attached, .. }: &Part) -> Result<(), StoreError> {
    let way = match attached {
        Attached::Yes => "CONCURRENTLY",
        Attached::Leaving => "FINALIZE",
        Attached::No => return Ok(()),
    };
    alone(store, &format!("ALTER TABLE {parent} DETACH PARTITION {name} {way}")).await
}

/// Gives its table back what is not, or not quite, attached.
async fn attach(store: &Postgres, part: &Part) -> Result<(), StoreError> {
    detach(store, part).await?;
    let Part { parent, name, day, .. } = part;
    let to = i64::from(*day) + 1;
    let sql = format!("ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES FROM ({day}) TO ({to})");
    alone(store, &sql).await
}

/// Removes a partition that is detached, and what is left among what waits of what is cancelled.
async fn finish(tx: &mut Tx, part: &Part) -> Result<usize, Fault> {
    let counted = "SELECT greatest(reltuples, 1)::bigint FROM pg_class WHERE oid = to_regclass($1)";
    let Some(row) = tx.row(counted, &[(&part.name, Type::TEXT)]).await? else { return Ok(1) };
    if part.parent == "deliveries" {
        tx.run("DELETE FROM due WHERE day = $1", &[(&part.day, Type::INT4)]).await?;
    }
    tx.run(&format!("DROP TABLE {}", part.name), &[]).await?;
    tx.open.days.forget();
    Ok(row.get::<_, i64>(0) as usize)
}

/// One statement in a transaction of its own, which it must be alone in.
pub(super) async fn alone(store: &Postgres, sql: &str) -> Result<(), StoreError> {
    let link = store.open.connections.get().await.map_err(Fault::from)?;
    link.script(sql).await.map_err(StoreError::from)
}
