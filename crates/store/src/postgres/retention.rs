//! Removing what is old, and what belonged to deleted teams.
//!
//! The large tables are cut by days: a day that is old as a whole, and of which nothing waits, goes with its partitions (`days`),
//! which costs nothing however much it held. What is old of other days goes row by row (`rows`), in short transactions. By
//! default times are rounded to days, so that only days with something that waits are left for that.

mod days;
mod rows;
mod statistics;

use cstar_types::Timestamp;

use super::cancel;
use super::fault::Fault;
use super::store::Postgres;
use super::tx::{Tx, change, read};
use crate::{Cutoffs, StoreError};

/// Removes about so many rows, or a whole day; answers how many. 0 if nothing is left to remove.
pub(super) async fn remove_old(store: &Postgres, cutoffs: Cutoffs, rows: usize) -> Result<usize, StoreError> {
    let grain = store.open.removal_grain.as_millis().max(1) as i64;
    let rounded = |at: Timestamp| Timestamp::from_millis(at.as_millis().div_euclid(grain) * grain);
    let cutoffs = Cutoffs {
        events: rounded(cutoffs.events),
        deliveries: rounded(cutoffs.deliveries),
        idempotency_keys: cutoffs.idempotency_keys,
    };
    let cancelled = change!(store, [], |tx| cancel::go_on(&mut tx))?;
    if cancelled > 0 {
        return Ok(cancelled as usize);
    }
    if let Some(team) = erasing(store).await? {
        return change!(store, [], |tx| rows::erase(&mut tx, team, rows));
    }
    match days::remove(store, cutoffs).await? {
        0 => {}
        removed => return Ok(removed),
    }
    let mut removed = change!(store, [], |tx| rows::old_deliveries(&mut tx, cutoffs.deliveries, rows))?;
    while removed < rows {
        let Some(team) = with_old_events(store, cutoffs.events).await? else { break };
        let left = rows - removed;
        removed += change!(store, [team], |tx| rows::old_events(&mut tx, team, cutoffs.events, left))?;
    }
    if removed < rows {
        removed += change!(store, [], |tx| rows::others(&mut tx, cutoffs, rows - removed))?;
    }
    if removed == 0 {
        statistics::refresh(store).await?;
    }
    Ok(removed)
}

/// A deleted team of which something may be left.
async fn erasing(store: &Postgres) -> Result<Option<i64>, StoreError> {
    read!(store, |tx| one(&tx, "SELECT number FROM teams WHERE state = 1 ORDER BY number LIMIT 1"))
}

async fn one(tx: &Tx, sql: &str) -> Result<Option<i64>, Fault> {
    Ok(tx.row(sql, &[]).await?.map(|row| row.get(0)))
}

/// A team of which an event can be removed.
async fn with_old_events(
    store: &Postgres,
    cutoff: Timestamp,
) -> Result<Option<cstar_types::TeamId>, StoreError> {
    read!(store, |tx| rows::team_with_old_events(&tx, cutoff))
}
