//! What is due.

use std::ops::ControlFlow;
use std::sync::Arc;

use cstar_types::{Timestamp, WebhookId};
use rusqlite::OptionalExtension;

use super::delivery_rows::{DeliveryRow, select_deliveries};
use super::fault::Fault;
use super::look::Look;
use super::webhook_rows::WebhookRow;
use crate::{Due, DueSlice};

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

    /// What is due for a webhook, the longest due first. What is damaged is said and left out (LOG-3): it must not hold
    /// up the others.
    pub(super) fn due(&self, webhook: WebhookId, now: Timestamp, limit: usize) -> Result<DueSlice, Fault> {
        let mut slice = DueSlice::default();
        let Some(webhook) = self.any_webhook(webhook)?.filter(|row| !row.deleted) else { return Ok(slice) };
        let mut waiting = self.conn.prepare_cached(WAITING)?;
        let mut rows = waiting.query([webhook.number, webhook.generation])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let read = DeliveryRow::read(row).and_then(|row| {
                let due_at = Timestamp::from_millis(row.due_ms.unwrap_or_default());
                if due_at > now || slice.due.len() == limit || bytes >= SLICE_BYTES {
                    return Ok(ControlFlow::Break(due_at));
                }
                self.due_row(&webhook, &row, due_at).map(ControlFlow::Continue)
            });
            match read {
                Ok(ControlFlow::Continue(due)) => {
                    bytes += due.entry.event.body.len();
                    slice.due.push(due);
                }
                Ok(ControlFlow::Break(next)) => {
                    slice.next = Some(next);
                    break;
                }
                Err(Fault::Damaged(what)) => {
                    tracing::error!(webhook = %webhook.webhook.id, %what, "a delivery that is due is left out");
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(slice)
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
        })
    }
}
