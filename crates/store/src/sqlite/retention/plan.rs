//! Finding what is to go.

use cstar_types::Timestamp;
use rusqlite::OptionalExtension;

use crate::Cutoffs;
use crate::sqlite::fault::Fault;
use crate::sqlite::look::Look;
use crate::stored::place::Place;

const ERASING: &str = "SELECT number FROM teams WHERE state = 1 ORDER BY number LIMIT 1";
const OLDEST_DELIVERIES: &str = "SELECT place, created_ms, due_ms IS NULL FROM deliveries WHERE place > ?1 AND place <= ?2 ORDER BY place";
const OLDEST_EVENTS: &str =
    "SELECT place, committed_ms, id FROM events WHERE place > ?1 AND place <= ?2 ORDER BY place";
const OLD_KEY: &str = "SELECT 1 FROM idempotency WHERE used_ms < ?1 LIMIT 1";
const BARE_WEBHOOKS: &str = "SELECT number FROM webhooks w WHERE state = 3 AND NOT EXISTS
     (SELECT 1 FROM deliveries INDEXED BY deliveries_webhook WHERE webhook = w.number) LIMIT ?1";
const OLD_OPERATIONS: &str =
    "SELECT id FROM operations INDEXED BY operations_ended WHERE state <> 0 AND created_ms < ?1 LIMIT ?2";
const OLD_LINKS: &str =
    "SELECT digest FROM portal_links INDEXED BY portal_links_expiring WHERE expires_ms < ?1 LIMIT ?2";
const EXPIRED_KEYS: &str =
    "SELECT id FROM keys INDEXED BY keys_expiring WHERE expires_ms IS NOT NULL AND expires_ms < ?1 LIMIT ?2";
const IS_AWAITED: &str =
    "SELECT 1 FROM deliveries INDEXED BY deliveries_event WHERE event_id = ?1 AND due_ms IS NOT NULL LIMIT 1";

/// All of them are searched for, none reads what it does not want.
#[cfg(test)]
pub(in crate::sqlite) const SEARCHES: [&str; 9] = [
    ERASING,
    OLDEST_DELIVERIES,
    OLDEST_EVENTS,
    OLD_KEY,
    BARE_WEBHOOKS,
    OLD_OPERATIONS,
    OLD_LINKS,
    EXPIRED_KEYS,
    IS_AWAITED,
];

/// What is to be removed. Only places: the writer looks again.
#[derive(Debug, Default)]
pub(in crate::sqlite) struct Plan {
    /// A deleted team, of which as many rows go as were asked for.
    pub(super) erase: Option<i64>,
    pub(super) deliveries: Vec<Place>,
    /// Teams by number, and the count of the newest event to go.
    pub(super) events: Vec<(i64, u64)>,
    pub(super) idempotency_keys: bool,
    /// Deleted webhooks without deliveries.
    pub(super) webhooks: Vec<i64>,
    /// Operations that have ended.
    pub(super) operations: Vec<[u8; 16]>,
    /// Links and keys that have expired.
    pub(super) links: Vec<[u8; 32]>,
    pub(super) keys: Vec<[u8; 16]>,
    pub(super) rows: usize,
    /// Where the next plan should begin to look: the number of a team.
    pub(in crate::sqlite) stopped_at: i64,
}

impl Plan {
    pub(in crate::sqlite) const fn is_nothing(&self) -> bool {
        self.rows == 0
    }

    pub(in crate::sqlite) const fn rows(&self) -> usize {
        self.rows
    }
}

/// Finds about `rows` rows to remove, looking at teams in turn from the one numbered `from`.
pub(in crate::sqlite) fn plan(
    look: Look<'_>,
    cutoffs: Cutoffs,
    rows: usize,
    from: i64,
) -> Result<Plan, Fault> {
    let mut plan = Plan { stopped_at: from, ..Plan::default() };
    let mut erasing = look.conn.prepare_cached(ERASING)?;
    plan.erase = erasing.query_row((), |row| row.get(0)).optional()?;
    if plan.erase.is_some() {
        plan.rows = rows;
        return Ok(plan);
    }
    let mut teams = look.conn.prepare_cached(
        "SELECT number, removed_events FROM teams WHERE state = 0 AND number >= ?1 AND number < ?2 ORDER BY number",
    )?;
    for bounds in [[from, i64::MAX], [i64::MIN, from]] {
        let mut found = teams.query(bounds)?;
        while let Some(row) = found.next()? {
            if plan.rows >= rows {
                return Ok(plan);
            }
            plan.stopped_at = row.get(0)?;
            plan.old_deliveries(look, plan.stopped_at, cutoffs.deliveries, rows)?;
            plan.old_events(look, plan.stopped_at, row.get::<_, i64>(1)? as u64, cutoffs.events, rows)?;
        }
    }
    plan.old_keys_and_webhooks(look, cutoffs.idempotency_keys, rows)?;
    plan.old_operations(look, cutoffs.deliveries, rows)?;
    plan.expired(look, cutoffs, rows)?;
    Ok(plan)
}

