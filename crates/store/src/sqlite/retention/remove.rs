//! Removing it.

use cstar_types::KeyId;
use rusqlite::{OptionalExtension, params};

use super::Plan;
use super::plan::is_awaited;
use crate::Cutoffs;
use crate::sqlite::fault::Fault;
use crate::sqlite::look::Look;
use crate::sqlite::team_rows::TeamState;
use crate::sqlite::tx::Tx;
use crate::stored::place::Place;

/// Removes what the plan names and is still to go; answers how many rows of events, deliveries, attempts, keys
/// and operations.
pub(in crate::sqlite) fn remove(tx: &mut Tx<'_>, plan: &Plan, cutoffs: Cutoffs) -> Result<usize, Fault> {
    let look = tx.look();
    if let Some(team) = plan.erase {
        tx.memory.forget_generations();
        tx.memory.failed.forget_webhooks(|_| true); // which are the team's is not asked: some are told early
        return erase(look, team, plan.rows);
    }
    let mut removed = 0;
    for place in &plan.deliveries {
        let old =
            "SELECT last_attempt FROM deliveries WHERE place = ?1 AND due_ms IS NULL AND created_ms < ?2";
        let mut old = look.conn.prepare_cached(old)?;
        let last =
            old.query_row(params![place, cutoffs.deliveries.as_millis()], |row| row.get(0)).optional()?;
        if let Some(last_attempt) = last {
            removed += remove_delivery(look, *place, last_attempt)?;
        }
    }
    note_removed_deliveries(look, &plan.deliveries)?;
    for (team, upto) in &plan.events {
        removed += remove_events(look, *team, *upto)?;
    }
    if plan.idempotency_keys {
        let mut old = look.conn.prepare_cached(
            "DELETE FROM idempotency WHERE (team, key) IN
                 (SELECT team, key FROM idempotency WHERE used_ms < ?1 ORDER BY used_ms LIMIT ?2)",
        )?;
        removed += old.execute(params![
            cutoffs.idempotency_keys.as_millis(),
            (plan.rows - removed.min(plan.rows)) as i64
        ])?;
    }
    if !plan.webhooks.is_empty() {
        tx.memory.forget_generations();
        tx.memory.failed.forget_webhooks(|number| plan.webhooks.contains(number));
        let mut bare = look.conn.prepare_cached("DELETE FROM webhooks WHERE number = ?1 AND state = 3")?;
        let mut causes = look.conn.prepare_cached("DELETE FROM cancellations WHERE webhook = ?1")?;
        let mut failures = look.conn.prepare_cached("DELETE FROM failures WHERE webhook = ?1")?;
        for number in &plan.webhooks {
            if bare.execute([number])? > 0 {
                causes.execute([number])?;
                failures.execute([number])?; // of an attempt that ended after it was deleted
            }
        }
    }
    let mut ended = look.conn.prepare_cached("DELETE FROM operations WHERE id = ?1 AND state <> 0")?;
    for id in &plan.operations {
        removed += ended.execute([id])?;
    }
    Ok(removed + remove_expired(tx, plan)?)
}

/// Removes links and keys: an end that has passed stays.
fn remove_expired(tx: &mut Tx<'_>, plan: &Plan) -> Result<usize, Fault> {
    let look = tx.look();
    let mut removed = 0;
    let mut link = look.conn.prepare_cached("DELETE FROM portal_links WHERE digest = ?1")?;
    for digest in &plan.links {
        removed += link.execute([digest])?;
    }
    let mut key = look.conn.prepare_cached("DELETE FROM keys WHERE id = ?1")?;
    for id in &plan.keys {
        removed += key.execute([id])?;
        tx.effects.keys.push(KeyId::from_bits(u128::from_be_bytes(*id)));
    }
    Ok(removed)
}

/// Removes a delivery and its attempts; answers how many rows.
fn remove_delivery(look: Look<'_>, place: Place, last_attempt: Option<i64>) -> Result<usize, Fault> {
    let mut attempt =
        look.conn.prepare_cached("DELETE FROM attempts WHERE number = ?1 RETURNING previous")?;
    let mut next = last_attempt;
    let mut removed = 0;
    while let Some(number) = next {
        next = attempt.query_row([number], |row| row.get(0)).optional()?.flatten();
        removed += 1;
    }
    Ok(removed + look.conn.prepare_cached("DELETE FROM deliveries WHERE place = ?1")?.execute([place])?)
}

