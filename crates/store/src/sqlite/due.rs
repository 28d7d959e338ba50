//! What is due.

use std::sync::Arc;

use cstar_types::{Timestamp, WebhookId};
use rusqlite::{OptionalExtension, params};

use super::delivery_rows::{DeliveryRow, select_deliveries};
use super::fault::Fault;
use super::look::Look;
use super::webhook_rows::WebhookRow;
use crate::{Due, DueSlice};

impl Look<'_> {
    /// Every webhook for which something waits, and when its first is due: one look into the index for each.
    pub(super) fn lanes(&self) -> Result<Vec<(WebhookId, Timestamp)>, Fault> {
        let mut enabled = self.conn.prepare_cached(
            "SELECT w.number, w.id, w.generation FROM webhooks w JOIN teams t ON t.number = w.team AND t.state = 0
             WHERE w.state = 0 ORDER BY w.id",
        )?;
        let mut first = self.conn.prepare_cached(
            "SELECT due_ms FROM deliveries INDEXED BY deliveries_due
             WHERE webhook = ?1 AND generation = ?2 AND due_ms IS NOT NULL ORDER BY due_ms LIMIT 1",
        )?;
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

    /// What is due for a webhook, the longest due first.
    pub(super) fn due(&self, webhook: WebhookId, now: Timestamp, limit: usize) -> Result<DueSlice, Fault> {
        let mut slice = DueSlice::default();
        let Some(webhook) = self.any_webhook(webhook)?.filter(|row| !row.deleted) else { return Ok(slice) };
        let mut waiting = self.conn.prepare_cached(select_deliveries!(
            "INDEXED BY deliveries_due WHERE webhook = ?1 AND generation = ?2 AND due_ms IS NOT NULL \
             ORDER BY due_ms, place LIMIT ?3"
        ))?;
        let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let mut rows = waiting.query(params![webhook.number, webhook.generation, one_more])?;
        while let Some(row) = rows.next()? {
            let row = DeliveryRow::read(row)?;
            let due_at = Timestamp::from_millis(row.due_ms.unwrap_or_default());
            if due_at > now || slice.due.len() == limit {
                slice.next = Some(due_at);
                break;
            }
            slice.due.push(self.due_row(&webhook, &row, due_at)?);
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
