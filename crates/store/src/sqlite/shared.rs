//! What the handle, the readers and the writer share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use cstar_types::Author;
use tokio::sync::{Semaphore, oneshot, watch};

use super::disk::Fullness;
use super::fault::Fault;
use super::look::{Look, Shelf};
use super::queue::{Class, Queue, Size, Waiting, Work};
use super::readers::Readers;
use super::tx::Tx;
use crate::stored::known_keys::KnownKeys;
use crate::stored::known_types::KnownTypes;
use crate::{CommitSizes, Health, StoreCounts, StoreError, Tail};

/// Where the store is in its life; it never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Life {
    Open,
    /// Takes nothing new.
    Closing,
    Closed,
    /// A write failed: nothing that the disk says can be relied on, so nothing more is asked of it.
    Poisoned,
}

pub(super) struct Shared {
    pub(super) queue: Queue,
    /// Room for the classes that wait for it.
    pub(super) waits: Arc<Semaphore>,
    pub(super) shelf: Shelf,
    pub(super) readers: Readers,
    pub(super) keys: KnownKeys,
    pub(super) event_types: KnownTypes,
    pub(super) tail: Tail,
    pub(super) life: watch::Sender<Life>,
    /// A [`Fullness`], as a number.
    pub(super) fullness: AtomicU8,
    /// The whole database is being read for a backup.
    pub(super) is_copied: AtomicBool,
    pub(super) counts: Counts,
    pub(super) commit_sizes: CommitSizes,
}

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) commits: AtomicU64,
    pub(super) events: AtomicU64,
    pub(super) deliveries: AtomicU64,
    pub(super) attempts: AtomicU64,
}

/// A piece of work that is a function and the one who waits for its answer.
struct Call<T, F> {
    run: F,
    author: Option<Arc<Author>>,
    outcome: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Work for Call<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Result<T, Fault> + Send,
{
    fn apply(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let before = tx.conn.total_changes();
        tx.author.clone_from(&self.author);
        let ran = (self.run)(tx);
        tx.author = None;
        if let Err(fault @ (Fault::Refused(_) | Fault::NoRoom)) = &ran {
            debug_assert_eq!(tx.conn.total_changes(), before, "{fault:?} has written something");
        }
        self.outcome = Some(match ran {
            Ok(answer) => Ok(answer),
            Err(Fault::Refused(reason)) => Err(reason),
            Err(fault) => return Err(fault),
        });
        Ok(())
    }

    fn answer(self: Box<Self>, failed: Option<StoreError>) {
        let outcome = failed.map_or(self.outcome, |reason| Some(Err(reason)));
        // Whoever asked may have stopped waiting.
        let _ = self.caller.send(outcome.unwrap_or(Err(StoreError::OutcomeUnknown)));
    }
}

impl Shared {
    /// Does something in the writer's next transaction; answers after its sync (LOG-1).
    pub(super) async fn write<T: Send + 'static>(
        &self,
        class: Class,
        size: Size,
        run: impl FnMut(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_by(None, class, size, run).await
    }

    /// The same for somebody: what it puts on record is theirs.
    pub(super) async fn write_by<T: Send + 'static>(
        &self,
        author: Option<Arc<Author>>,
        class: Class,
        size: Size,
        run: impl FnMut(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.is_open()?;
        if !class.is_taken(self.fullness()) {
            return Err(StoreError::StorageFull);
        }
        let permit = if class.waits() {
            let permit = Arc::clone(&self.waits).acquire_owned().await;
            Some(permit.map_err(|_| StoreError::ShuttingDown)?)
        } else {
            None
        };
        let (caller, answer) = oneshot::channel();
        let work = Box::new(Call { run, author, outcome: None, caller });
        self.queue
            .push(Waiting { work, class, size, _permit: permit })
            .map_err(|error| self.is_open().err().unwrap_or(error))?;
        answer.await.unwrap_or(Err(StoreError::OutcomeUnknown))
    }

    /// Reads in one transaction.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(Look<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.life() == Life::Poisoned {
            return Err(StoreError::Poisoned);
        }
        let shared = Arc::clone(self);
        let reading = self.readers.read(move |conn| {
            let transaction = conn.unchecked_transaction()?;
            let answer = read(Look { conn: &transaction, shelf: &shared.shelf })?;
            transaction.commit()?;
            Ok::<T, Fault>(answer)
        });
        let cut_off = || StoreError::Database("a reading was cut off".to_owned());
        reading.await.ok_or_else(cut_off)?.map_err(StoreError::from)
    }

    pub(super) fn life(&self) -> Life {
        *self.life.borrow()
    }

    pub(super) fn is_open(&self) -> Result<(), StoreError> {
        match self.life() {
            Life::Open => Ok(()),
            Life::Poisoned => Err(StoreError::Poisoned),
            Life::Closing | Life::Closed => Err(StoreError::ShuttingDown),
        }
    }

    pub(super) fn go_on_to(&self, next: Life) {
        self.life.send_if_modified(|life| {
            let before = std::mem::replace(life, next.max(*life));
            before != *life
        });
    }

    /// After poison: nobody waits for what will not come.
    pub(super) fn refuse_all(&self) {
        self.queue.close();
        let mut waiting = VecDeque::new();
        loop {
            self.queue.take(&mut waiting);
            if waiting.is_empty() {
                break;
            }
            waiting.drain(..).for_each(|waiting| waiting.work.answer(Some(StoreError::Poisoned)));
        }
        self.tail.close();
    }

    pub(super) fn fullness(&self) -> Fullness {
        match self.fullness.load(Ordering::Relaxed) {
            0 => Fullness::Room,
            1 => Fullness::NoEvents,
            _ => Fullness::NoResults,
        }
    }

    /// Sets how full the disk is; answers how it was before.
    pub(super) fn set_fullness(&self, fullness: Fullness) -> Fullness {
        let before = self.fullness();
        self.fullness.store(fullness as u8, Ordering::Relaxed);
        before
    }

    pub(super) fn health(&self) -> Health {
        match self.life() {
            Life::Poisoned => Health::Poisoned,
            Life::Closing | Life::Closed => Health::ShuttingDown,
            Life::Open if self.fullness() > Fullness::Room => Health::StorageFull,
            Life::Open => Health::Ready,
        }
    }

    pub(super) fn counts(&self) -> StoreCounts {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        StoreCounts {
            commits: get(&self.counts.commits),
            events: get(&self.counts.events),
            deliveries: get(&self.counts.deliveries),
            attempts: get(&self.counts.attempts),
            waiting: self.queue.len() as u64,
        }
    }
}