/// Counts of deliveries are never given twice, so the highest one that is gone is remembered.
fn note_removed_deliveries(look: Look<'_>, places: &[Place]) -> Result<(), Fault> {
    for of_team in places.chunk_by(|one, next| one.team() == next.team()) {
        let Some(highest) = of_team.iter().max() else { continue };
        let mut team = look.team_numbered(highest.team())?;
        if team.removed_deliveries < highest.count() {
            team.removed_deliveries = highest.count();
            team.save(look)?;
        }
    }
    Ok(())
}

/// Removes the oldest events of a team, up to one; positions have no holes, so the first that must stay ends it (LOG-2).
fn remove_events(look: Look<'_>, team: i64, upto: u64) -> Result<usize, Fault> {
    let mut team = look.team_numbered(team)?;
    let mut oldest = look.conn.prepare_cached("SELECT id, committed_ms FROM events WHERE place = ?1")?;
    let mut remove = look.conn.prepare_cached("DELETE FROM events WHERE place = ?1")?;
    let mut removed = 0;
    for count in team.removed_events + 1..=upto {
        let place = Place::new(team.number, count);
        let row = oldest.query_row([place], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (id, committed_ms) = row.ok_or_else(|| Fault::missing_event(team.team.id, count))?;
        if is_awaited(look, id)? {
            break;
        }
        remove.execute([place])?;
        team.removed_events = count;
        team.removed_ms = team.removed_ms.max(committed_ms);
        removed += 1;
    }
    if removed > 0 {
        team.save(look)?;
    }
    Ok(removed)
}

/// Removes about so many rows of a deleted team, those that others point to last.
fn erase(look: Look<'_>, team: i64, rows: usize) -> Result<usize, Fault> {
    let mut removed = 0;
    let (low, high) = (Place::before(team), Place::last(team));
    let mut deliveries = look.conn.prepare_cached(
        "SELECT place, last_attempt FROM deliveries WHERE place > ?1 AND place <= ?2 LIMIT ?3",
    )?;
    let found =
        deliveries.query_map(params![low, high, rows as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (place, last_attempt) in found.collect::<Result<Vec<_>, _>>()? {
        if removed >= rows {
            return Ok(removed);
        }
        removed += remove_delivery(look, place, last_attempt)?;
    }
    let events = "DELETE FROM events WHERE place IN (SELECT place FROM events WHERE place > ?1 AND place <= ?2 LIMIT ?3)";
    if removed < rows {
        removed += look.conn.prepare_cached(events)?.execute(params![low, high, (rows - removed) as i64])?;
    }
    let of_team = [
        "DELETE FROM idempotency WHERE team = ?1 AND key IN (SELECT key FROM idempotency WHERE team = ?1 LIMIT ?2)",
        "DELETE FROM keys WHERE id IN (SELECT id FROM keys WHERE team = ?1 LIMIT ?2)",
        "DELETE FROM portal_links WHERE digest IN (SELECT digest FROM portal_links WHERE team = ?1 LIMIT ?2)",
        "DELETE FROM cancellations WHERE (webhook, generation) IN
             (SELECT c.webhook, c.generation FROM webhooks w JOIN cancellations c ON c.webhook = w.number
              WHERE w.team = ?1 LIMIT ?2)",
        "DELETE FROM failures WHERE webhook IN
             (SELECT f.webhook FROM webhooks w JOIN failures f ON f.webhook = w.number WHERE w.team = ?1 LIMIT ?2)",
        "DELETE FROM webhooks WHERE number IN (SELECT number FROM webhooks WHERE team = ?1 LIMIT ?2)",
        "DELETE FROM operations WHERE id IN (SELECT id FROM operations WHERE team = ?1 LIMIT ?2)",
    ];
    for sql in of_team {
        if removed < rows {
            removed += look.conn.prepare_cached(sql)?.execute(params![team, (rows - removed) as i64])?;
        }
    }
    if removed < rows {
        let mut team = look.team_numbered(team)?;
        team.state = TeamState::Erased;
        team.team.name.clear();
        team.save(look)?;
    }
    Ok(removed)
}
