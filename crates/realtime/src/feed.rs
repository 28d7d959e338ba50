//! A team that has open streams.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use cstar_store::{Attention, LogEnds};
use cstar_types::{KeyId, Position, TeamId};
use parking_lot::{Mutex, MutexGuard};
use slab::Slab;

use crate::budget::Budget;
use crate::ring::Ring;
use crate::run::Run;
use crate::seat::{News, Seat};

/// Streams woken in one turn of the lock, so that ten thousand of them do not keep a newcomer waiting.
const WOKEN_AT_A_TIME: usize = 256;

/// What the open streams of one team share. It is there from the first of them to the last.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) team: TeamId,
    epoch: AtomicU32,
    /// The last that is known to be committed. It only rises; who has passed it has nothing to do.
    known: AtomicU64,
    /// How often something that the ring may have held was erased. Under the ring's lock.
    erasures: AtomicU64,
    /// `None` once the last stream has left.
    ring: Mutex<Option<Ring>>,
    seats: Mutex<Seats>,
    budget: Arc<Mutex<Budget>>,
    /// Has the store tell what other nodes append.
    _attention: Attention,
}

#[derive(Debug, Default)]
struct Seats {
    open: Slab<Arc<Seat>>,
    /// Of keys, with those of the tokens that they made.
    by_key: HashMap<KeyId, usize>,
    by_holder: HashMap<Holder, usize>,
}

/// Who has a number of streams to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Key(KeyId),
    Token(u128),
}

impl Holder {
    fn of(seat: &Seat) -> Option<Self> {
        seat.token.map(Self::Token).or(seat.key.map(Self::Key))
    }
}

/// How many streams may be open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) a_token: usize,
    pub(crate) a_key: usize,
    pub(crate) a_team: usize,
}

/// No seat is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) limit: usize,
}

impl Feed {
    pub(crate) fn new(team: TeamId, budget: Arc<Mutex<Budget>>, attention: Attention) -> Self {
        Self {
            team,
            epoch: AtomicU32::new(0),
            known: AtomicU64::new(0),
            erasures: AtomicU64::new(0),
            ring: Mutex::new(Some(Ring::default())),
            seats: Mutex::default(),
            budget,
            _attention: attention,
        }
    }

    /// Takes a stream in, if the limits allow it; its place is for [`Feed::leave`].
    pub(crate) fn sit(&self, seat: &Arc<Seat>, limits: Limits) -> Result<usize, Full> {
        let mut seats = self.seats.lock();
        if seats.open.len() >= limits.a_team {
            return Err(Full { limit: limits.a_team });
        }
        if let Some(holder) = Holder::of(seat) {
            let limit = match holder {
                Holder::Key(_) => limits.a_key,
                Holder::Token(_) => limits.a_token,
            };
            let held = seats.by_holder.entry(holder).or_default();
            if *held >= limit {
                return Err(Full { limit });
            }
            *held += 1;
        }
        if let Some(key) = seat.key {
            *seats.by_key.entry(key).or_default() += 1;
        }
        Ok(seats.open.insert(Arc::clone(seat)))
    }

    /// Lets a stream go, and says whether it was the last.
    pub(crate) fn leave(&self, place: usize) -> bool {
        let mut seats = self.seats.lock();
        if let Some(left) = seats.open.try_remove(place) {
            left.key.iter().for_each(|key| one_less(&mut seats.by_key, key));
            Holder::of(&left).iter().for_each(|holder| one_less(&mut seats.by_holder, holder));
        }
        // Waking walks all places, also those that an audience of yesterday has left.
        if seats.open.capacity() > WOKEN_AT_A_TIME && seats.open.len() < seats.open.capacity() / 4 {
            seats.open.shrink_to_fit();
        }
        seats.open.is_empty()
    }

    /// Gives up the ring for good.
    pub(crate) fn retire(&self) {
        let mut ring = self.ring.lock();
        if ring.take().is_some() {
            self.budget.lock().set(self.team, 0);
        }
    }

    /// The last that is known to be committed.
    pub(crate) fn known(&self) -> u64 {
        self.known.load(Ordering::Acquire)
    }

    /// Learns how far the log reaches.
    pub(crate) fn learn(&self, ends: LogEnds) {
        self.epoch.store(ends.epoch, Ordering::Relaxed);
        self.known.fetch_max(ends.head, Ordering::AcqRel);
    }

    /// The position with this seq.
    pub(crate) fn position(&self, seq: u64) -> Position {
        Position::new(self.epoch.load(Ordering::Relaxed), seq)
    }

    /// Puts what was committed into the ring; [`crate::Hub::evict`] is to follow.
    pub(crate) fn push(&self, runs: Vec<Arc<Run>>) {
        self.change_ring(|ring| runs.into_iter().for_each(|run| ring.push(run)));
    }

