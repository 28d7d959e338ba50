//! The database's clock, which all nodes have in common: one whose own is wrong removes nothing for the others, and leaves them nothing
//! that is due when its own says so.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use cstar_types::Timestamp;
use tokio_postgres::types::Type;

use super::fault::Fault;
use super::pool::Link;
use super::store::Postgres;
use crate::SharedClock;

/// What is less is a trip's time, or nothing that matters to a retry.
const SAME_MS: i64 = 1_000;

/// By how many milliseconds the database's clock is ahead of this node's. What is due stands in the database by its clock, whoever put it
/// there; the lanes of a node go by the node's.
#[derive(Debug, Default)]
pub(super) struct ClockOffset(AtomicI64);

impl ClockOffset {
    /// Looks at both.
    pub(super) async fn look(&self, link: &Link) -> Result<(), Fault> {
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let row = link.row(sql, &[]).await?.ok_or_else(|| Fault::damaged("the clock", "now"))?;
        let ours = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        self.learn(row.get(0), i64::try_from(ours).unwrap_or(i64::MAX));
        Ok(())
    }

    fn learn(&self, theirs: i64, ours: i64) {
        let offset = theirs.saturating_sub(ours);
        self.0.store(if offset.abs() < SAME_MS { 0 } else { offset }, Ordering::Relaxed);
    }

    /// A time of this node's by the database's clock.
    pub(super) fn theirs(&self, ours: i64) -> i64 {
        ours.saturating_add(self.0.load(Ordering::Relaxed))
    }

    /// A time of the database's by this node's clock.
    pub(super) fn ours(&self, theirs: i64) -> i64 {
        theirs.saturating_sub(self.0.load(Ordering::Relaxed))
    }
}

const READ: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
     (SELECT value FROM meta WHERE name = 'retention')";

/// What it says, and where that of retention stood.
pub(super) async fn read(store: &Postgres) -> Result<SharedClock, Fault> {
    let link = store.open.connections.get().await?;
    let row = link.row(READ, &[]).await?.ok_or_else(|| Fault::damaged("meta", "retention"))?;
    let noted = row.get::<_, Option<Vec<u8>>>(1).map(<[u8; 8]>::try_from).transpose();
    let noted = noted.map_err(|_| Fault::damaged("meta", "retention"))?;
    Ok(SharedClock {
        now: Timestamp::from_millis(row.get(0)),
        noted: noted.map(|ms| Timestamp::from_millis(i64::from_be_bytes(ms))),
    })
}

/// Notes where that of retention stands.
pub(super) async fn note(store: &Postgres, at: Timestamp) -> Result<(), Fault> {
    let sql = "INSERT INTO meta (name, value) VALUES ('retention', int8send($1))
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    let link = store.open.connections.get().await?;
    link.run(sql, &[(&at.as_millis(), Type::INT8)]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DLV-3: what is due to a node whose clock is wrong is due to the others at the same moment.
    #[test]
    fn a_clock_that_is_wrong_is_made_up_for() {
        let clock = ClockOffset::default();
        for (theirs, ours, offset) in [
            (5_000, 5_000, 0),
            (5_000, 5_999, 0),
            (5_000, 65_000, -60_000),
            (65_000, 5_000, 60_000),
            (7, 8, 0),
        ] {
            clock.learn(theirs, ours);
            assert_eq!(clock.theirs(100_000), 100_000 + offset);
            assert_eq!(clock.ours(clock.theirs(100_000)), 100_000);
        }
    }
}
