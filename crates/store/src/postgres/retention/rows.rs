//! Removing row by row. Each row is looked at again by the statement that removes it: what was resent in between stays.

use cstar_types::{KeyId, TeamId, Timestamp};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::Cutoffs;
use crate::postgres::columns::team_id;
use crate::postgres::days::{Day, day_of};
use crate::postgres::fault::Fault;
use crate::postgres::tx::Tx;

/// The last day of which something was made before a time: no other is looked at.
fn day_before(cutoff: Timestamp) -> Day {
    day_of(cutoff.as_millis().saturating_sub(1))
}

/// A delivery, its attempts, and what may still stand of it among what waited once.
const OLD_DELIVERIES: &str = "WITH old AS MATERIALIZED (
         SELECT d.team, d.number, d.day FROM deliveries d JOIN webhooks w ON w.team = d.team AND w.id = d.webhook
         WHERE d.day <= $2 AND d.created_ms < $1 AND (d.due_ms IS NULL OR d.generation < w.generation)
         LIMIT $3 FOR UPDATE OF d SKIP LOCKED),
     tried AS (DELETE FROM attempts a USING old
               WHERE a.team = old.team AND a.delivery = old.number AND a.day = old.day RETURNING 1),
     waited AS (DELETE FROM due u USING old WHERE u.team = old.team AND u.number = old.number RETURNING 1),
     gone AS (DELETE FROM deliveries d USING old
              WHERE d.team = old.team AND d.number = old.number AND d.day = old.day RETURNING 1)
     SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM tried)";

/// Removes deliveries that have ended, with their attempts; answers how many rows.
pub(super) async fn old_deliveries(tx: &mut Tx, cutoff: Timestamp, rows: usize) -> Result<usize, Fault> {
    let bounds = [
        (&cutoff.as_millis() as _, Type::INT8),
        (&day_before(cutoff) as _, Type::INT4),
        (&(rows as i64) as _, Type::INT8),
    ];
    let row = tx.row(OLD_DELIVERIES, &bounds).await?;
    Ok(row.map_or(0, |row| row.get::<_, i64>(0) as usize))
}

/// The seq of a team's first event that waits to be delivered, under `awaited`: it stays, and those behind it (LOG-2, DLV-3).
macro_rules! awaited {
    () => {
        "CROSS JOIN LATERAL (
             SELECT coalesce(min(u.event), 9223372036854775807) AS awaited FROM due u
             JOIN webhooks w ON w.team = u.team AND w.id = u.webhook AND w.generation = u.generation
             WHERE u.team = t.number AND u.event >= 0) AS a"
    };
}

const TEAM: &str = concat!(
    "SELECT t.id FROM teams t ",
    awaited!(),
    " WHERE t.state = 0 AND EXISTS (
          SELECT 1 FROM events e WHERE e.team = t.number AND e.seq > t.removed_events AND e.seq < a.awaited
              AND e.day <= $2 AND e.committed_ms < $1)
      LIMIT 1"
);

pub(super) async fn team_with_old_events(tx: &Tx, cutoff: Timestamp) -> Result<Option<TeamId>, Fault> {
    let bounds = [(&cutoff.as_millis() as _, Type::INT8), (&day_before(cutoff) as _, Type::INT4)];
    Ok(tx.row(TEAM, &bounds).await?.map(|row| team_id(&row, "id")))
}

const OLD_EVENTS: &str = concat!(
    "WITH old AS MATERIALIZED (
         SELECT e.team, e.seq, e.day FROM teams t ",
    awaited!(),
    " JOIN events e ON e.team = t.number AND e.seq > t.removed_events AND e.seq < a.awaited
         WHERE t.number = $3 AND e.day <= $2 AND e.committed_ms < $1 ORDER BY e.seq LIMIT $4),
     gone AS (DELETE FROM events e USING old
              WHERE e.team = old.team AND e.seq = old.seq AND e.day = old.day RETURNING e.seq)
     SELECT count(*), max(seq) FROM gone"
);

/// Removes the oldest events of a team, up to the first that must stay (LOG-2); answers how many.
pub(super) async fn old_events(
    tx: &mut Tx,
    team: TeamId,
    cutoff: Timestamp,
    rows: usize,
) -> Result<usize, Fault> {
    let mut locked = tx.lock_all(&[team]).await?;
    let Some(head) = locked.remove(&team) else { return Ok(0) };
    let bounds = [
        (&cutoff.as_millis() as _, Type::INT8),
        (&day_before(cutoff) as _, Type::INT4),
        (&head.number as _, Type::INT8),
        (&(rows as i64) as _, Type::INT8),
    ];
    let Some(row) = tx.row(OLD_EVENTS, &bounds).await? else { return Ok(0) };
    let (removed, last): (i64, Option<i64>) = (row.get(0), row.get(1));
    if let Some(last) = last {
        let sql = "UPDATE teams SET removed_events = $2 WHERE number = $1";
        tx.run(sql, &[(&head.number, Type::INT8), (&last, Type::INT8)]).await?;
    }
    Ok(removed as usize)
}

