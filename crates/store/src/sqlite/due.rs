//! What is due.

use std::ops::ControlFlow;
use std::sync::Arc;

use cstar_types::{Timestamp, WebhookId};
use rusqlite::{OptionalExtension, params};

use super::delivery_rows::{DeliveryRow, select_deliveries};
use super::fault::Fault;
use super::look::Look;
use super::webhook_rows::WebhookRow;
use crate::stored::place::Place;
use crate::{Due, DueSlice, LaneRule};

/// The bodies of one slice, in bytes: several webhooks load at once. More than one webhook has in flight, so that a slice
/// seldom holds nothing but what its caller knows; with results that are long in coming it may.
pub(super) const SLICE_BYTES: usize = 16 << 20;

/// Webhooks that get anything.
pub(super) const ENABLED: &str =
    "SELECT w.number, w.id, w.generation FROM webhooks w JOIN teams t ON t.number = w.team AND t.state = 0
     WHERE w.state = 0 ORDER BY w.id";

/// When the first of a webhook's deliveries is due.
pub(super) const FIRST_DUE: &str = "SELECT due_ms FROM deliveries INDEXED BY deliveries_due
     WHERE webhook = ?1 AND generation = ?2 AND due_ms IS NOT NULL ORDER BY due_ms LIMIT 1";

/// What waits for a webhook, the longest due first. Read for as long as more is wanted: it has no `LIMIT`, since rows
/// that are damaged do not count.
pub(super) const WAITING: &str = select_deliveries!(
    "INDEXED BY deliveries_due WHERE webhook = ?1 AND generation = ?2 AND due_ms IS NOT NULL ORDER BY due_ms, place"
);

/// The same by the places of their events, behind the one at a place. All that waits for the webhook is looked at, and so
/// many are kept: an index in that order would cost every delivery of every webhook, and a webhook that takes one at a time
/// asks seldom.
pub(super) const WAITING_IN_ORDER: &str = "SELECT event, place FROM deliveries INDEXED BY deliveries_due
     WHERE webhook = ?1 AND generation = ?2 AND due_ms IS NOT NULL AND (event, place) > (?3, ?4)
     ORDER BY event, place LIMIT ?5";

impl Look<'_> {
    /// Every webhook for which something waits, and when its first is due: one look into the index for each.
    pub(super) fn lanes(&self) -> Result<Vec<(WebhookId, Timestamp)>, Fault> {
        let mut enabled = self.conn.prepare_cached(ENABLED)?;
        let mut first = self.conn.prepare_cached(FIRST_DUE)?;
        let mut lanes = Vec::new();
        let mut rows = enabled.query(())?;
        while let Some(row) = rows.next()? {
            let (number, generation): (i64, i64) = (row.get(0)?, row.get(2)?);
            let due = first.query_row([number, generation], |row| row.get::<_, i64>(0)).optional()?;
            if let Some(due) = due {
                let id = WebhookId::from_bits(u128::from_be_bytes(row.get(1)?));
                lanes.push((id, Timestamp::from_millis(due)));
            }
        }
        Ok(lanes)
    }

    /// What is due for a webhook: the longest due first, or in the log's order. What is damaged is said and left out
    /// (LOG-3): it must not hold up the others.
    pub(super) fn due(&self, webhook: WebhookId, now: Timestamp, limit: usize) -> Result<DueSlice, Fault> {
        let known = self.any_webhook(webhook)?.filter(|row| !row.deleted);
        let Some(webhook) = known else { return Ok(DueSlice::default()) };
        let rule = LaneRule::of(&webhook.webhook);
        let slice = DueSlice { rule, ..DueSlice::default() };
        let mut slicing = Slicing { look: *self, webhook: &webhook, now, limit, bytes: 0, slice };
        if rule.ordered {
            self.due_in_order(&mut slicing)?;
        } else {
            let mut waiting = self.conn.prepare_cached(WAITING)?;
            let mut rows = waiting.query([webhook.number, webhook.generation])?;
            while let Some(row) = rows.next()? {
                if slicing.take(DeliveryRow::read(row))?.is_break() {
                    break;
                }
            }
        }
        Ok(slicing.slice)
    }

    /// Looks at each that waits, keeps as many as are asked for, the first of the log first, and reads those; again behind
    /// them for as long as damaged ones take the room of others.
    fn due_in_order(&self, slicing: &mut Slicing<'_>) -> Result<(), Fault> {
        let mut waiting = self.conn.prepare_cached(WAITING_IN_ORDER)?;
        let mut at = self.conn.prepare_cached(select_deliveries!("WHERE place = ?1"))?;
        let asked = slicing.limit.saturating_add(1);
        let WebhookRow { number, generation, .. } = *slicing.webhook;
        let mut behind = (Place::from_bits(0), Place::from_bits(0));
        loop {
            let from = params![number, generation, behind.0, behind.1, asked as i64];
            let places = waiting.query_map(from, |row| Ok((row.get(0)?, row.get(1)?)))?;
            let places: Vec<(Place, Place)> = places.collect::<Result<_, _>>()?;
            for (_, place) in &places {
                let row = at.query_row([place], |row| Ok(DeliveryRow::read(row)))?;
                if slicing.take(row)?.is_break() {
                    return Ok(());
                }
            }
            match places.last() {
                Some(last) if places.len() == asked => behind = *last,
                _ => return Ok(()),
            }
        }
    }

    fn due_row(&self, webhook: &WebhookRow, row: &DeliveryRow, due_at: Timestamp) -> Result<Due, Fault> {
        let entry = self.entry_at(webhook.webhook.team, row.event)?;
        let entry = entry.ok_or_else(|| Fault::missing_event(webhook.webhook.team, row.event.count()))?;
        Ok(Due {
            id: row.id(),
            webhook: webhook.webhook.id,
            entry: Arc::new(entry),
            attempts: row.attempts,
            failed: row.failed,
            due_at,
            rule: LaneRule::of(&webhook.webhook),
        })
    }
}

/// A slice as far as it has come.
struct Slicing<'a> {
    look: Look<'a>,
    webhook: &'a WebhookRow,
    now: Timestamp,
    limit: usize,
    bytes: usize,
    slice: DueSlice,
}

impl Slicing<'_> {
    /// Takes the next that waits, or ends before it.
    fn take(&mut self, row: Result<DeliveryRow, Fault>) -> Result<ControlFlow<()>, Fault> {
        let read = row.and_then(|row| {
            let due_at = Timestamp::from_millis(row.due_ms.unwrap_or_default());
            if due_at > self.now || self.slice.due.len() == self.limit || self.bytes >= SLICE_BYTES {
                return Ok(ControlFlow::Break(due_at));
            }
            self.look.due_row(self.webhook, &row, due_at).map(ControlFlow::Continue)
        });
        match read {
            Ok(ControlFlow::Continue(due)) => {
                self.bytes += due.entry.event.body.len();
                self.slice.due.push(due);
            }
            Ok(ControlFlow::Break(next)) => {
                self.slice.next = Some(next);
                return Ok(ControlFlow::Break(()));
            }
            Err(Fault::Damaged(what)) => {
                let webhook = self.webhook.webhook.id;
                tracing::error!(%webhook, %what, "a delivery that is due is left out");
            }
            Err(fault) => return Err(fault),
        }
        Ok(ControlFlow::Continue(()))
    }
}
