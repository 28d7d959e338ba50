//! The way to the writer: bounded, and in the order of arrival, so that nothing starves.

use std::collections::VecDeque;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use tokio::sync::OwnedSemaphorePermit;

use super::disk::Fullness;
use super::fault::Fault;
use super::tx::Tx;
use crate::StoreError;

/// What a piece of work is, which says what room it takes while it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A publish: refused when the room is taken, and when the disk is nearly full.
    Append,
    /// A change to teams, keys, webhooks or deliveries: refused when the room is taken.
    Change,
    /// Results: they have room of their own, wait for it, and may use the reserve.
    Result,
    /// What frees room or revokes: the same, and it is tried however full the disk is.
    Vital,
}

impl Class {
    /// Whether it has room of its own, and waits for it instead of being refused.
    pub(super) const fn waits(self) -> bool {
        matches!(self, Self::Result | Self::Vital)
    }

    /// Whether it is taken on a disk so full.
    pub(super) fn is_taken(self, fullness: Fullness) -> bool {
        match self {
            Self::Append => fullness < Fullness::NoEvents,
            Self::Change | Self::Result => fullness < Fullness::NoResults,
            Self::Vital => true,
        }
    }
}

/// What a piece of work brings.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    /// About how many rows it writes.
    pub(super) rows: usize,
    /// About how much memory it holds, in bytes.
    pub(super) bytes: usize,
}

impl Size {
    /// About what it writes to the disk, first to the WAL and then to the database.
    pub(super) const fn on_disk(self) -> u64 {
        /// Of a row's entries in indexes, and of pages that are written for it although they hold others too.
        const ROW_BYTES: usize = 512;
        2 * (self.bytes + self.rows * ROW_BYTES) as u64
    }
}

/// Work for the writer. It may be applied more than once, each time to a transaction that holds nothing of it.
pub(super) trait Work: Send {
    /// Does it inside the transaction, and keeps what it will answer.
    fn apply(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault>;
    /// Answers, once the transaction is synced or has failed.
    fn answer(self: Box<Self>, failed: Option<StoreError>);
}

/// Work that waits for its turn.
pub(super) struct Waiting {
    pub(super) work: Box<dyn Work>,
    pub(super) class: Class,
    pub(super) size: Size,
    /// Held until it is answered.
    pub(super) _permit: Option<OwnedSemaphorePermit>,
}

/// What the writer is to do next.
pub(super) enum Next {
    /// Something waits.
    Work,
    /// Nothing came in time.
    Idle,
    /// Nothing waits and nothing will come.
    Closed,
}

/// How much may wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) calls: usize,
    pub(super) bytes: usize,
}

/// How much one commit takes: it bounds how long a commit holds up the next one.
const COMMIT_MAX: Size = Size { rows: 10_000, bytes: 8 << 20 };

pub(super) struct Queue {
    bounds: Bounds,
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Of [`Class::Append`] and [`Class::Change`].
    calls: usize,
    bytes: usize,
    closed: bool,
}

impl State {
    fn count(&mut self, waiting: &Waiting, sign: isize) {
        if !waiting.class.waits() {
            self.calls = self.calls.saturating_add_signed(sign);
            self.bytes = self.bytes.saturating_add_signed(sign * waiting.size.bytes as isize);
        }
    }
}

