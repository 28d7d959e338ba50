//! Cancelling what waits for a webhook that was disabled or deleted (DLV-2).
//!
//! A million may wait, and one transaction must not hold up publishing for so long. So the webhook's generation rises, which
//! cancels all of them at once: a delivery says under which generation it began to wait, and every reader compares. The deliveries
//! themselves are not rewritten; what stands among what waits is removed in slices, the first with the change itself, which for
//! most webhooks is all, and the others by `retention`.

use cstar_types::CancelReason;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::fault::Fault;
use super::tx::Tx;
use super::webhook_rows::{WebhookRow, uuid};

/// Rows in a slice: tens of milliseconds.
const SLICE_ROWS: u64 = 10_000;

/// Cancels all that waits; the caller saves the webhook.
pub(super) async fn all_that_waits(
    tx: &mut Tx,
    row: &mut WebhookRow,
    reason: CancelReason,
) -> Result<(), Fault> {
    let (team, webhook) = (row.team_number, uuid(row.webhook.id));
    row.generation += 1;
    let removed = tx.remove_cancelled(team, webhook, row.generation).await?;
    row.cancelling = removed == SLICE_ROWS;
    // Where nothing waited there is nothing to explain, and switching to and fro leaves nothing behind.
    if removed > 0 {
        let sql = "INSERT INTO cancellations (team, webhook, generation, reason) VALUES ($1, $2, $3, $4)";
        let params = [
            (&team as _, Type::INT8),
            (&webhook as _, Type::UUID),
            (&row.generation as _, Type::INT8),
            (&(reason as i16) as _, Type::INT2),
        ];
        tx.run(sql, &params).await?;
    }
    Ok(())
}

/// Removes one more slice, of whichever webhook still has some; answers how many rows.
pub(super) async fn go_on(tx: &mut Tx) -> Result<u64, Fault> {
    // A webhook that somebody changes at this moment has its turn the next time.
    let sql = "SELECT team, id, generation FROM webhooks WHERE cancelling ORDER BY team, id LIMIT 1 FOR UPDATE SKIP LOCKED";
    let Some(row) = tx.row(sql, &[]).await? else { return Ok(0) };
    let (team, webhook, generation): (i64, Uuid, i64) = (row.get(0), row.get(1), row.get(2));
    let removed = tx.remove_cancelled(team, webhook, generation).await?;
    if removed < SLICE_ROWS {
        let done = "UPDATE webhooks SET cancelling = false WHERE team = $1 AND id = $2";
        tx.run(done, &[(&team, Type::INT8), (&webhook, Type::UUID)]).await?;
    }
    Ok(removed.max(1))
}

impl Tx {
    /// Removes a slice of what waited under earlier generations; answers how many rows.
    async fn remove_cancelled(&self, team: i64, webhook: Uuid, generation: i64) -> Result<u64, Fault> {
        let sql = "DELETE FROM due WHERE (team, number) IN (SELECT team, number FROM due
             WHERE team = $1 AND webhook = $2 AND generation < $3 AND generation >= 0 LIMIT $4)";
        let params = [
            (&team as _, Type::INT8),
            (&webhook as _, Type::UUID),
            (&generation as _, Type::INT8),
            (&(SLICE_ROWS as i64) as _, Type::INT8),
        ];
        self.run(sql, &params).await
    }
}
