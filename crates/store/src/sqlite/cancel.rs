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
use super::tx::Tx;
use super::webhook_rows::WebhookRow;
use crate::stored::checksum::Checksum;

/// Rows in a slice: a few milliseconds of the writer's time.
pub(super) const SLICE_ROWS: usize = 500;

/// The generation of what waited when its event was erased; no webhook has it.
pub(super) const GENERATION_OF_ERASED: i64 = -1;

/// Webhooks of which rows are still to be rewritten.
pub(super) const CANCELLING: &str =
    "SELECT w.number FROM webhooks w JOIN teams t ON t.number = w.team AND t.state = 0
     WHERE w.cancelling = 1 ORDER BY w.number";

/// Rows of earlier generations that say that they wait.
pub(super) const STILL_WAITING: &str = select_deliveries!(
    "INDEXED BY deliveries_due WHERE webhook = ?1 AND generation < ?2 AND due_ms IS NOT NULL LIMIT ?3"
);

/// Whether anything waits under a generation.
const WAITING_UNDER: &str = "SELECT 1 FROM deliveries INDEXED BY deliveries_due
     WHERE webhook = ?1 AND generation = ?2 AND due_ms IS NOT NULL LIMIT 1";

/// Cancels all that waits; the caller saves the webhook.
pub(super) fn begin(tx: &mut Tx<'_>, webhook: &mut WebhookRow, reason: CancelReason) -> Result<(), Fault> {
    tx.memory.fresh.forget_all();
    let conn = tx.look().conn;
    let mut waits = conn.prepare_cached(WAITING_UNDER)?;
    let something_waits = waits.exists([webhook.number, webhook.generation])?;
    webhook.generation += 1;
    // Where nothing waited there is nothing to explain, and switching to and fro leaves nothing behind.
    if something_waits {
        let mut note = conn.prepare_cached(
            "INSERT INTO cancellations (webhook, generation, reason, checksum) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let (number, generation) = (webhook.number, webhook.generation);
        note.execute(params![number, generation, reason as i64, checksum(number, generation, reason)])?;
    }
    webhook.cancelling = rewrite(tx.look(), webhook)?;
    tx.effects.cancelling |= webhook.cancelling;
    Ok(())
}

/// Rewrites one more slice, of whichever webhook still has some. One that is damaged holds up no other.
pub(super) fn go_on(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.memory.fresh.forget_all();
    let look = tx.look();
    let mut cancelling = look.conn.prepare_cached(CANCELLING)?;
    let mut numbers = cancelling.query(())?;
    while let Some(row) = numbers.next()? {
        match look.webhook_numbered(row.get(0)?) {
            Ok(Some(mut webhook)) => {
                tx.effects.cancelling = true;
                if !rewrite(look, &webhook)? {
                    webhook.cancelling = false;
                    webhook.save(look)?;
                }
                return Ok(());
            }
            Ok(None) => {}
            Err(Fault::Damaged(what)) => tracing::error!(%what, "what it cancelled is not rewritten"),
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

fn checksum(webhook: i64, generation: i64, reason: CancelReason) -> i64 {
    Checksum::new().int(webhook).int(generation).int(reason as i64).finish()
}

impl Look<'_> {
    /// Why what waited under this generation of a webhook was cancelled: the one after it says so.
    pub(super) fn cancel_reason(&self, webhook: i64, generation: i64) -> Result<CancelReason, Fault> {
        if generation == GENERATION_OF_ERASED {
            return Ok(CancelReason::EventErased);
        }
        let damaged = || Fault::damaged("cancellations", format!("{webhook}/{}", generation + 1));
        let mut noted = self.conn.prepare_cached(
            "SELECT reason, checksum FROM cancellations WHERE webhook = ?1 AND generation = ?2",
        )?;
        let next = params![webhook, generation + 1];
        let noted = noted.query_row(next, |row| Ok((row.get::<_, u32>(0)?, row.get(1)?))).optional()?;
        let (reason, stored): (u32, i64) = noted.ok_or_else(damaged)?;
        let reason = CancelReason::ALL.get(reason as usize).copied().ok_or_else(damaged)?;
        if checksum(webhook, generation + 1, reason) == stored { Ok(reason) } else { Err(damaged()) }
    }
}

/// Writes down of at most a slice of rows that they are cancelled; answers whether there may be more. A row that is
/// damaged is left as it is: whoever reads it is told (LOG-3).
fn rewrite(look: Look<'_>, webhook: &WebhookRow) -> Result<bool, Fault> {
    let mut waiting = look.conn.prepare_cached(STILL_WAITING)?;
    let bounds = params![webhook.number, webhook.generation, SLICE_ROWS as i64];
    let rows: Vec<Result<DeliveryRow, Fault>> =
        waiting.query_map(bounds, |row| Ok(DeliveryRow::read(row)))?.collect::<Result<_, _>>()?;
    let full = rows.len() == SLICE_ROWS;
    let mut rewritten = 0;
    for row in rows {
        match row {
            Ok(mut row) => {
                row.status = DeliveryStatus::Cancelled;
                row.due_ms = None;
                row.update(look)?;
                rewritten += 1;
            }
            Err(Fault::Damaged(what)) => {
                tracing::error!(webhook = %webhook.webhook.id, %what, "a cancelled delivery is not rewritten");
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(full && rewritten > 0)
}
