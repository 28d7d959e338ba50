//! Retention, health and the end.

use async_trait::async_trait;
use bytes::Bytes;
use cstar_types::Timestamp;

use super::Model;
use super::state::State;
use crate::{Backup, CommitSizes, Cutoffs, Health, StoreCounts, StoreError, TailReader, Upkeep};

#[async_trait]
impl Upkeep for Model {
    fn tail(&self, budget_bytes: usize) -> TailReader {
        self.tail.subscribe(budget_bytes)
    }

    fn health(&self) -> Health {
        if self.state.lock().closed { Health::ShuttingDown } else { Health::Ready }
    }

    fn counts(&self) -> StoreCounts {
        self.state.lock().counts
    }

    fn commit_sizes(&self) -> &CommitSizes {
        &self.commit_sizes
    }

    async fn remove_old(&self, cutoffs: Cutoffs, rows: usize) -> Result<usize, StoreError> {
        self.change(|state| Ok((state.remove_old(cutoffs, rows), None)))
    }

    /// What it holds, in words: nothing reads it again.
    async fn backup(&self, _: Timestamp) -> Result<Backup, StoreError> {
        let state = self.state.lock();
        if state.closed {
            return Err(StoreError::ShuttingDown);
        }
        let taken = self.backups.take()?;
        let words = Bytes::from(format!("{state:#?}"));
        Ok(Backup::new(
            words.len() as u64,
            std::iter::once(words).map(move |words| {
                let _held = &taken;
                Ok(words)
            }),
        ))
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn poisoned(&self) {
        std::future::pending().await
    }

    async fn close(&self) {
        self.state.lock().closed = true;
        self.tail.close();
    }
}

impl State {
    fn remove_old(&mut self, cutoffs: Cutoffs, rows: usize) -> usize {
        let mut removed = 0;
        while removed < rows && self.remove_one(&cutoffs) {
            removed += 1;
        }
        removed
    }

    fn remove_one(&mut self, cutoffs: &Cutoffs) -> bool {
        self.remove_delivery(cutoffs.deliveries)
            || self.remove_event(cutoffs.events)
            || self.remove_idempotency_key(cutoffs.idempotency_keys)
            || self.remove_operation(cutoffs.deliveries)
            || self.remove_link(cutoffs.idempotency_keys)
            || self.remove_key(cutoffs.deliveries)
    }

    fn remove_delivery(&mut self, cutoff: Timestamp) -> bool {
        let old = self.deliveries.values().map(|row| &row.delivery);
        let old =
            old.filter(|row| row.status.has_ended() && row.created_at < cutoff).map(|row| row.id).next();
        old.is_some_and(|id| self.deliveries.remove(&id).is_some())
    }

    /// Only ever the oldest of a log: positions have no holes (LOG-2).
    fn remove_event(&mut self, cutoff: Timestamp) -> bool {
        for log in &mut self.teams {
            let Some(oldest) = log.kept.first() else { continue };
            let id = oldest.entry.event.id;
            let of_event = self.deliveries.values().filter(|row| row.delivery.event == id);
            let waits = of_event.map(|row| row.delivery.status).any(|status| !status.has_ended());
            if oldest.committed_at < cutoff && !waits {
                log.kept.remove(0);
                log.removed += 1;
                self.idempotency_keys.retain(|_, first| first.entry.event.id != id);
                return true;
            }
        }
        false
    }

    fn remove_link(&mut self, cutoff: Timestamp) -> bool {
        let old = self.links.values().find(|link| link.expires_at < cutoff).map(|link| link.digest);
        old.is_some_and(|digest| self.links.remove(&digest).is_some())
    }

    fn remove_key(&mut self, cutoff: Timestamp) -> bool {
        let mut keys = self.keys.values().map(|(key, _)| key);
        let old = keys.find(|key| key.expires_at.is_some_and(|end| end < cutoff)).map(|key| key.id);
        old.is_some_and(|id| self.keys.remove(&id).is_some())
    }

    fn remove_idempotency_key(&mut self, cutoff: Timestamp) -> bool {
        let old = self.idempotency_keys.iter().find(|(_, first)| first.at < cutoff);
        let old = old.map(|(key, _)| key.clone());
        old.is_some_and(|key| self.idempotency_keys.remove(&key).is_some())
    }
}
