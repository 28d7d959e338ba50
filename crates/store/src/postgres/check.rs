//! Looking at everything that is promised byte for byte: each event of each log, and that none is missing (LOG-2, LOG-3). For the
//! rest the database has the checksums of its pages.

use cstar_types::TeamId;

use super::fault::Fault;
use super::store::Postgres;
use super::tx::{Tx, read};
use crate::{Log, SliceLimit, StoreError};

/// Read at a time.
const SLICE: SliceLimit = SliceLimit { entries: 1_000, bytes: 16 << 20 };

/// The first thing that is not as it was written is `Damaged`.
pub(super) async fn check(store: &Postgres) -> Result<(), StoreError> {
    let teams: Result<Vec<TeamId>, StoreError> = read!(store, |tx| alive(&tx));
    for team in teams? {
        match check_log(store, team).await {
            Err(StoreError::NotFound) => {} // deleted meanwhile
            checked => checked?,
        }
    }
    Ok(())
}

async fn alive(tx: &Tx) -> Result<Vec<TeamId>, Fault> {
    let rows = tx.rows("SELECT id FROM teams WHERE state = 0 ORDER BY number", &[]).await?;
    Ok(rows.iter().map(|row| TeamId::from_uuid(row.get(0))).collect())
}

async fn check_log(store: &Postgres, team: TeamId) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let slice = store.read(team, after, SLICE).await?;
        let Some(last) = slice.entries.last() else {
            let is_whole = after.max(slice.ends.oldest - 1) >= slice.ends.head;
            return if is_whole { Ok(()) } else { Err(Fault::missing_event(team, after as i64 + 1).into()) };
        };
        after = last.position.seq;
    }
}
