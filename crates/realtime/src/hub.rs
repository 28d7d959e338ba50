//! The hub: who listens to which team.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cstar_store::{Store, StoreError};
use cstar_types::{Clock, KeyId, Patterns, Position, StreamId, TeamId, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::budget::Budget;
use crate::counts::{Counts, Tally};
use crate::feed::{Feed, Limits};
use crate::seat::{Ending, Guest, Seat};
use crate::subscription::{Beginning, Subscription};
use crate::wheel::{Spoke, Wheel};
use crate::{Options, Subscribe, SubscribeError};

/// An open stream, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Which stream.
    pub id: StreamId,
    /// The key that opened it, or that made the token that did.
    pub key: Option<KeyId>,
    /// What its key or token sees (SEC-2).
    pub visible: Patterns,
    /// What was asked for; `None` is everything that the key sees.
    pub types: Option<Patterns>,
    /// The last position that it has passed.
    pub position: Position,
    /// How many events it has still to pass.
    pub lag: u64,
    /// Since when.
    pub opened_at: Timestamp,
}

/// The open streams of all teams, and what they share.
///
/// One task, [`Hub::run`], reads the store's tail, turns what was committed into frames, once, and wakes those whom it
/// concerns. Each stream is a [`Subscription`], which is polled by its connection and has neither task nor timer.
pub struct Hub {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: Options,
    clock: Clock,
    feeds: Mutex<Feeds>,
    budget: Arc<Mutex<Budget>>,
    wheel: Mutex<Wheel>,
    expiries: Mutex<BTreeMap<(Timestamp, StreamId), Arc<Seat>>>,
    pub(crate) reads: Semaphore,
    ticks: AtomicU64,
    pub(crate) tally: Tally,
}

#[derive(Debug, Default)]
struct Feeds {
    by_team: HashMap<TeamId, Arc<Feed>>,
    closed: bool,
}

