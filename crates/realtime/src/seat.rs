//! An open stream, as the hub sees it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use cstar_store::TypeFilter;
use cstar_types::{EventType, KeyId, Pattern, Patterns, StreamId, Timestamp};
use futures_util::task::AtomicWaker;

/// Cuts the connection that carries a stream, for a reader that takes nothing any more: its body is not asked for, so it
/// cannot end by itself.
#[derive(Clone)]
pub struct HangUp(Arc<dyn Fn() + Send + Sync>);

impl HangUp {
    /// What cuts the connection. It is called at most once for each stream and must not wait.
    pub fn new(hang_up: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(hang_up))
    }
}

impl fmt::Debug for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HangUp")
    }
}

/// Why the hub ends a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The server closes, or the stream was ended by hand: come back.
    Reconnect,
    /// Its key or token opens nothing from now on.
    Expired,
    /// Its key was revoked.
    Revoked,
    /// Its team was deleted.
    TeamDeleted,
    /// Nobody takes what it has to send.
    Stalled,
}

/// What was just committed to one team's log.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) first: u64,
    pub(crate) last: u64,
    types: Vec<EventType>,
    /// There are more types than it pays to look at.
    any: bool,
}

/// More types than this in one piece of news concern everybody.
const NEWS_TYPES: usize = 8;

impl News {
    pub(crate) fn new<'a>(first: u64, last: u64, types: impl IntoIterator<Item = &'a EventType>) -> Self {
        let mut news = Self { first, last, ..Self::default() };
        for event_type in types {
            if !news.types.contains(event_type) {
                if news.types.len() == NEWS_TYPES {
                    news.any = true;
                    break;
                }
                news.types.push(event_type.clone());
            }
        }
        news
    }

    fn concern(&self, seat: &Seat) -> bool {
        let filter = &seat.filter;
        self.any || seat.takes_all || self.types.iter().any(|event_type| filter.passes(event_type))
    }
}

/// What the hub and one subscription share.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) id: StreamId,
    pub(crate) key: Option<KeyId>,
    pub(crate) token: Option<u128>,
    pub(crate) filter: TypeFilter,
    /// The filter leaves out nothing, which saves looking at each event.
    pub(crate) takes_all: bool,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) opened_at: Timestamp,
    hang_up: Option<HangUp>,
    /// RT-1: everything up to here was handed to the connection or left out by the filter. It only rises once the stream
    /// has begun; until then it is [`NOT_BEGUN`].
    passed: AtomicU64,
    waker: AtomicWaker,
    heartbeat: AtomicBool,
    ending: OnceLock<Ending>,
    /// The tick at which something was handed to the connection that has not come back for more, or [`AT_REST`].
    handed_at: AtomicU64,
    closed: AtomicBool,
    hung_up: AtomicBool,
}

/// The log's ends are still being looked up. No news can be passed here, and nothing is behind it.
const NOT_BEGUN: u64 = u64::MAX;

/// The subscription waits for the hub, not for its reader.
const AT_REST: u64 = u64::MAX;

/// Who sits down.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) id: StreamId,
    pub(crate) key: Option<KeyId>,
    pub(crate) token: Option<u128>,
    pub(crate) filter: TypeFilter,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) opened_at: Timestamp,
    pub(crate) hang_up: Option<HangUp>,
}

impl Seat {
    pub(crate) fn new(guest: Guest, tick: u64) -> Self {
        let Guest { id, key, token, filter, expires_at, opened_at, hang_up } = guest;
        Self {
            id,
            key,
            token,
            takes_all: takes_all(&filter),
            filter,
            expires_at,
            opened_at,
            hang_up,
            passed: AtomicU64::new(NOT_BEGUN),
            waker: AtomicWaker::new(),
            heartbeat: AtomicBool::new(false),
            ending: OnceLock::new(),
            handed_at: AtomicU64::new(tick),
            closed: AtomicBool::new(false),
            hung_up: AtomicBool::new(false),
        }
    }