    /// Keeps what was read from the store for others, unless something was erased since there were so many erasures, before it
    /// was read: it may show that. [`crate::Hub::evict`] is to follow.
    pub(crate) fn keep(&self, run: &Arc<Run>, erasures: u64) {
        self.change_ring(|ring| {
            if self.erasures() == erasures {
                ring.bring(Arc::clone(run));
            }
        });
    }

    /// How often something was erased.
    pub(crate) fn erasures(&self) -> u64 {
        self.erasures.load(Ordering::Acquire)
    }

    /// The data of this one was erased.
    pub(crate) fn erase(&self, seq: u64) {
        self.change_ring(|ring| {
            self.erasures.fetch_add(1, Ordering::AcqRel);
            ring.forget(seq);
        });
    }

    /// Anything may have been erased.
    pub(crate) fn erase_any(&self) {
        self.change_ring(|ring| {
            self.erasures.fetch_add(1, Ordering::AcqRel);
            ring.clear();
        });
    }

    /// Gives up one run of the ring.
    pub(crate) fn evict(&self) {
        self.change_ring(Ring::evict);
    }

    /// The budget is told under the ring's lock: nobody's older figure comes after a newer one.
    fn change_ring(&self, change: impl FnOnce(&mut Ring)) {
        if let Some(ring) = self.ring.lock().as_mut() {
            change(ring);
            self.budget.lock().set(self.team, ring.weight());
        }
    }

    /// The runs from the one that holds the frame behind `after`; empty where the ring does not hold it.
    pub(crate) fn runs_after(&self, after: u64, max_bytes: usize) -> Vec<Arc<Run>> {
        self.ring.lock().as_ref().map_or_else(Vec::new, |ring| ring.runs_after(after, max_bytes))
    }

    /// Whether the ring holds this one.
    pub(crate) fn holds(&self, seq: u64) -> bool {
        self.ring.lock().as_ref().is_some_and(|ring| ring.holds(seq))
    }

    /// Tells the streams what was committed.
    pub(crate) fn tell(&self, news: &News) {
        self.known.fetch_max(news.last, Ordering::AcqRel);
        self.each_seat(|seat| seat.tell(news));
    }

    /// Wakes all streams.
    pub(crate) fn wake(&self) {
        self.each_seat(Seat::wake);
    }

    /// Does something to each stream, those aside that come or go meanwhile.
    pub(crate) fn each_seat(&self, mut act: impl FnMut(&Seat)) {
        let mut seats = self.seats.lock();
        let mut next = 0;
        while next < seats.open.capacity() {
            let end = (next + WOKEN_AT_A_TIME).min(seats.open.capacity());
            (next..end).filter_map(|place| seats.open.get(place)).for_each(|seat| act(seat));
            next = end;
            MutexGuard::bump(&mut seats);
        }
    }

    /// The streams for which this holds.
    pub(crate) fn seats(&self, mut which: impl FnMut(&Seat) -> bool) -> Vec<Arc<Seat>> {
        let seats = self.seats.lock();
        seats.open.iter().filter(|(_, seat)| which(seat)).map(|(_, seat)| Arc::clone(seat)).collect()
    }

    /// The keys of the open streams.
    pub(crate) fn keys(&self) -> BTreeSet<KeyId> {
        self.seats.lock().by_key.keys().copied().collect()
    }
}

fn one_less<K: Hash + Eq>(counts: &mut HashMap<K, usize>, of: &K) {
    if let Some(count) = counts.get_mut(of) {
        *count -= 1;
        if *count == 0 {
            counts.remove(of);
        }
    }
}

#[cfg(test)]
mod tests {
    use cstar_types::Timestamp;

    use super::*;
    use crate::given::filter;
    use crate::seat::Guest;
    use cstar_types::StreamId;

    /// Waking who is left does not walk the places of all who were ever there.
    #[test]
    fn an_audience_that_has_left_leaves_no_places() {
        let team = TeamId::from_uuid(uuid::Uuid::from_u128(7));
        let feed = Feed::new(team, Arc::new(Mutex::new(Budget::new(0))), Attention::default());
        let limits = Limits { a_token: usize::MAX, a_key: usize::MAX, a_team: usize::MAX };
        let sit = |number: u16| {
            let (id, opened_at) = (StreamId::from_bits(number.into()), Timestamp::default());
            let guest = Guest {
                id,
                key: None,
                token: None,
                filter: filter(None),
                expires_at: None,
                opened_at,
                hang_up: None,
            };
            feed.sit(&Arc::new(Seat::new(guest, 0)), limits).unwrap()
        };
        let places: Vec<usize> = (0..10_000).map(sit).collect();
        assert!(places[1..].iter().all(|place| !feed.leave(*place)));
        assert!(feed.seats.lock().open.capacity() <= WOKEN_AT_A_TIME);
        let mut left = 0;
        feed.each_seat(|_| left += 1);
        assert_eq!(left, 1);
        assert!(feed.leave(places[0]));
    }
}
