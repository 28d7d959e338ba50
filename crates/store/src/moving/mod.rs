//! From a data directory to PostgreSQL: everything, under the positions and ids that it has.
//!
//! ```text
//! directory, held and checked ──▶ rows of one table after another ──▶ COPY, in one transaction ──▶ read back, compared ──▶ commit
//! ```
//!
//! There is one commit, at the end: until then the database is as empty as before, whatever happens, and the directory is only read.
//! The epoch stays, so that every cursor goes on (see [`cstar_types::Position`]); sealed secrets stay as they are, under the same
//! master key.
//!
//! The values of each row are mapped by the query that reads them (`tables`), and sent in the binary form that the database answers
//! in, too (`rows`): that it holds what was sent is seen by comparing two sums.

mod attempts;
mod events;
mod log;
mod rows;
mod settings;
mod tables;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::StoreError;
use crate::postgres::{Options, Receiving};
use crate::sqlite::{Looked, MasterKey, Offline};
use rows::Sent;
use tables::Table;

/// Pieces between the directory and the database.
const PIECES_WAITING: usize = 16;

/// How far a move has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moving {
    /// About so many rows of the directory were looked at.
    Checking(u64),
    /// So many rows of this table were sent.
    Sent(&'static str, u64),
    /// All of this table was read back, and is what was sent.
    Compared(&'static str),
}

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Teams, the deleted ones too, since their positions are never given again.
    pub teams: u64,
    /// Events that are kept.
    pub events: u64,
    /// Deliveries of all kinds.
    pub deliveries: u64,
    /// Attempts of them.
    pub attempts: u64,
}

/// Hears how far a move has come.
pub type Told = Arc<dyn Fn(Moving) + Send + Sync>;

/// Moves everything from a directory into an empty database, for the same master key. The directory is held meanwhile, and stays as
/// it is, but that no server starts on it any more once all of it is there.
///
/// # Errors
/// `OtherMasterKey` if the key does not open the directory's secrets; `Damaged` if the directory is not as it was written;
/// `Unusable` if the database cannot be used or is not empty. After these the database is as it was. `OutcomeUnknown` if the
/// connection broke while everything was committed: the database then holds all or nothing, and a repeat says which; the directory is
/// marked as moved until then.
pub async fn move_to_postgres(
    from: Offline,
    key: MasterKey,
    to: Options,
    told: Told,
) -> Result<Moved, StoreError> {
    let mut from = check(from, key, Arc::clone(&told)).await?;
    let epoch = from.epoch()?;
    let receiving = Receiving::begin(&to, epoch, &log::days(from.connection())?).await?;
    let mut moved = Moved { teams: 0, events: 0, deliveries: 0, attempts: 0 };
    for table in settings::TABLES.iter().chain(log::TABLES) {
        let sent;
        (from, sent) = send(from, table, &receiving, Arc::clone(&told)).await?;
        let received = receiving.sum(table.read_back()).await?;
        if received != sent.sum {
            let name = table.name;
            return Err(StoreError::Database(format!(
                "the database does not hold the {name} that were sent"
            )));
        }
        told(Moving::Compared(table.name));
        match table.name {
            "teams" => moved.teams = sent.rows.saturating_sub(1), // the operator's is none of anybody's
            "events" => moved.events = sent.rows,
            "deliveries" => moved.deliveries = sent.rows,
            "attempts" => moved.attempts = sent.rows,
            _ => {}
        }
    }
    // Before the commit: cut short in between, nobody goes on with either by mistake.
    let from = in_thread(move || from.mark_moved().map(|()| from)).await?;
    match receiving.commit().await {
        Ok(()) => Ok(moved),
        Err(StoreError::OutcomeUnknown) => Err(StoreError::OutcomeUnknown),
        Err(refused) => in_thread(move || from.unmark_moved().and(Err(refused))).await,
    }
}

/// LOG-3: what is damaged is not carried on as if it were not.
async fn check(from: Offline, key: MasterKey, told: Told) -> Result<Offline, StoreError> {
    in_thread(move || {
        let mut found = None;
        from.check(&[key], &mut |looked| match looked {
            Looked::At { rows, .. } => told(Moving::Checking(rows)),
            Looked::Found(finding) => found = found.take().or(Some(finding.what)),
        })?;
        found.map_or(Ok(from), |what| Err(StoreError::Damaged(what)))
    })
    .await
}

/// Sends a table; answers what was sent when the database has taken it.
async fn send(
    from: Offline,
    table: &'static Table,
    to: &Receiving,
    told: Told,
) -> Result<(Offline, Sent), StoreError> {
    let (pieces, waiting) = mpsc::channel::<Bytes>(PIECES_WAITING);
    let reading = in_thread(move || {
        let sent = table.send(&from, pieces, &told);
        Ok((from, sent))
    });
    // Side by side: where the database refuses, the channel closes, and the reading ends.
    let (read, taken) = tokio::join!(reading, to.take(table.copy_in(), waiting));
    let (from, sent) = read?;
    match (sent, taken) {
        // It is the other that says why.
        (Err(StoreError::ShuttingDown), Err(refused)) | (Ok(_), Err(refused)) => Err(refused),
        (sent, _) => Ok((from, sent?)),
    }
}

async fn in_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(StoreError::Database(format!("reading the directory broke off: {error}")))
    })
}
