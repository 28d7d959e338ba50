//! Upkeep.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use cstar_types::{TeamId, Timestamp};

use super::store::{Counts, Postgres};
use super::{backup, check, clock, retention};
use crate::{
    Attention, Backup, CommitSizes, Cutoffs, Health, SharedClock, StoreCounts, StoreError, TailReader, Upkeep,
};

#[async_trait]
impl Upkeep for Postgres {
    fn tail(&self, budget_bytes: usize) -> TailReader {
        self.open.tail.subscribe(budget_bytes)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn attend(&self, team: TeamId) -> Attention {
        self.attended(team)
    }

    fn health(&self) -> Health {
        match (self.open.connections.is_closed(), self.open.away.load(Ordering::Acquire)) {
            (true, _) => Health::ShuttingDown,
            (false, true) => Health::Away,
            (false, false) => Health::Ready,
        }
    }

    fn counts(&self) -> StoreCounts {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { commits, events, deliveries, attempts } = &self.open.counts;
        StoreCounts {
            commits: get(commits),
            events: get(events),
            deliveries: get(deliveries),
            attempts: get(attempts),
            waiting: self.open.publisher.waiting() as u64,
        }
    }

    fn commit_sizes(&self) -> &CommitSizes {
        &self.open.commit_sizes
    }

    async fn shared_clock(&self) -> Result<Option<SharedClock>, StoreError> {
        Ok(Some(clock::read(self).await?))
    }

    async fn note_clock(&self, at: Timestamp) -> Result<(), StoreError> {
        Ok(clock::note(self, at).await?)
    }

    async fn remove_old(&self, cutoffs: Cutoffs, rows: usize) -> Result<usize, StoreError> {
        retention::remove_old(self, cutoffs, rows).await
    }

    async fn backup(&self, now: Timestamp) -> Result<Backup, StoreError> {
        if self.open.connections.is_closed() {
            return Err(StoreError::ShuttingDown);
        }
        backup::backup(self, self.open.backups.take()?, now).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        check::check(self).await
    }

    async fn poisoned(&self) {
        // The store has its sender.
        let _ = self.open.replaced.subscribe().wait_for(|replaced| *replaced).await;
    }

    async fn close(&self) {
        self.shut().await;
    }
}
