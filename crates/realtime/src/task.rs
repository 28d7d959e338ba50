//! The hub's one task: from the store's tail to the rings, and the streams' time.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use cstar_store::{Change, StoreError, TailReader, Told};
use cstar_types::{Entry, KeyId, TeamId};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::time::interval;

use crate::Hub;
use crate::catch_up::{Finding, findings};
use crate::feed::Feed;
use crate::options::{LEAVE_TICKS, TICK};
use crate::run::Run;
use crate::seat::{Ending, News, Seat};

/// Changes that are taken from the tail before anybody is woken: what waits is sent together, and a flood of small
/// commits does not keep the heartbeats waiting.
const GROUP_CHANGES: usize = 256;

impl Hub {
    /// Serves the streams until `shutdown`, or until the store closes; then no stream is taken any more, and those that
    /// are open are told to come back after a while and end. To be run once; without it streams stand still.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        Task::new(self).run(shutdown).await;
        self.drain();
    }

    /// Has all streams end and come back later.
    fn drain(&self) {
        self.close();
        for feed in self.feeds() {
            feed.each_seat(|seat| seat.end(Ending::Reconnect));
        }
    }
}

struct Task<'a> {
    hub: &'a Hub,
    /// The tail did not tell everything: the store knows more than the hub does.
    behind: bool,
    /// What the store says meanwhile. The tail goes on beside it: the streams read what they miss themselves.
    catching_up: Option<BoxStream<'a, Result<Finding, StoreError>>>,
    /// The store did not answer. It is asked again at the next tick, not at once.
    again: bool,
    /// Ended, and the tick by which they are to be gone.
    leaving: Vec<(u64, Arc<Seat>)>,
}

/// The next finding, while there are some.
async fn next<T>(findings: &mut Option<BoxStream<'_, T>>) -> Option<T> {
    match findings {
        Some(findings) => findings.next().await,
        None => std::future::pending().await,
    }
}

impl<'a> Task<'a> {
    fn new(hub: &'a Hub) -> Self {
        Self { hub, behind: true, catching_up: None, again: false, leaving: Vec::new() }
    }

    /// Goes on until `shutdown`, or until the store closes. Nothing that is looked up in the store holds anything else up.
    async fn run(&mut self, shutdown: impl Future<Output = ()>) {
        let mut tail = self.hub.store.tail(self.hub.options.tail_bytes);
        let mut ticks = interval(TICK); // ticks that were missed come at once, so that they count time
        let mut shutdown = pin!(shutdown);
        loop {
            self.catch_up();
            tokio::select! {
                biased;
                () = &mut shutdown => return,
                _ = ticks.tick() => self.tick(),
                finding = next(&mut self.catching_up) => match finding {
                    Some(finding) => self.learn(finding),
                    None => self.catching_up = None,
                },
                told = tail.next() => match told {
                    Some(told) => self.take(told, &mut tail),
                    None => return,
                },
            }
        }
    }

    /// Takes what was told, and what waits behind it, and tells it on.
    fn take(&mut self, first: Told, tail: &mut TailReader) {
        let mut appended: HashMap<TeamId, Vec<Arc<Entry>>> = HashMap::new();
        let mut erased = Vec::new();
        let waiting = std::iter::once(first).chain(std::iter::from_fn(|| tail.try_next().flatten()));
        for told in waiting.take(GROUP_CHANGES) {
            match told {
                Told::Lagged => {
                    self.behind = true;
                    // It may have told of an erasure.
                    self.hub.feeds().iter().for_each(|feed| feed.erase_any());
                    self.hub.tally.lagged.add(1);
                    break; // what is told from here on does not join what was told before
                }
                Told::Change(change) => {
                    if let Change::Erased { team, seq, .. } = *change {
                        erased.push((team, seq));
                    }
                    self.note(&change, &mut appended);
                }
            }
        }
        for (team, entries) in appended {
            if let Some(feed) = self.hub.feed(team) {
                self.publish(&feed, &entries);
            }
        }
        // Behind what was appended with it: a ring must not take it up again.
        for (team, seq) in erased {
            if let Some(feed) = self.hub.feed(team) {
                feed.erase(seq);
            }
        }
    }