impl Hub {
    /// A hub that reads this store, once [`Hub::run`] runs.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, options: Options, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            store,
            clock,
            feeds: Mutex::default(),
            budget: Arc::new(Mutex::new(Budget::new(options.ring_bytes))),
            wheel: Mutex::new(Wheel::new(options.heartbeat_ticks())),
            expiries: Mutex::default(),
            reads: Semaphore::new(options.reads_at_once.max(1)),
            ticks: AtomicU64::new(0),
            tally: Tally::default(),
            options,
        })
    }

    /// Opens a stream. When this returns the subscription stands: what is committed from now on arrives.
    ///
    /// # Errors
    /// When there is to be no stream; nothing is held then.
    pub async fn subscribe(self: &Arc<Self>, asked: Subscribe) -> Result<Subscription, SubscribeError> {
        let Subscribe { team, key, token, filter, origin, until_head, format, expires_at, hang_up } = asked;
        let id = StreamId::from_bits(rand::random());
        let opened_at = (self.clock)();
        let place = self.sit(team, Guest { id, key, token, filter, expires_at, opened_at, hang_up })?;
        // The seat is taken first, the log's ends and the key are looked at then: what changes behind these looks, the
        // seat is told.
        let ends = self.store.ends(team).await?;
        if let Some(key) = key
            && !self.key_stands(key).await?
        {
            return Err(SubscribeError::KeyRevoked);
        }
        place.feed.learn(ends);
        let start = origin.start(ends);
        place.seat.begin(start.passed.seq);
        self.tally.opened.add(1);
        self.tally.gaps.add(u64::from(start.gap.is_some()));
        let opening = format.opening(&start, ends, self.options.heartbeat, self.options.retry);
        let until = if until_head { ends.head } else { u64::MAX };
        Ok(Subscription::new(place, Beginning { opening, until, format }))
    }

    /// Whether there is such a key, and nobody has revoked it.
    pub(crate) async fn key_stands(&self, key: KeyId) -> Result<bool, StoreError> {
        match self.store.key(key).await {
            Ok((key, _)) => Ok(key.revoked_at.is_none()),
            Err(StoreError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn sit(self: &Arc<Self>, team: TeamId, guest: Guest) -> Result<Place, SubscribeError> {
        let Options { streams_a_token, streams_a_key, streams_a_team, .. } = self.options;
        let limits = Limits { a_token: streams_a_token, a_key: streams_a_key, a_team: streams_a_team };
        let seat = Arc::new(Seat::new(guest, self.tick_now()));
        let mut feeds = self.feeds.lock();
        if feeds.closed {
            return Err(SubscribeError::ShuttingDown);
        }
        let new = || Arc::new(Feed::new(team, Arc::clone(&self.budget), self.store.attend(team)));
        let feed = Arc::clone(feeds.by_team.entry(team).or_insert_with(new));
        let in_feed =
            feed.sit(&seat, limits).map_err(|full| SubscribeError::TooManyStreams { limit: full.limit })?;
        drop(feeds);
        let spoke = self.wheel.lock().insert(Arc::clone(&seat));
        if let Some(at) = seat.expires_at {
            self.expiries.lock().insert((at, seat.id), Arc::clone(&seat));
        }
        Ok(Place { hub: Arc::clone(self), feed, seat, in_feed, spoke })
    }

    fn leave(&self, place: &Place) {
        place.seat.close();
        self.wheel.lock().remove(place.spoke);
        if let Some(at) = place.seat.expires_at {
            self.expiries.lock().remove(&(at, place.seat.id));
        }
        let mut feeds = self.feeds.lock();
        if place.feed.leave(place.in_feed) {
            feeds.by_team.remove(&place.feed.team);
            place.feed.retire();
        }
    }

    /// The open streams of a team.
    #[must_use]
    pub fn streams(&self, team: TeamId) -> Vec<Stream> {
        let Some(feed) = self.feed(team) else { return Vec::new() };
        let known = feed.known();
        let describe = |seat: Arc<Seat>| Stream {
            id: seat.id,
            key: seat.key,
            visible: seat.filter.visible.clone(),
            types: seat.filter.wanted.clone(),
            position: feed.position(seat.passed()),
            lag: known.saturating_sub(seat.passed()),
            opened_at: seat.opened_at,
        };
        feed.seats(Seat::has_begun).into_iter().map(describe).collect()
    }

    /// Ends a stream of a team, as before a shutdown; says whether there was one. Its client may come back: to keep it
    /// away, revoke its key.
    pub fn end(&self, team: TeamId, stream: StreamId) -> bool {
        let found = self.feed(team).map(|feed| feed.seats(|seat| seat.id == stream)).unwrap_or_default();
        found.iter().for_each(|seat| seat.end(Ending::Reconnect));
        !found.is_empty()
    }

    /// Counts since the start, and how things stand now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let (mut streams, mut lag_max) = (0, 0);
        for feed in self.feeds() {
            let known = feed.known();
            feed.each_seat(|seat| {
                streams += 1;
                lag_max = lag_max.max(known.saturating_sub(seat.passed()));
            });
        }
        let tally = &self.tally;
        Counts {
            streams,
            opened: tally.opened.get(),
            frames: tally.frames.get(),
            batches: tally.batches.get(),
            gaps: tally.gaps.get(),
            reads: tally.reads.get(),
            lagged: tally.lagged.get(),
            hung_up: tally.hung_up.get(),
            ring_bytes: self.budget.lock().held_bytes() as u64,
            lag_max,
        }
    }

    pub(crate) fn feed(&self, team: TeamId) -> Option<Arc<Feed>> {
        self.feeds.lock().by_team.get(&team).cloned()
    }

    pub(crate) fn feeds(&self) -> Vec<Arc<Feed>> {
        self.feeds.lock().by_team.values().cloned().collect()
    }

    pub(crate) fn has_feed(&self, team: TeamId) -> bool {
        self.feeds.lock().by_team.contains_key(&team)
    }

    /// Takes no new streams from now on.
    pub(crate) fn close(&self) {
        self.feeds.lock().closed = true;
    }

    /// Has the largest rings give something up until all are within the budget.
    pub(crate) fn evict(&self) {
        loop {
            let Some(team) = self.budget.lock().over() else { return };
            match self.feed(team) {
                Some(feed) => feed.evict(),
                None => continue, // its last stream has just left, and its ring is gone
            }
        }
    }

    /// One tick on: asks for the heartbeats that are due, and answers who was looked at.
    pub(crate) fn turn_wheel(&self, mut act: impl FnMut(&Arc<Seat>)) {
        self.wheel.lock().turn().for_each(&mut act);
    }

    /// Those whose token or key has expired.
    pub(crate) fn take_expired(&self) -> Vec<Arc<Seat>> {
        let now = (self.clock)();
        let mut expiries = self.expiries.lock();
        let mut expired = Vec::new();
        while let Some(first) = expiries.first_entry().filter(|first| first.key().0 <= now) {
            expired.push(first.remove());
        }
        expired
    }

    pub(crate) fn tick_now(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    pub(crate) fn next_tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A taken seat; dropping it leaves.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) hub: Arc<Hub>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) seat: Arc<Seat>,
    in_feed: usize,
    spoke: Spoke,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.leave(self);
    }
}
