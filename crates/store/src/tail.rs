//! The tail: what was committed, told to the readers in this process right after the commit.
//!
//! It is a doorbell that brings the goods along, not a queue that must not lose: a reader that falls behind its budget
//! is told [`Told::Lagged`] and reads the store instead.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use cstar_types::{DeliveryId, Entry, KeyId, TeamId, WebhookId};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::Due;

/// One thing that was committed.
#[derive(Debug, Clone)]
pub enum Change {
    /// Entries of one team, in order and without holes, and the deliveries that they made.
    Appended {
        /// Whose log.
        team: TeamId,
        /// What was appended.
        entries: Vec<Arc<Entry>>,
        /// What is now due.
        deliveries: Vec<Due>,
    },
    /// An ended delivery is due again, or one was made by itself of an event that was there before.
    Reopened {
        /// Which delivery.
        delivery: DeliveryId,
        /// To where.
        webhook: WebhookId,
    },
    /// Something is due that was not told in full: for this webhook, or nobody knows for which. It is what another node had that
    /// has gone, or what may have been committed although its answer did not come.
    Due(Option<WebhookId>),
    /// A webhook or its secrets were made or changed, or it was disabled, enabled or deleted.
    WebhookChanged(WebhookId),
    /// The data of an event was erased: what is held of it is not to be given out any more.
    Erased {
        /// Whose event.
        team: TeamId,
        /// Where it stands.
        seq: u64,
        /// To whom it waited to be delivered, in the order of the deliveries.
        webhooks: Vec<WebhookId>,
    },
    /// A key was revoked.
    KeyRevoked(KeyId),
    /// A team was deleted.
    TeamDeleted(TeamId),
}

impl Change {
    /// About how much memory it holds, in bytes.
    fn weight(&self) -> usize {
        const FIXED: usize = 256;
        match self {
            Self::Appended { entries, deliveries, .. } => {
                let bodies: usize = entries.iter().map(|entry| FIXED + entry.event.body.len()).sum();
                FIXED + bodies + deliveries.len() * size_of::<Due>()
            }
            _ => FIXED,
        }
    }

    /// Whether it changes what was told before, rather than adding to it.
    fn overtakes(&self) -> bool {
        match self {
            Self::Appended { .. } | Self::Reopened { .. } | Self::Due(_) => false,
            Self::WebhookChanged(_) | Self::Erased { .. } | Self::KeyRevoked(_) | Self::TeamDeleted(_) => {
                true
            }
        }
    }
}

/// What a reader of the tail is told.
#[derive(Debug, Clone)]
pub enum Told {
    /// This was committed.
    Change(Arc<Change>),
    /// More was committed than the budget holds; everything up to now was dropped. Read the store.
    Lagged,
}

/// The writing end, held by the store.
#[derive(Debug, Default)]
pub struct Tail {
    readers: Mutex<Readers>,
}

/// Who is told, and whether the end was: under one lock, so that no reader comes in between and is never told.
#[derive(Debug, Default)]
struct Readers {
    known: Vec<Weak<Shared>>,
    closed: bool,
}

#[derive(Debug)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Set and unset under the lock of what waits; see [`Overtaken`].
    overtaken: AtomicBool,
    bell: Notify,
    budget_bytes: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    changes: VecDeque<Arc<Change>>,
    bytes: usize,
    lagged: bool,
    closed: bool,
}

/// Keeps a team attended for as long as it lives: see [`crate::Upkeep::attend`].
#[derive(Default)]
pub struct Attention(Option<Box<dyn Any + Send + Sync>>);

impl Attention {
    /// One that holds this until it is dropped.
    #[cfg(feature = "postgres")]
    pub(crate) fn holding(held: impl Any + Send + Sync) -> Self {
        Self(Some(Box::new(held)))
    }
}

impl fmt::Debug for Attention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attention").field(&self.0.is_some()).finish()
    }
}

/// One reader of the tail.
#[derive(Debug)]
pub struct TailReader {
    shared: Arc<Shared>,
}

/// Whether something was committed that changes what a [`TailReader`] was told before, and the reader has not dealt with it: from
/// before the commit is answered until the reader, done with all that it was told, asks for more and there is none. For those
/// who act beside the reader on what it was told.
#[derive(Debug, Clone)]
pub struct Overtaken {
    by: Arc<Shared>,
}

impl Tail {
    /// A reader that is told everything committed from now on, holding at most about `budget_bytes`. After
    /// [`Tail::close`] it is told the end.
    pub fn subscribe(&self, budget_bytes: usize) -> TailReader {
        let mut readers = self.readers.lock();
        let waiting = Mutex::new(Waiting { closed: readers.closed, ..Waiting::default() });
        let shared = Arc::new(Shared {
            waiting,
            overtaken: AtomicBool::new(false),
            bell: Notify::new(),
            budget_bytes,
        });
        readers.known.push(Arc::downgrade(&shared));
        TailReader { shared }
    }

    /// Tells all readers, in the order of commits. Never waits for one.
    pub fn tell(&self, change: Change) {
        let weight = change.weight();
        let change = Arc::new(change);
        self.readers.lock().known.retain(|reader| {
            let Some(reader) = reader.upgrade() else { return false };
            reader.push(&change, weight);
            true
        });
    }