impl Plan {
    fn old_deliveries(
        &mut self,
        look: Look<'_>,
        team: i64,
        cutoff: Timestamp,
        rows: usize,
    ) -> Result<(), Fault> {
        let mut oldest = look.conn.prepare_cached(OLDEST_DELIVERIES)?;
        let mut found = oldest.query([Place::before(team), Place::last(team)])?;
        while let Some(row) = found.next()? {
            if self.rows >= rows || row.get::<_, i64>(1)? >= cutoff.as_millis() {
                break;
            }
            if row.get(2)? {
                self.deliveries.push(row.get(0)?);
                self.rows += 1;
            }
        }
        Ok(())
    }

    fn old_events(
        &mut self,
        look: Look<'_>,
        team: i64,
        removed: u64,
        cutoff: Timestamp,
        rows: usize,
    ) -> Result<(), Fault> {
        let mut oldest = look.conn.prepare_cached(OLDEST_EVENTS)?;
        let mut found = oldest.query([Place::new(team, removed), Place::last(team)])?;
        let mut upto = None;
        while let Some(row) = found.next()? {
            let old = row.get::<_, i64>(1)? < cutoff.as_millis();
            if self.rows >= rows || !old || is_awaited(look, row.get(2)?)? {
                break;
            }
            upto = Some(row.get::<_, Place>(0)?.count());
            self.rows += 1;
        }
        self.events.extend(upto.map(|upto| (team, upto)));
        Ok(())
    }

    fn old_keys_and_webhooks(&mut self, look: Look<'_>, cutoff: Timestamp, rows: usize) -> Result<(), Fault> {
        let mut old = look.conn.prepare_cached(OLD_KEY)?;
        if self.rows < rows && old.exists([cutoff.as_millis()])? {
            self.idempotency_keys = true;
            self.rows = rows;
        }
        let mut bare = look.conn.prepare_cached(BARE_WEBHOOKS)?;
        let left = rows.saturating_sub(self.rows) as i64;
        self.webhooks = bare.query_map([left], |row| row.get(0))?.collect::<Result<_, _>>()?;
        self.rows += self.webhooks.len();
        Ok(())
    }

    fn old_operations(&mut self, look: Look<'_>, cutoff: Timestamp, rows: usize) -> Result<(), Fault> {
        let mut old = look.conn.prepare_cached(OLD_OPERATIONS)?;
        let bounds = [cutoff.as_millis(), rows.saturating_sub(self.rows) as i64];
        self.operations = old.query_map(bounds, |row| row.get(0))?.collect::<Result<_, _>>()?;
        self.rows += self.operations.len();
        Ok(())
    }

    fn expired(&mut self, look: Look<'_>, cutoffs: Cutoffs, rows: usize) -> Result<(), Fault> {
        let left = |plan: &Self| rows.saturating_sub(plan.rows) as i64;
        let mut old = look.conn.prepare_cached(OLD_LINKS)?;
        let bounds = [cutoffs.idempotency_keys.as_millis(), left(self)];
        self.links = old.query_map(bounds, |row| row.get(0))?.collect::<Result<_, _>>()?;
        self.rows += self.links.len();
        let mut old = look.conn.prepare_cached(EXPIRED_KEYS)?;
        let bounds = [cutoffs.deliveries.as_millis(), left(self)];
        self.keys = old.query_map(bounds, |row| row.get(0))?.collect::<Result<_, _>>()?;
        self.rows += self.keys.len();
        Ok(())
    }
}

/// Whether a delivery of this event has not ended.
pub(super) fn is_awaited(look: Look<'_>, event: [u8; 16]) -> Result<bool, Fault> {
    let mut waiting = look.conn.prepare_cached(IS_AWAITED)?;
    Ok(waiting.exists([event])?)
}