    fn note(&mut self, change: &Change, appended: &mut HashMap<TeamId, Vec<Arc<Entry>>>) {
        match change {
            Change::Appended { team, entries, .. } if self.hub.has_feed(*team) => {
                let so_far = appended.entry(*team).or_default();
                if !follow(so_far, entries) {
                    so_far.clear(); // the team had no open stream in between
                }
                so_far.extend(entries.iter().cloned());
            }
            Change::KeyRevoked(key) => self.end_key(*key),
            Change::TeamDeleted(team) => {
                if let Some(feed) = self.hub.feed(*team) {
                    self.end(feed.seats(|_| true), Ending::TeamDeleted);
                }
            }
            _ => {}
        }
    }

    /// Puts what was committed into the ring and tells those whom it concerns.
    fn publish(&self, feed: &Feed, entries: &[Arc<Entry>]) {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return };
        match Run::encode_split(entries, self.hub.options.batch_bytes) {
            Ok(runs) => feed.push(runs),
            Err(error) => {
                // The streams come across it in the store, and end there.
                tracing::error!(team = %feed.team, %error, "an event cannot be streamed");
            }
        }
        self.hub.evict();
        let types = entries.iter().map(|entry| &entry.event.event_type);
        feed.tell(&News::new(first.position.seq, last.position.seq, types));
    }

    /// Begins to find out in the store what the tail did not tell, if it has to and is not doing so.
    fn catch_up(&mut self) {
        if self.behind && self.catching_up.is_none() {
            self.behind = false;
            self.catching_up = Some(findings(self.hub));
        }
    }

    fn learn(&mut self, finding: Result<Finding, StoreError>) {
        match finding {
            Ok(Finding::KeyStands) => {}
            Ok(Finding::KeyRevoked(key)) => self.end_key(key),
            Ok(Finding::LogReaches(feed, ends)) => {
                feed.learn(ends);
                feed.wake();
            }
            Ok(Finding::TeamDeleted(feed)) => self.end(feed.seats(|_| true), Ending::TeamDeleted),
            Err(error) => {
                if !std::mem::replace(&mut self.again, true) {
                    tracing::warn!(%error, "the store does not say what the streams missed; asking again");
                }
            }
        }
    }

    /// A token dies with the key that made it (SEC-2).
    fn end_key(&mut self, key: KeyId) {
        for feed in self.hub.feeds() {
            self.end(feed.seats(|seat| seat.key == Some(key)), Ending::Revoked);
        }
    }

    /// Ends streams, and sees to it that they are gone soon, whether their readers read or not.
    fn end(&mut self, seats: Vec<Arc<Seat>>, ending: Ending) {
        let gone_by = self.hub.tick_now() + LEAVE_TICKS;
        for seat in seats {
            seat.end(ending);
            self.leaving.push((gone_by, seat));
        }
    }

    /// Heartbeats, expiry, and those that stand still.
    fn tick(&mut self) {
        self.behind |= std::mem::take(&mut self.again);
        let now = self.hub.next_tick();
        let stalled_ticks = self.hub.options.stalled_ticks();
        let mut stalled = Vec::new();
        self.hub.turn_wheel(|seat| {
            seat.ask_for_heartbeat();
            if seat.stands_still(now, stalled_ticks) || seat.ending().is_some() {
                stalled.push(Arc::clone(seat));
            }
        });
        self.end(stalled, Ending::Stalled);
        self.end(self.hub.take_expired(), Ending::Expired);
        self.hang_up(now);
    }

    fn hang_up(&mut self, now: u64) {
        let hub = self.hub;
        self.leaving.retain(|(gone_by, seat)| {
            if seat.is_closed() {
                return false;
            }
            if *gone_by > now {
                return true;
            }
            hub.tally.hung_up.add(u64::from(seat.hang_up()));
            false
        });
    }
}