/// Removes what no day holds: uses of idempotency keys, operations that have ended, what has expired, and deleted webhooks of
/// which no delivery tells any more.
pub(super) async fn others(tx: &mut Tx, cutoffs: Cutoffs, rows: usize) -> Result<usize, Fault> {
    const BY_TIME: [&str; 3] = [
        "DELETE FROM idempotency WHERE (team, key) IN
             (SELECT team, key FROM idempotency WHERE used_ms < $1 ORDER BY used_ms LIMIT $2)",
        "DELETE FROM operations WHERE id IN
             (SELECT id FROM operations WHERE state <> 0 AND created_ms < $1 LIMIT $2)",
        "DELETE FROM portal_links WHERE digest IN
             (SELECT digest FROM portal_links WHERE expires_ms < $1 ORDER BY expires_ms LIMIT $2)",
    ];
    let times = [cutoffs.idempotency_keys, cutoffs.deliveries, cutoffs.idempotency_keys];
    let mut removed = 0;
    for (sql, cutoff) in BY_TIME.iter().zip(times) {
        let left = rows.saturating_sub(removed) as i64;
        removed += tx.run(sql, &[(&cutoff.as_millis(), Type::INT8), (&left, Type::INT8)]).await? as usize;
    }
    removed += expired_keys(tx, cutoffs.deliveries, rows.saturating_sub(removed)).await?;
    bare_webhooks(tx, rows).await?;
    Ok(removed)
}

async fn expired_keys(tx: &mut Tx, cutoff: Timestamp, rows: usize) -> Result<usize, Fault> {
    let sql = "DELETE FROM keys WHERE id IN
                   (SELECT id FROM keys WHERE expires_ms < $1 ORDER BY expires_ms LIMIT $2) RETURNING id";
    let gone = tx.rows(sql, &[(&cutoff.as_millis(), Type::INT8), (&(rows as i64), Type::INT8)]).await?;
    tx.effects.keys.extend(gone.iter().map(|row| KeyId::from_bits(row.get::<_, Uuid>(0).as_u128())));
    Ok(gone.len())
}

async fn bare_webhooks(tx: &Tx, rows: usize) -> Result<(), Fault> {
    let sql = "WITH bare AS (
                   DELETE FROM webhooks w WHERE (w.team, w.id) IN (
                       SELECT b.team, b.id FROM webhooks b WHERE b.state = 3 AND NOT EXISTS
                           (SELECT 1 FROM deliveries d WHERE d.team = b.team AND d.webhook = b.id) LIMIT $1)
                   RETURNING w.team, w.id),
               causes AS (DELETE FROM cancellations c USING bare WHERE c.team = bare.team AND c.webhook = bare.id)
               DELETE FROM failures f USING bare WHERE f.team = bare.team AND f.webhook = bare.id";
    tx.run(sql, &[(&(rows as i64), Type::INT8)]).await.map(drop)
}

/// Removes about so many rows of a deleted team, those that others point to last.
pub(super) async fn erase(tx: &mut Tx, team: i64, rows: usize) -> Result<usize, Fault> {
    const OF_TEAM: [&str; 11] = [
        "due",
        "attempts",
        "deliveries",
        "events",
        "idempotency",
        "keys",
        "portal_links",
        "cancellations",
        "failures",
        "webhooks",
        "operations",
    ];
    let mut removed = 0;
    for table in OF_TEAM {
        if removed >= rows {
            return Ok(removed);
        }
        // A row is known by its place in its partition.
        let sql = format!(
            "DELETE FROM {table} WHERE team = $1 AND (tableoid, ctid) IN
                 (SELECT tableoid, ctid FROM {table} WHERE team = $1 LIMIT $2)"
        );
        let left = (rows - removed) as i64;
        removed += tx.run(&sql, &[(&team, Type::INT8), (&left, Type::INT8)]).await? as usize;
    }
    if removed < rows {
        let erased = "UPDATE teams SET state = 2, name = '' WHERE number = $1 AND state = 1";
        tx.run(erased, &[(&team, Type::INT8)]).await?;
    }
    Ok(removed.max(1))
}
