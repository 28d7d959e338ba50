//! Locks on what has no row of its own. They end with their transaction.

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

impl Tx {
    /// Waits for a lock, and holds it to the end of the transaction.
    pub(super) async fn hold(&self, lock: Lock) -> Result<(), Fault> {
        let sql = "SELECT pg_advisory_xact_lock($1)";
        self.rows(sql, &[(&(lock as i64), Type::INT8)]).await.map(drop)
    }
}
