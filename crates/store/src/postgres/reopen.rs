//! Reopening: deliveries that have ended wait again (T8).

use cstar_types::{DeliveryStatus, Timestamp};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::append::is_enabled;
use super::delivery_rows::DeliveryRow;
use super::fault::Fault;
use super::pool::Param;
use super::tx::Tx;
use super::webhook_rows::{WebhookRow, uuid};
use crate::{ATTEMPTS_MAX, Change, StoreError};

/// There is nothing to send any more.
pub(super) const ERASED: StoreError = StoreError::Conflict("the event's data was erased");

/// Whether a delivery can be reopened, as far as it and its webhook say.
pub(super) fn may_reopen(row: &DeliveryRow, webhook: &WebhookRow) -> Result<(), StoreError> {
    if !row.status_under(webhook.generation).has_ended() {
        return Err(StoreError::Conflict("the delivery has not ended"));
    }
    is_enabled(webhook.webhook.status)?;
    if row.attempts >= ATTEMPTS_MAX {
        return Err(StoreError::Conflict("the delivery has had all the attempts that one may have"));
    }
    if row.marks.is_erased() { Err(ERASED) } else { Ok(()) }
}

impl DeliveryRow {
    /// Waits again, from the beginning of a schedule, due now.
    pub(super) fn reopen(&mut self, webhook: &WebhookRow, now: Timestamp) {
        self.status = DeliveryStatus::Pending;
        self.failed = 0;
        self.due_ms = Some(now.as_millis());
        self.generation = webhook.generation;
    }
}

const REOPEN: &str = "UPDATE deliveries d SET status = 0, failed = 0, due_ms = $5, generation = n.generation
     FROM unnest($2::bigint[], $3::integer[], $4::bigint[]) AS n (number, day, generation)
     WHERE d.team = $1 AND d.number = n.number AND d.day = n.day";

/// What waited under an earlier generation may not have been removed yet.
const WAIT: &str = "INSERT INTO due (team, number, day, webhook, generation, due_ms, event, node)
     SELECT $1::bigint, n.number, n.day, n.webhook, n.generation, $5::bigint, n.event, n.node
     FROM unnest($2::bigint[], $3::integer[], $4::bigint[], $6::uuid[], $7::bigint[], $8::bigint[])
          AS n (number, day, generation, webhook, event, node)
     ON CONFLICT (team, number) DO UPDATE SET generation = excluded.generation, due_ms = excluded.due_ms,
         node = excluded.node";

impl Tx {
    /// Writes rows of one team that were reopened, and tells of them. Whoever reads them sends them: they are this node's, unless
    /// another sends in order what their webhooks have waiting. The team's row is locked.
    pub(super) async fn save_reopened(&mut self, rows: &[DeliveryRow], now: Timestamp) -> Result<(), Fault> {
        let Some(first) = rows.first() else { return Ok(()) };
        let numbers: Vec<i64> = rows.iter().map(|row| row.place.number).collect();
        let days: Vec<i32> = rows.iter().map(|row| row.place.day).collect();
        let generations: Vec<i64> = rows.iter().map(|row| row.generation).collect();
        let webhooks: Vec<Uuid> = rows.iter().map(|row| uuid(row.webhook)).collect();
        let events: Vec<i64> = rows.iter().map(|row| row.event).collect();
        let senders = self.leave_to_senders(first.place.team, &webhooks).await?;
        let keeper = self.open.keeper();
        let nodes: Vec<i64> =
            rows.iter().map(|row| senders.get(&row.webhook).copied().unwrap_or(keeper)).collect();
        let due_ms = self.open.clock.theirs(now.as_millis());
        let params: [Param<'_>; 8] = [
            (&first.place.team as _, Type::INT8),
            (&numbers as _, Type::INT8_ARRAY),
            (&days as _, Type::INT4_ARRAY),
            (&generations as _, Type::INT8_ARRAY),
            (&now.as_millis() as _, Type::INT8),
            (&webhooks as _, Type::UUID_ARRAY),
            (&events as _, Type::INT8_ARRAY),
            (&nodes as _, Type::INT8_ARRAY),
        ];
        self.run(REOPEN, &params[..5]).await?;
        let mut params = params;
        params[4].0 = &due_ms;
        self.run(WAIT, &params).await?;
        let told = rows.iter().map(|row| Change::Reopened { delivery: row.id(), webhook: row.webhook });
        self.effects.told.extend(told);
        Ok(())
    }
}
