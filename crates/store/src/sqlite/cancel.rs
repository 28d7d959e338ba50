//! Cancelling what waits for a webhook that was disabled or deleted (DLV-2).
//!
//! A million rows may wait, and one transaction must not hold up publishing for so long. So the webhook's generation
//! rises, which cancels all of them at once: a row that waits says of which generation it is, and every reader compares.
//! The rows are rewritten in slices, the first with the change itself, which for most webhooks is all; the writer does
//! the others when it has nothing better to do, and one slice with each commit when it has.

use cstar_types::{CancelReason, DeliveryStatus};
use rusqlite::{OptionalExtension, params};

use super::delivery_rows::{DeliveryRow, select_deliveries};
use super::fault::Fault;
use super::look::Look;
use super::seal::Seal;
use super::tx::Tx;
use super::webhook_rows::WebhookRow;

/// Rows in a slice: a few milliseconds of the writer's time.
pub(super) const SLICE_ROWS: usize = 500;

/// Cancels all that waits; the caller saves the webhook.
pub(super) fn begin(tx: &mut Tx<'_>, webhook: &mut WebhookRow, reason: CancelReason) -> Result<(), Fault> {
    webhook.generation += 1;
    let mut note = tx.look().conn.prepare_cached(
        "INSERT INTO cancellations (webhook, generation, reason, seal) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let (number, generation) = (webhook.number, webhook.generation);
    note.execute(params![number, generation, reason as i64, seal(number, generation, reason)])?;
    webhook.cancelling = rewrite(tx.look(), webhook)? == SLICE_ROWS;
    tx.effects.cancelling |= webhook.cancelling;
    Ok(())
}

/// Rewrites one more slice, of whichever webhook still has some.
pub(super) fn go_on(tx: &mut Tx<'_>) -> Result<(), Fault> {
    let look = tx.look();
    let mut first = look.conn.prepare_cached(
        "SELECT w.number FROM webhooks w JOIN teams t ON t.number = w.team AND t.state = 0
         WHERE w.cancelling = 1 ORDER BY w.number LIMIT 1",
    )?;
    let Some(number) = first.query_row((), |row| row.get(0)).optional()? else { return Ok(()) };
    let Some(mut webhook) = look.webhook_numbered(number)? else { return Ok(()) };
    tx.effects.cancelling = true;
    if rewrite(look, &webhook)? < SLICE_ROWS {
        webhook.cancelling = false;
        webhook.save(look)?;
    }
    Ok(())
}

fn seal(webhook: i64, generation: i64, reason: CancelReason) -> i64 {
    Seal::new().int(webhook).int(generation).int(reason as i64).finish()
}

impl Look<'_> {
    /// Why what waited under this generation of a webhook was cancelled: the one after it says so.
    pub(super) fn cancel_reason(&self, webhook: i64, generation: i64) -> Result<CancelReason, Fault> {
        let damaged = || Fault::damaged("cancellations", format!("{webhook}/{}", generation + 1));
        let mut noted = self.conn.prepare_cached(
            "SELECT reason, seal FROM cancellations WHERE webhook = ?1 AND generation = ?2",
        )?;
        let next = params![webhook, generation + 1];
        let noted = noted.query_row(next, |row| Ok((row.get::<_, u32>(0)?, row.get(1)?))).optional()?;
        let (reason, sealed): (u32, i64) = noted.ok_or_else(damaged)?;
        let reason = CancelReason::ALL.get(reason as usize).copied().ok_or_else(damaged)?;
        if seal(webhook, generation + 1, reason) == sealed { Ok(reason) } else { Err(damaged()) }
    }
}

/// Writes down of at most a slice of rows that they are cancelled; answers of how many.
fn rewrite(look: Look<'_>, webhook: &WebhookRow) -> Result<usize, Fault> {
    let mut waiting = look.conn.prepare_cached(select_deliveries!(
        "INDEXED BY deliveries_due WHERE webhook = ?1 AND generation < ?2 AND due_ms IS NOT NULL LIMIT ?3"
    ))?;
    let bounds = params![webhook.number, webhook.generation, SLICE_ROWS as i64];
    let rows: Vec<DeliveryRow> =
        waiting.query_and_then(bounds, DeliveryRow::read)?.collect::<Result<_, _>>()?;
    let count = rows.len();
    for mut row in rows {
        row.status = DeliveryStatus::Cancelled;
        row.due_ms = None;
        row.update(look)?;
    }
    Ok(count)
}
