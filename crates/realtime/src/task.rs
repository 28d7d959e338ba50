//! The hub's one task: from the store's tail to the rings, and the streams' time.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use cstar_store::{Change, StoreError, TailReader, Told};
use cstar_types::{Entry, KeyId, TeamId};
use tokio::time::interval;

use crate::Hub;
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
        let mut task = Task { hub: self, behind: true, leaving: Vec::new() };
        let mut tail = self.store.tail(self.options.tail_bytes);
        let mut ticks = interval(TICK); // ticks that were missed come at once, so that they count time
        let mut shutdown = pin!(shutdown);
        loop {
            if task.behind {
                task.catch_up().await;
            }
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                _ = ticks.tick() => task.tick(),
                told = tail.next() => match told {
                    Some(told) => task.take(told, &mut tail),
                    None => break,
                },
            }
        }
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
    /// Ended, and the tick by which they are to be gone.
    leaving: Vec<(u64, Arc<Seat>)>,
}

impl Task<'_> {
    /// Takes what was told, and what waits behind it, and tells it on.
    fn take(&mut self, first: Told, tail: &mut TailReader) {
        let mut appended: HashMap<TeamId, Vec<Arc<Entry>>> = HashMap::new();
        let waiting = std::iter::once(first).chain(std::iter::from_fn(|| tail.try_next().flatten()));
        for told in waiting.take(GROUP_CHANGES) {
            match told {
                Told::Lagged => {
                    self.behind = true;
                    self.hub.tally.lagged.add(1);
                    break; // what is told from here on does not join what was told before
                }
                Told::Change(change) => self.note(&change, &mut appended),
            }
        }
        for (team, entries) in appended {
            if let Some(feed) = self.hub.feed(team) {
                self.publish(&feed, &entries);
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
            Change::KeyRevoked(key) => {
                self.hub.feeds().iter().for_each(|feed| self.end_key(feed, *key));
            }
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

    /// Finds out in the store what the tail did not tell: how far the logs reach, and whose keys and teams are gone. The
    /// streams read what they miss themselves.
    async fn catch_up(&mut self) {
        self.behind = false;
        for feed in self.hub.feeds() {
            match self.hub.store.ends(feed.team).await {
                Ok(ends) => feed.learn(ends),
                Err(StoreError::NotFound) => self.end(feed.seats(|_| true), Ending::TeamDeleted),
                Err(error) => self.try_later(&feed, &error),
            }
            feed.wake();
            for key in feed.keys() {
                match self.hub.store.key(key).await {
                    Ok((key, _)) if key.revoked_at.is_none() => {}
                    Ok(_) | Err(StoreError::NotFound) => self.end_key(&feed, key),
                    Err(error) => self.try_later(&feed, &error),
                }
            }
        }
    }

    fn try_later(&mut self, feed: &Feed, error: &StoreError) {
        tracing::warn!(team = %feed.team, %error, "the store does not say how far a log reaches; asking again");
        self.behind = true;
    }

    /// A token dies with the key that made it (SEC-2).
    fn end_key(&mut self, feed: &Feed, key: KeyId) {
        self.end(feed.seats(|seat| seat.key == Some(key)), Ending::Revoked);
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
    use cstar_store::Directory;
    use cstar_store::model::Model;
    use cstar_types::{Team, Timestamp};

    use super::*;
    use crate::given::{entry, filter};
    use crate::{Format, Options, Origin, Subscribe};

    /// RT-1: what was committed while a team had no stream leaves no hole between what came before and after.
    #[tokio::test]
    async fn a_team_without_streams_in_between_begins_anew() {
        let (store, team) = (Model::new(), entry(1).event.team);
        let created_at = Timestamp::default();
        store.create_team(Team { id: team, name: "test".into(), version: 1, created_at }).await.unwrap();
        let hub = Hub::new(store, Options::default(), Arc::new(Timestamp::default));
        let asked = Subscribe {
            team,
            key: None,
            filter: filter(None),
            origin: Origin::Head,
            until_head: false,
            format: Format::EventStream,
            expires_at: None,
            hang_up: None,
        };
        let mut task = Task { hub: &hub, behind: false, leaving: Vec::new() };
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
