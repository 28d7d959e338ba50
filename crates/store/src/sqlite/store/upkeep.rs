//! Upkeep.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use async_trait::async_trait;
use cstar_types::Timestamp;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::SqliteStore;
use crate::sqlite::fault::Fault;
use crate::sqlite::look::Look;
use crate::sqlite::queue::{Class, Size};
use crate::sqlite::shared::Life;
use crate::sqlite::tx::Tx;
use crate::sqlite::{backup, check, retention};
use crate::{Backup, CommitSizes, Cutoffs, Health, StoreCounts, StoreError, TailReader, Upkeep};

#[async_trait]
impl Upkeep for SqliteStore {
    fn tail(&self, budget_bytes: usize) -> TailReader {
        self.shared.tail.subscribe(budget_bytes)
    }

    fn health(&self) -> Health {
        self.shared.health()
    }

    fn counts(&self) -> StoreCounts {
        self.shared.counts()
    }

    fn commit_sizes(&self) -> &CommitSizes {
        &self.shared.commit_sizes
    }

    async fn remove_old(&self, cutoffs: Cutoffs, rows: usize) -> Result<usize, StoreError> {
        self.shared.is_open()?;
        loop {
            let from = self.removing_from.load(Ordering::Relaxed);
            let plan = self.shared.read(move |look| retention::plan(look, cutoffs, rows, from)).await?;
            if plan.is_nothing() {
                return Ok(0);
            }
            self.removing_from.store(plan.stopped_at, Ordering::Relaxed);
            let size = Size { rows: plan.rows(), bytes: 0 };
            let remove = move |tx: &mut Tx<'_>| retention::remove(tx, &plan, cutoffs);
            // What the plan saw may have been resent meanwhile; only an empty plan means that nothing is left.
            match self.shared.write(Class::Vital, size, remove).await? {
                0 => {}
                removed => return Ok(removed),
            }
        }
    }

    async fn backup(&self, now: Timestamp) -> Result<Backup, StoreError> {
        self.shared.is_open()?;
        let taken = self.backups.take()?;
        let (shared, dir, probe) = (Arc::clone(&self.shared), self.dir.clone(), Arc::clone(&self.probe));
        let (caller, answer) = oneshot::channel();
        let caller = Arc::new(Mutex::new(Some(caller)));
        let waiting = Arc::clone(&caller);
        // Whoever asked may have stopped waiting.
        let is_given_up = move || waiting.lock().as_ref().is_none_or(oneshot::Sender::is_closed);
        let copying = move || {
            let copied = backup::of_live(&shared, (&dir, &probe), taken, now, is_given_up);
            let caller = caller.lock().take();
            drop(caller.map(|caller| caller.send(copied)));
        };
        // A thread of its own: it takes as long as the database is large.
        let begun = thread::Builder::new().name("cstar-backup".to_owned()).spawn(copying);
        begun
            .map_err(|error| StoreError::Database(format!("cannot start a thread for a backup: {error}")))?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Database("a backup was cut off".to_owned())))
    }

    async fn check(&self) -> Result<(), StoreError> {
        let mut progress = check::Progress::default();
        loop {
            let slice = move |look: Look<'_>| {
                let mut found = check::Found::default();
                let next = check::slice(look, progress, &mut found)?;
                Ok::<_, Fault>((next, found.0.into_iter().next()))
            };
            match self.shared.read(slice).await? {
                (_, Some(finding)) => return Err(StoreError::Damaged(finding.what)),
                (None, None) => return Ok(()),
                (Some(next), None) => progress = next,
            }
        }
    }

    async fn poisoned(&self) {
        let mut life = self.shared.life.subscribe();
        if life.wait_for(|life| *life == Life::Poisoned).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    async fn close(&self) {
        self.shared.go_on_to(Life::Closing);
        self.shared.queue.close();
        let mut life = self.shared.life.subscribe();
        let _ = life.wait_for(|life| matches!(life, Life::Closed | Life::Poisoned)).await;
    }
}
