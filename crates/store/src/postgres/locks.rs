//! Locks on what has no row of its own. They end with their transaction.
//!
//! Rows are locked in one order, so that nobody waits in a circle: teams, deliveries in the order of their places, what is due of them,
//! webhooks. What is cancelled or left by a whole node is locked as it comes: there PostgreSQL finds the circle, and who is rolled back
//! tries again.

use cstar_types::WebhookId;
use tokio_postgres::types::Type;

use super::fault::Fault;
use super::tx::Tx;

/// Who holds it is the only one that does this.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lock {
    /// Makes teams: their numbers rise in the order of commits.
    Teams = 0x6353_7462,
    /// Changes event types: there may be so many.
    EventTypes,
    /// Puts something on record: ids rise in the order of commits. The last that a transaction takes.
    Record,
}

/// What to do where somebody else has locked a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Locked {
    /// Wait for it, as long as `lock_timeout` lets one.
    WaitFor,
    /// Leave it out, so that nobody else is held up: `SKIP LOCKED`.
    PassOver,
}

/// Of what is sent in order.
const ORDER: i32 = 0x6353_746f;

impl Tx {
    /// Waits for a lock, and holds it to the end of the transaction.
    pub(super) async fn hold(&self, lock: Lock) -> Result<(), Fault> {
        let sql = "SELECT pg_advisory_xact_lock($1)";
        self.rows(sql, &[(&(lock as i64), Type::INT8)]).await.map(drop)
    }

    /// Waits until no other node takes what is sent in order for this webhook: of two that do one would have the first, and the other
    /// what is behind it. Not a lock of its row, which is written behind what is due. Two whose ids end alike wait for each other, too.
    pub(super) async fn hold_order(&self, webhook: WebhookId) -> Result<(), Fault> {
        let sql = "SELECT pg_advisory_xact_lock($1, $2)"; // two numbers are no one number
        let params = [(&ORDER as _, Type::INT4), (&(webhook.bits() as i32) as _, Type::INT4)];
        self.rows(sql, &params).await.map(drop)
    }
}