    /// The stream goes on behind `seq`.
    pub(crate) fn begin(&self, seq: u64) {
        self.passed.store(seq, Ordering::Release);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.passed() != NOT_BEGUN
    }

    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Acquire)
    }

    pub(crate) fn pass(&self, seq: u64) {
        self.passed.fetch_max(seq, Ordering::AcqRel);
    }

    /// Wakes the subscription if the news are for it. Others that are up to date pass the news where they sit, so that a
    /// narrow filter costs no wake-up.
    pub(crate) fn tell(&self, news: &News) {
        if news.concern(self) || !self.leave_out(news) {
            self.waker.wake();
        }
    }

    /// RT-1: only who has passed everything before the news may pass them unseen.
    fn leave_out(&self, news: &News) -> bool {
        let before = news.first.saturating_sub(1);
        self.passed.compare_exchange(before, news.last, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    pub(crate) fn register(&self, waker: &std::task::Waker) {
        self.waker.register(waker);
    }

    /// Has the subscription send a heartbeat.
    pub(crate) fn ask_for_heartbeat(&self) {
        self.heartbeat.store(true, Ordering::Release);
        self.waker.wake();
    }

    pub(crate) fn heartbeat_asked(&self) -> bool {
        // Looked at before it is written: nearly always nothing was asked.
        self.heartbeat.load(Ordering::Acquire) && self.heartbeat.swap(false, Ordering::AcqRel)
    }

    /// Has the subscription end; the first reason counts.
    pub(crate) fn end(&self, ending: Ending) {
        let _ = self.ending.set(ending);
        self.waker.wake();
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        self.ending.get().copied()
    }

    /// Notes that the connection took something and has to come back for more.
    pub(crate) fn handed(&self, tick: u64) {
        self.handed_at.store(tick, Ordering::Relaxed);
    }

    pub(crate) fn at_rest(&self) {
        self.handed_at.store(AT_REST, Ordering::Relaxed);
    }

    /// Whether the connection took something at least `ticks` ago and did not come back.
    pub(crate) fn stands_still(&self, now: u64, ticks: u64) -> bool {
        let handed_at = self.handed_at.load(Ordering::Relaxed);
        handed_at != AT_REST && now.saturating_sub(handed_at) >= ticks
    }

    /// Cuts the connection, once; says whether it did.
    pub(crate) fn hang_up(&self) -> bool {
        let Some(hang_up) = &self.hang_up else { return false };
        let first = !self.hung_up.swap(true, Ordering::AcqRel);
        if first {
            (hang_up.0)();
        }
        first
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

fn takes_all(filter: &TypeFilter) -> bool {
    let all = |patterns: &Patterns| patterns.as_slice().contains(&Pattern::All);
    all(&filter.visible) && filter.wanted.as_ref().is_none_or(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::filter;

    fn seat(wanted: &str) -> Seat {
        let id = StreamId::from_bits(1);
        let opened_at = Timestamp::default();
        let filter = filter(Some(wanted));
        Seat::new(Guest { id, key: None, token: None, filter, expires_at: None, opened_at, hang_up: None }, 0)
    }

    fn news(first: u64, last: u64, types: &[&str]) -> News {
        let types: Vec<EventType> = types.iter().map(|text| text.parse().unwrap()).collect();
        News::new(first, last, &types)
    }

    /// RT-1: a cursor moves past news unseen only if nothing of them is for it and it has passed all before them.
    #[test]
    fn only_who_is_up_to_date_passes_news_unseen() {
        let seat = seat("ticket.*");
        seat.tell(&news(1, 3, &["boss.spawned"]));
        assert!(!seat.has_begun(), "it does not stand anywhere yet");
        seat.begin(0);
        seat.tell(&news(1, 3, &["boss.spawned"]));
        assert_eq!(seat.passed(), 3);
        seat.tell(&news(4, 5, &["boss.spawned", "ticket.created"]));
        assert_eq!(seat.passed(), 3, "this is for it");
        seat.tell(&news(6, 7, &["boss.spawned"]));
        assert_eq!(seat.passed(), 3, "4 and 5 are not passed yet");
    }

    #[test]
    fn too_many_types_concern_everybody() {
        let names: Vec<String> = (0..=NEWS_TYPES).map(|number| format!("boss.n{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(news(1, 9, &names).concern(&seat("ticket.*")));
        assert!(!news(1, 9, &names[1..]).concern(&seat("ticket.*")));
    }

    #[test]
    fn only_a_filter_that_leaves_out_nothing_takes_all() {
        for (wanted, all) in [("*", true), ("boss.*,*", true), ("ticket.*", false), ("*.created", false)] {
            assert_eq!(seat(wanted).takes_all, all, "{wanted}");
        }
        let cut = TypeFilter { visible: filter(Some("boss.*")).wanted.unwrap(), wanted: None };
        assert!(!takes_all(&cut), "SEC-2");
    }

    #[test]
    fn the_first_ending_counts() {
        let seat = seat("*");
        seat.end(Ending::Revoked);
        seat.end(Ending::Reconnect);
        assert_eq!(seat.ending(), Some(Ending::Revoked));
    }

    #[test]
    fn who_rests_does_not_stand_still() {
        let seat = seat("*");
        seat.handed(10);
        assert!(!seat.stands_still(19, 10) && seat.stands_still(20, 10));
        seat.at_rest();
        assert!(!seat.stands_still(u64::MAX, 10));
    }
}