/// Whether these entries stand right behind those.
fn follow(before: &[Arc<Entry>], entries: &[Arc<Entry>]) -> bool {
    match (before.last(), entries.first()) {
        (Some(last), Some(first)) => first.position.seq == last.position.seq + 1,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cstar_store::model::Model;
    use cstar_store::{Append, Directory, FanOut, Log, NewEvent};
    use cstar_types::{Team, Timestamp};
    use futures_util::stream;
    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;
    use crate::given::{entry, filter};
    use crate::{Format, Options, Origin, Subscribe};

    async fn hub() -> (Arc<Model>, Arc<Hub>, TeamId) {
        let (store, team) = (Model::new(), entry(1).event.team);
        let created_at = Timestamp::default();
        store.create_team(Team { id: team, name: "test".into(), version: 1, created_at }).await.unwrap();
        let hub = Hub::new(store.clone(), Options::default(), Arc::new(Timestamp::default));
        (store, hub, team)
    }

    fn asked(team: TeamId) -> Subscribe {
        Subscribe {
            team,
            key: None,
            token: None,
            filter: filter(None),
            origin: Origin::Head,
            until_head: false,
            format: Format::EventStream,
            expires_at: None,
            hang_up: None,
        }
    }

    /// While the store does not say what was missed, events come, heartbeats come, and a shutdown is one.
    #[tokio::test(start_paused = true)]
    async fn a_store_that_does_not_answer_holds_up_nothing() {
        let (store, hub, team) = hub().await;
        let mut stream = hub.subscribe(asked(team)).await.unwrap();
        let mut task = Task::new(&hub);
        task.behind = false;
        task.catching_up = Some(stream::pending().boxed());
        let (stop, stopped) = oneshot::channel::<()>();
        let reading = async {
            let mut read = async || String::from_utf8(stream.next().await.unwrap().to_vec()).unwrap();
            assert!(read().await.contains("cstar.ready"));
            let now = Timestamp::default();
            let event = NewEvent { event: entry(1).event.clone(), idempotency_key: None };
            store.append(Append { team, events: vec![event], fan_out: FanOut::Matching, now }).await.unwrap();
            assert!(read().await.starts_with("id: 1.1\n"));
            assert!(read().await.contains("cstar.heartbeat"));
            drop(stop);
        };
        let both = async { tokio::join!(task.run(async { drop(stopped.await) }), reading) };
        timeout(Duration::from_secs(60), both).await.unwrap();
    }

    /// A store that fails is asked again, not as often as something changes.
    #[tokio::test]
    async fn a_store_that_fails_is_asked_at_the_next_tick() {
        let (_, hub, _) = hub().await;
        let mut task = Task::new(&hub);
        task.behind = false;
        task.learn(Err(StoreError::QueueFull));
        task.catch_up();
        assert!(task.catching_up.is_none());
        task.tick();
        task.catch_up();
        assert!(task.catching_up.is_some());
    }

    /// RT-1: what was committed while a team had no stream leaves no hole between what came before and after.
    #[tokio::test]
    async fn a_team_without_streams_in_between_begins_anew() {
        let (_, hub, team) = hub().await;
        let asked = asked(team);
        let mut task = Task::new(&hub);
        let mut appended = HashMap::new();
        for (seq, open, expected) in
            [(1, true, vec![1]), (2, true, vec![1, 2]), (3, false, vec![1, 2]), (4, true, vec![4])]
        {
            let stream = if open { Some(hub.subscribe(asked.clone()).await.unwrap()) } else { None };
            let change = Change::Appended { team, entries: vec![entry(seq)], deliveries: Vec::new() };
            task.note(&change, &mut appended);
            let seqs: Vec<u64> = appended[&team].iter().map(|entry| entry.position.seq).collect();
            assert_eq!(seqs, expected, "after {seq}");
            drop(stream);
        }
    }
}