impl Queue {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, state: Mutex::default(), bell: Condvar::new() }
    }

    /// Lines up, or is given back with the reason.
    pub(super) fn push(&self, waiting: Waiting) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(StoreError::ShuttingDown);
        }
        let taken = state.calls >= self.bounds.calls || state.bytes >= self.bounds.bytes;
        if !waiting.class.waits() && taken {
            return Err(StoreError::QueueFull);
        }
        state.count(&waiting, 1);
        state.waiting.push_back(waiting);
        drop(state);
        self.bell.notify_one();
        Ok(())
    }

    /// Waits until something waits, the time has come, or the end.
    pub(super) fn wait(&self, until: Instant) -> Next {
        let mut state = self.state.lock();
        loop {
            if !state.waiting.is_empty() {
                return Next::Work;
            }
            if state.closed {
                return Next::Closed;
            }
            if self.bell.wait_until(&mut state, until).timed_out() && state.waiting.is_empty() {
                return Next::Idle;
            }
        }
    }

    /// Takes what waits for one commit, in order, at least one piece of work if there is one.
    pub(super) fn take(&self, group: &mut VecDeque<Waiting>) {
        let mut state = self.state.lock();
        let mut taken = Size::default();
        while let Some(next) = state.waiting.front() {
            let size = next.size;
            let fits =
                taken.rows + size.rows <= COMMIT_MAX.rows && taken.bytes + size.bytes <= COMMIT_MAX.bytes;
            if !fits && !group.is_empty() {
                break;
            }
            let next = state.waiting.pop_front().expect("the queue was not empty");
            state.count(&next, -1);
            taken.rows += size.rows;
            taken.bytes += size.bytes;
            group.push_back(next);
        }
    }

    /// Puts back what did not fit after all, before everything else.
    pub(super) fn put_back(&self, group: &mut VecDeque<Waiting>) {
        let mut state = self.state.lock();
        while let Some(waiting) = group.pop_back() {
            state.count(&waiting, 1);
            state.waiting.push_front(waiting);
        }
    }

    /// Takes nothing more. What waits stays.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.bell.notify_one();
    }

    pub(super) fn len(&self) -> usize {
        self.state.lock().waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl Work for Nothing {
        fn apply(&mut self, _: &mut Tx<'_>) -> Result<(), Fault> {
            Ok(())
        }
        fn answer(self: Box<Self>, _: Option<StoreError>) {}
    }

    fn waiting(class: Class, rows: usize, bytes: usize) -> Waiting {
        Waiting { work: Box::new(Nothing), class, size: Size { rows, bytes }, _permit: None }
    }

    fn queue(calls: usize, bytes: usize) -> Queue {
        Queue::new(Bounds { calls, bytes })
    }

    #[test]
    fn a_full_way_refuses_publishing_but_not_results() {
        let queue = queue(2, 1000);
        assert!(queue.push(waiting(Class::Append, 1, 1)).is_ok());
        assert!(queue.push(waiting(Class::Change, 1, 1)).is_ok());
        assert_eq!(queue.push(waiting(Class::Append, 1, 1)), Err(StoreError::QueueFull));
        assert!(queue.push(waiting(Class::Result, 1, 1)).is_ok());
        assert!(queue.push(waiting(Class::Vital, 1, 1)).is_ok());
        queue.take(&mut VecDeque::new());
        assert!(queue.push(waiting(Class::Append, 1, 1)).is_ok(), "room was given back");
    }

    #[test]
    fn memory_is_bounded_whatever_the_number() {
        let queue = queue(100, 1000);
        assert!(queue.push(waiting(Class::Append, 1, 1000)).is_ok());
        assert_eq!(queue.push(waiting(Class::Append, 1, 1)), Err(StoreError::QueueFull));
    }

    #[test]
    fn a_group_is_bounded_and_keeps_the_order() {
        let queue = queue(100, usize::MAX);
        for rows in [1, COMMIT_MAX.rows, 5, 6] {
            assert!(queue.push(waiting(Class::Append, rows, 1)).is_ok());
        }
        let mut groups = Vec::new();
        while queue.len() > 0 {
            let mut group = VecDeque::new();
            queue.take(&mut group);
            groups.push(group.iter().map(|waiting| waiting.size.rows).collect::<Vec<_>>());
        }
        assert_eq!(groups, [vec![1], vec![COMMIT_MAX.rows], vec![5, 6]]);
    }

    #[test]
    fn what_is_put_back_comes_first() {
        let queue = queue(100, usize::MAX);
        for rows in 1..=3 {
            assert!(queue.push(waiting(Class::Append, rows, 1)).is_ok());
        }
        let mut group = VecDeque::new();
        queue.take(&mut group);
        group.pop_front();
        assert!(queue.push(waiting(Class::Append, 4, 1)).is_ok());
        queue.put_back(&mut group);
        queue.take(&mut group);
        assert_eq!(group.iter().map(|waiting| waiting.size.rows).collect::<Vec<_>>(), [2, 3, 4]);
    }

    #[test]
    fn the_end_comes_after_what_waits() {
        let queue = queue(100, usize::MAX);
        assert!(matches!(queue.wait(Instant::now()), Next::Idle));
        assert!(queue.push(waiting(Class::Append, 1, 1)).is_ok());
        queue.close();
        assert_eq!(queue.push(waiting(Class::Vital, 1, 1)), Err(StoreError::ShuttingDown));
        assert!(matches!(queue.wait(Instant::now()), Next::Work));
        queue.take(&mut VecDeque::new());
        assert!(matches!(queue.wait(Instant::now()), Next::Closed));
    }
}
