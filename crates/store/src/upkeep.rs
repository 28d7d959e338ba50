//! What a store needs beside its daily work.

use async_trait::async_trait;
use cstar_types::{Histogram, TeamId, Timestamp};

use crate::{Attention, Backup, StoreError, TailReader};

/// Until when things are removed: what was made before its cutoff goes.
#[derive(Debug, Clone, Copy)]
pub struct Cutoffs {
    /// For events. One with a delivery that has not ended stays, and those behind it.
    pub events: Timestamp,
    /// For deliveries that have ended, with their attempts, for operations that have, and for keys that have expired.
    pub deliveries: Timestamp,
    /// For idempotency keys, and for links to the settings page that have expired.
    pub idempotency_keys: Timestamp,
}

/// The clock that the nodes of a store have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedClock {
    /// What it says.
    pub now: Timestamp,
    /// Where that of retention stood when a node last noted it.
    pub noted: Option<Timestamp>,
}

/// Whether a store can take a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Ready,
    /// The disk is nearly full.
    StorageFull,
    /// The database that holds it cannot be reached.
    Away,
    /// It is closing.
    ShuttingDown,
    /// It closed itself after a failed write.
    Poisoned,
}

/// Counts since the start, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Commits synced.
    pub commits: u64,
    /// Events appended.
    pub events: u64,
    /// Deliveries made.
    pub deliveries: u64,
    /// Attempts recorded.
    pub attempts: u64,
    /// Writes waiting now.
    pub waiting: u64,
}

/// How large the commits were that brought events.
#[derive(Debug)]
pub struct CommitSizes {
    /// Events in one of them.
    pub events: Histogram,
    /// Deliveries in one of them.
    pub deliveries: Histogram,
}

impl Default for CommitSizes {
    fn default() -> Self {
        // Up to what one commit takes of each.
        const EVENTS: &[u64] = &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];
        const DELIVERIES: &[u64] =
            &[0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000];
        Self { events: Histogram::new(EVENTS), deliveries: Histogram::new(DELIVERIES) }
    }
}

impl CommitSizes {
    /// Counts a commit, if it brought events.
    pub(crate) fn count(&self, events: u64, deliveries: u64) {
        if events > 0 {
            self.events.count(events);
            self.deliveries.count(deliveries);
        }
    }
}

/// Upkeep.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// A reader of everything committed from now on.
    fn tail(&self, budget_bytes: usize) -> TailReader;

    /// Whether other nodes write to it, too. What is due in order is then for the store to say.
    fn is_shared(&self) -> bool {
        false
    }

    /// From now on the tail tells what other nodes append to this team's log, too, behind what the next [`crate::Log::ends`] of it
    /// shows; until the answer is dropped. What they change it tells unasked.
    fn attend(&self, _: TeamId) -> Attention {
        Attention::default()
    }

    /// Whether it can take a publish; costs nothing.
    fn health(&self) -> Health;

    /// Counts since the start.
    fn counts(&self) -> StoreCounts;

    /// How large commits were since the start.
    fn commit_sizes(&self) -> &CommitSizes;

    /// The clock that all nodes of this store go by where it matters that it is one; `None` where there is one node.
    async fn shared_clock(&self) -> Result<Option<SharedClock>, StoreError> {
        Ok(None)
    }

    /// Notes where the clock of retention stands, for nodes that start later. Nothing where there is one node.
    async fn note_clock(&self, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    /// Removes at most about `rows` rows that are older than their cutoff, or of deleted teams, in one short
    /// transaction. Answers how many; 0 means that nothing is left to remove.
    async fn remove_old(&self, cutoffs: Cutoffs, rows: usize) -> Result<usize, StoreError>;

    /// A copy of everything that was answered before this call, and of nothing or all of each commit since; of each log it
    /// holds the front (LOG-2). Secrets in it are encrypted with the master key, which is not in it (SEC-3). Writing goes
    /// on meanwhile. `Conflict` while another one is made or read; `StorageFull` where the disk has no room for it.
    async fn backup(&self, now: Timestamp) -> Result<Backup, StoreError>;

    /// Looks at everything stored; `Damaged` names the first thing that is not as it was written (LOG-3).
    async fn check(&self) -> Result<(), StoreError>;

    /// Waits until the store has closed itself, after a failed write or because its database was replaced by another; never
    /// returns otherwise.
    async fn poisoned(&self);

    /// Takes nothing new, finishes what was handed over, and closes.
    async fn close(&self);
}
