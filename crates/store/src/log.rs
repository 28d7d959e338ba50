//! The log of each team: append, read, list.

use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::{Entry, Event, EventId, Patterns, TeamId, Timestamp, WebhookId};

use crate::StoreError;

/// What one publish brings: stored all or nothing.
#[derive(Debug, Clone)]
pub struct Append {
    /// Whose log.
    pub team: TeamId,
    /// The events, in the order in which they will stand.
    pub events: Vec<NewEvent>,
    /// Which webhooks get deliveries.
    pub fan_out: FanOut,
    /// When it was asked, for the age of idempotency keys and deliveries.
    ///
    /// Commit times of a team never fall, since lists and retention search them as they search positions. So after a clock
    /// that ran ahead, a team that published meanwhile keeps the time it reached until the clock is there too: what it
    /// publishes until then looks younger by up to the whole jump, and is kept longer by as much. Nothing is removed
    /// early because of it. (A bound on the jump would take a team's first event after a quiet month for one.)
    pub now: Timestamp,
}

/// Which webhooks an append makes deliveries for, in the same transaction (DLV-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FanOut {
    /// Each enabled one that wants the event.
    Matching,
    /// Not one (`webhooks: false`).
    Nobody,
    /// This one and no other, whether it wants the event or not: a test of it.
    Only(WebhookId),
}

/// One event to append.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The event, its body built.
    pub event: Event,
    /// A repeat with the same key, type, data, test mark and [`Append::fan_out`] finds the first event instead of making
    /// another.
    pub idempotency_key: Option<String>,
}

/// What became of one [`NewEvent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The event in the log: this one, or the first one with the same idempotency key.
    pub entry: Arc<Entry>,
    /// Whether it is the first one's, from an earlier publish.
    pub replayed: bool,
}

/// The ends of a team's log.
///
/// ```text
///    removed        kept: readable              to come
///  1 ········ | oldest ──────────── head | head+1 ···
/// ```
/// An empty log has `oldest == head + 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEnds {
    /// The life of the store (see [`cstar_types::Position`]).
    pub epoch: u32,
    /// The first that is kept.
    pub oldest: u64,
    /// The last; 0 before the first event.
    pub head: u64,
}

/// How much one read may bring: the first bound reached ends it, and at least one entry is brought if there is one.
#[derive(Debug, Clone, Copy)]
pub struct SliceLimit {
    /// At most so many entries.
    pub entries: usize,
    /// At most so many bytes of bodies.
    pub bytes: usize,
}

/// A run of the log without holes: the entries after the asked-for seq, or from `ends.oldest` where that is later
/// (then the caller tells a gap, RT-2). Gaps are data here, not errors.
#[derive(Debug, Clone)]
pub struct LogSlice {
    /// In order, each seq one more than the one before (LOG-2).
    pub entries: Vec<Entry>,
    /// The ends, read in the same transaction.
    pub ends: LogEnds,
}

/// Which of the types a reader gets: those that its key sees, less those that it did not ask for (SEC-2, R24).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeFilter {
    /// What the key sees.
    pub visible: Patterns,
    /// What was asked for; `None` is everything.
    pub wanted: Option<Patterns>,
}

impl TypeFilter {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self { visible: Patterns::all(), wanted: None }
    }

    /// Whether the reader gets this type.
    #[must_use]
    pub fn passes(&self, event_type: &cstar_types::EventType) -> bool {
        self.visible.matches(event_type)
            && self.wanted.as_ref().is_none_or(|wanted| wanted.matches(event_type))
    }
}

/// The direction of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Newest first.
    #[default]
    Desc,
    /// Oldest first.
    Asc,
}

/// A list of events.
#[derive(Debug, Clone)]
pub struct EventQuery {
    /// Which types.
    pub filter: TypeFilter,
    /// Committed at this time or later.
    pub since: Option<Timestamp>,
    /// Committed before this time.
    pub until: Option<Timestamp>,
    /// The direction.
    pub order: Order,
    /// Begin behind this seq, in the direction of the list.
    pub from: Option<u64>,
    /// At most so many rows.
    pub limit: usize,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins, or `None` at the end. It can be set although the page is short or empty: then a
    /// bounded slice was looked at and there is more to look at.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// The first of some rows; whether there are more shows in the one behind them.
    pub(crate) fn cut(mut rows: impl Iterator<Item = T>, limit: usize, id: impl Fn(&T) -> C) -> Self {
        let page: Vec<T> = rows.by_ref().take(limit).collect();
        let next = page.last().filter(|_| rows.next().is_some()).map(id);
        Self { rows: page, next }
    }
}

/// The log of each team.
#[async_trait]
pub trait Log: Send + Sync {
    /// Appends events and, in the same transaction, one delivery for each webhook that is to get one (DLV-1).
    /// Returns after the commit is synced (LOG-1), one [`Appended`] for each event, in order. Positions are given
    /// here, each one more than the one before, for each team (LOG-2).
    ///
    /// If the caller stops waiting, the append may still happen.
    ///
    /// # Errors
    /// `NotFound` (team, or the webhook of [`FanOut::Only`]), `FanOutTooLarge`, `IdempotencyKeyReused`, `Conflict` (a new event
    /// has the id of one that the store keeps, whosever it is; that webhook is disabled), `QueueFull`, `ShuttingDown`,
    /// `StorageFull`: nothing is stored. `OutcomeUnknown`, `Poisoned` after hand-over: it may be.
    async fn append(&self, append: Append) -> Result<Vec<Appended>, StoreError>;

    /// What [`Log::append`] would answer to this if all of it was stored by an earlier publish, found by its idempotency keys;
    /// `None` if an event of it is new. Nothing is stored.
    ///
    /// # Errors
    /// `NotFound` (team), `IdempotencyKeyReused`.
    async fn repeated(&self, append: Append) -> Result<Option<Vec<Appended>>, StoreError>;

    /// Erases what an event said: its `data` is `{}` from now on, wherever it is read, at the position that it has (LOG-2). Its
    /// bytes are overwritten on the disk, and so is what endpoints answered to it. What waits to be delivered of it is
    /// cancelled, and it is neither resent nor recovered any more. Tells the tail. A second time changes nothing.
    async fn erase(&self, team: TeamId, event: EventId) -> Result<(), StoreError>;

    /// The ends of the team's log.
    async fn ends(&self, team: TeamId) -> Result<LogEnds, StoreError>;

    /// The entries after `after`; see [`LogSlice`]. Each body is checked against its checksum (LOG-3).
    async fn read(&self, team: TeamId, after: u64, limit: SliceLimit) -> Result<LogSlice, StoreError>;

    /// One event; `NotFound` if it is unknown, another team's, or no longer kept.
    async fn event(&self, team: TeamId, event: EventId) -> Result<Entry, StoreError>;

    /// A page of events; the cursor is the seq of the last row looked at.
    async fn events(&self, team: TeamId, query: EventQuery) -> Result<Page<Entry, u64>, StoreError>;
}
