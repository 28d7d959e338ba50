//! The contract in memory, as plainly as it can be written: one lock, and every question answered by looking at
//! everything.
//!
//! It is what the other stores are compared with, and a store for the tests of those who use one. It is durable for
//! as long as it lives; nothing in it is fast.

mod audit;
mod deliveries;
mod directory;
mod erase;
mod event_types;
mod failing;
mod links;
mod log;
mod notices;
mod operations;
mod state;
mod upkeep;

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cstar_types::{Author, Team};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::backup::Turn;
use crate::{Change, CommitSizes, StoreError, Tail};
use state::{State, TeamLog};

/// A store in memory.
///
/// LOG-2, DLV-1: an append is one turn under the lock, from giving positions to telling the tail; nobody sees half of
/// it, and all see the same order.
#[derive(Debug, Default)]
pub struct Model {
    held: Arc<Held>,
    /// Whose changes those are that are made through this handle.
    author: Option<Author>,
}

/// What all handles share.
#[derive(Debug, Default)]
pub struct Held {
    state: Mutex<State>,
    tail: Tail,
    operation_begun: Notify,
    backups: Turn,
    refusals: AtomicUsize,
    commit_sizes: CommitSizes,
}

impl Deref for Model {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.held
    }
}

impl Model {
    /// An empty store.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let model = Self::default();
        model.state.lock().teams.push(TeamLog::new(Team::operator()));
        Arc::new(model)
    }

    /// Refuses the next so many questions of what is due, as a database at fault would: for the tests of who asks.
    pub fn refuse(&self, questions: usize) {
        self.refusals.store(questions, Ordering::Relaxed);
    }

    /// How many of them are still to be asked.
    #[must_use]
    pub fn refusals_left(&self) -> usize {
        self.refusals.load(Ordering::Relaxed)
    }

    fn may_refuse(&self) -> Result<(), StoreError> {
        let one_less = |left: usize| left.checked_sub(1);
        match self.refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
            Ok(_) => Err(StoreError::Database("refused, as a test asked".into())),
            Err(_) => Ok(()),
        }
    }

    /// Looks at the state.
    fn look<T>(&self, look: impl FnOnce(&State) -> Result<T, StoreError>) -> Result<T, StoreError> {
        look(&self.state.lock())
    }

    /// Changes the state, and tells the tail of it before anybody else has a turn.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<(T, Option<Change>), StoreError>,
    ) -> Result<T, StoreError> {
        self.change_many(|state| {
            let (answer, told) = change(state)?;
            Ok((answer, told.into_iter().collect()))
        })
    }

    /// The same, for what is told more than once.
    fn change_many<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<(T, Vec<Change>), StoreError>,
    ) -> Result<T, StoreError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(StoreError::ShuttingDown);
        }
        let before = state.counts;
        state.author.clone_from(&self.author);
        let changed = change(&mut state);
        state.author = None;
        let (answer, told) = changed?;
        state.counts.commits += 1;
        let (events, deliveries) = (before.events, before.deliveries);
        self.commit_sizes.count(state.counts.events - events, state.counts.deliveries - deliveries);
        told.into_iter().for_each(|told| self.tail.tell(told));
        Ok(answer)
    }
}