    /// Tells all readers that they missed something, as if they had fallen behind.
    #[cfg(feature = "postgres")]
    pub(crate) fn lag(&self) {
        self.readers.lock().known.retain(|reader| {
            let Some(reader) = reader.upgrade() else { return false };
            let mut waiting = reader.waiting.lock();
            waiting.lose();
            reader.overtaken.store(true, Ordering::Release);
            drop(waiting);
            reader.bell.notify_one();
            true
        });
    }

    /// Tells all readers that nothing more will come.
    pub fn close(&self) {
        let mut readers = self.readers.lock();
        readers.closed = true;
        for reader in readers.known.drain(..).filter_map(|reader| reader.upgrade()) {
            reader.waiting.lock().closed = true;
            reader.bell.notify_one();
        }
    }
}

impl Waiting {
    fn lose(&mut self) {
        self.changes.clear();
        self.bytes = 0;
        self.lagged = true;
    }
}

impl Shared {
    fn push(&self, change: &Arc<Change>, weight: usize) {
        let mut waiting = self.waiting.lock();
        if waiting.bytes + weight > self.budget_bytes && !waiting.changes.is_empty() {
            waiting.lose();
        }
        if waiting.lagged || change.overtakes() {
            self.overtaken.store(true, Ordering::Release);
        }
        if !waiting.lagged {
            waiting.changes.push_back(Arc::clone(change));
            waiting.bytes += weight;
        }
        drop(waiting);
        self.bell.notify_one();
    }
}

impl TailReader {
    /// The next thing told, or `None` once the store has closed. Safe to drop while it waits.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some(told) = self.try_next() {
                return told;
            }
            self.shared.bell.notified().await; // keeps a permit if it was rung in between: there is one waiter
        }
    }

    /// Like [`TailReader::next`], but `None` where that would wait.
    pub fn try_next(&mut self) -> Option<Option<Told>> {
        let mut waiting = self.shared.waiting.lock();
        if std::mem::take(&mut waiting.lagged) {
            return Some(Some(Told::Lagged));
        }
        if let Some(change) = waiting.changes.pop_front() {
            waiting.bytes = waiting.bytes.saturating_sub(change.weight());
            return Some(Some(Told::Change(change)));
        }
        self.shared.overtaken.store(false, Ordering::Release);
        waiting.closed.then_some(None)
    }

    /// Whether what it was told still holds, asked without it.
    pub fn overtaken(&self) -> Overtaken {
        Overtaken { by: Arc::clone(&self.shared) }
    }
}

impl Overtaken {
    /// Costs no lock.
    #[must_use]
    pub fn is_so(&self) -> bool {
        self.by.overtaken.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(bits: u128) -> Change {
        Change::WebhookChanged(WebhookId::from_bits(bits))
    }

    #[tokio::test]
    async fn changes_come_in_order_and_then_the_end() {
        let tail = Tail::default();
        let mut reader = tail.subscribe(1 << 20);
        (0..3).for_each(|bits| tail.tell(change(bits)));
        tail.close();
        for bits in 0..3 {
            let told = reader.next().await;
            assert!(
                matches!(told, Some(Told::Change(c)) if matches!(*c, Change::WebhookChanged(w) if w.bits() == bits))
            );
        }
        assert!(reader.next().await.is_none());
    }

    #[test]
    fn a_reader_that_comes_after_the_end_is_told_so() {
        let tail = Tail::default();
        tail.close();
        let told = tail.subscribe(1 << 20).try_next();
        assert!(matches!(told, Some(None)), "{told:?}");
    }

    #[tokio::test]
    async fn a_reader_past_its_budget_is_told_so_once_and_goes_on() {
        let tail = Tail::default();
        let mut reader = tail.subscribe(600);
        (0..10).for_each(|bits| tail.tell(change(bits)));
        assert!(matches!(reader.next().await, Some(Told::Lagged)));
        assert!(reader.try_next().is_none(), "what was dropped is not told again");
        tail.tell(change(11));
        assert!(matches!(reader.next().await, Some(Told::Change(_))));
    }

    /// Until the reader has dealt with it, not only until it has taken it.
    #[test]
    fn who_is_overtaken_is_so_until_it_has_heard_all() {
        let tail = Tail::default();
        let mut reader = tail.subscribe(1 << 20);
        let overtaken = reader.overtaken();
        tail.tell(Change::Reopened { delivery: DeliveryId::from_bits(1), webhook: WebhookId::from_bits(1) });
        assert!(!overtaken.is_so(), "what was told before still holds");
        tail.tell(change(1));
        while reader.try_next().is_some() {
            assert!(overtaken.is_so());
        }
        assert!(!overtaken.is_so());
    }

    #[test]
    fn who_lags_is_overtaken() {
        let tail = Tail::default();
        let reader = tail.subscribe(0);
        let appended = || Change::Appended {
            team: TeamId::from_uuid(uuid::Uuid::nil()),
            entries: Vec::new(),
            deliveries: Vec::new(),
        };
        tail.tell(appended());
        assert!(!reader.overtaken().is_so());
        tail.tell(appended());
        assert!(reader.overtaken().is_so());
    }
}
