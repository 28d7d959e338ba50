//! What the dispatcher and those who make attempts have in common: the lanes, and what is handed over.

use cstar_store::{Due, Overtaken};
use cstar_types::{DeliveryId, Outcome, Timestamp, WebhookId};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use super::attempt::{Finished, Made, NotMade};
use super::recorder::{Outstanding, Recording};
use crate::lanes::{Ended, LaneCounts, LaneLimits, Lanes, Step};

/// How many results may be waiting for the store, for each request that may be in flight. Beyond it nothing is started: a
/// store that has fallen behind gets time.
const UNRECORDED_A_SLOT: usize = 4;

/// How many results may be aside, for each of them: beyond it they count like the others, for the memory's sake.
const ASIDE_A_RESULT: usize = 8;

/// So many wait for an attempt when there is none: a lane that runs dry for a moment needs nobody new. With what each holds
/// that is about a megabyte.
const FREE_MAX: usize = 128;

/// The lanes, under a lock that nobody holds across a wait. Who has made an attempt tells it here and takes the next in the
/// same breath, so that a busy lane needs no task, no channel and no turn of the dispatcher for each delivery.
pub(super) struct Desk {
    state: Mutex<State>,
    /// Whether the dispatcher has yet to hear of a change to what waits here.
    overtaken: Overtaken,
    /// Rung when there is something here that only the dispatcher does.
    bell: Notify,
    /// As many as were given to those who wait for an attempt.
    given: Semaphore,
    unrecorded_max: usize,
}

struct State {
    lanes: Lanes,
    handed: Handed,
    /// Results that are not on record yet, but for those aside.
    unrecorded: usize,
    /// Results whose team somebody has locked: they count for nobody but their lanes, which start nothing more meanwhile.
    aside: usize,
    /// Who has no attempt to make, and waits for one.
    free: usize,
    /// What was given to them and not taken yet.
    given: Vec<Start>,
    /// What is handed over is fetched soon without a word: a group of results is on its way.
    awaited: bool,
    /// When the dispatcher looks at the lanes again.
    alarm: Option<Timestamp>,
    /// Nothing is started any more.
    closed: bool,
}

/// What waits for the dispatcher.
#[derive(Default)]
pub(super) struct Handed {
    /// Results to be recorded.
    pub(super) results: Vec<Outstanding>,
    pub(super) loads: Vec<Load>,
}

/// A read of the store that a lane asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) webhook: WebhookId,
    pub(super) limit: usize,
    pub(super) asked_at: Timestamp,
}

/// An attempt to be made.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) due: Due,
    /// The lane's last attempt succeeded.
    pub(super) proven: bool,
}

impl Desk {
    pub(super) fn new(limits: LaneLimits, overtaken: Overtaken) -> Self {
        let state = State {
            lanes: Lanes::new(limits),
            handed: Handed::default(),
            unrecorded: 0,
            aside: 0,
            free: 0,
            given: Vec::new(),
            awaited: false,
            alarm: None,
            closed: false,
        };
        let unrecorded_max = limits.in_flight * UNRECORDED_A_SLOT;
        let (bell, given) = (Notify::new(), Semaphore::new(0));
        Self { state: Mutex::new(state), overtaken, bell, given, unrecorded_max }
    }

    /// Tells the lanes something.
    pub(super) fn tell(&self, tell: impl FnOnce(&mut Lanes)) {
        tell(&mut self.state.lock().lanes);
    }

    /// The next attempt to be made, if there is one.
    pub(super) fn next(&self, now: Timestamp) -> Option<Start> {
        self.state.lock().next(now, self.unrecorded_max)
    }

    /// An attempt is no longer in flight, and whoever made it is free for the next; `again_at` is when one that could not be
    /// made is tried again.
    ///
    /// While the dispatcher has yet to hear of a change there is no next one here: it would be sent as it was before, after
    /// the change was answered. The dispatcher starts it when it has heard.
    pub(super) fn finished(&self, finished: Finished, now: Timestamp, again_at: Timestamp) -> Option<Start> {
        let mut state = self.state.lock();
        let was_empty = state.handed.is_empty();
        let hurries = state.finished(finished, again_at);
        let next = if self.overtaken.is_so() { None } else { state.next(now, self.unrecorded_max) };
        let is_new = was_empty && !state.handed.is_empty() && !state.awaited;
        let is_earlier =
            state.lanes.next_timer().is_some_and(|at| state.alarm.is_none_or(|alarm| at < alarm));
        let has_loads = !state.handed.loads.is_empty();
        drop(state);
        if is_new || hurries || is_earlier || has_loads {
            self.bell.notify_one();
        }
        next
    }

    /// Gives an attempt to somebody who waits for one; given back if nobody does.
    pub(super) fn give(&self, start: Start) -> Option<Start> {
        let mut state = self.state.lock();
        let Some(left) = state.free.checked_sub(1) else { return Some(start) };
        state.free = left;
        state.given.push(start);
        drop(state);
        self.given.add_permits(1);
        None
    }

    /// Waits for an attempt; `None` if enough others do, or if nothing is started any more.
    pub(super) async fn given(&self) -> Option<Start> {
        {
            let mut state = self.state.lock();
            if state.free >= FREE_MAX || state.closed {
                return None;
            }
            state.free += 1;
        }
        self.given.acquire().await.ok()?.forget();
        self.state.lock().given.pop()
    }

    /// Takes what was handed over.
    pub(super) fn take(&self) -> Handed {
        std::mem::take(&mut self.state.lock().handed)
    }

    /// The dispatcher waits for one of these now, and looks at the lanes again at the answer; `recording` if a group of results
    /// is on its way. What was handed over since it looked is told at once, or nobody would come for it.
    pub(super) fn wait(&self, recording: bool) -> Option<Timestamp> {
        let mut state = self.state.lock();
        state.awaited = recording;
        state.alarm = state.lanes.next_timer().filter(|_| state.may_start(self.unrecorded_max));
        if !recording && !state.handed.is_empty() {
            self.bell.notify_one();
        }
        state.alarm
    }

    /// Waits until there is something to take.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// A result cannot go on record for now, and others can (DLV-4).
    pub(super) fn put_aside(&self, webhook: WebhookId) {
        let mut state = self.state.lock();
        state.unrecorded -= 1;
        state.aside += 1;
        state.lanes.hold(webhook);
    }

    /// A result is on record; see [`Lanes::settled`].
    pub(super) fn settled(
        &self,
        of: Recording,
        webhook: WebhookId,
        delivery: DeliveryId,
        next: Option<Timestamp>,
    ) {
        let mut state = self.state.lock();
        state.is_over(of, webhook);
        state.lanes.settled(webhook, delivery, next);
    }

    /// A result is not to be recorded any more, and its delivery stays known.
    pub(super) fn refused(&self, of: Recording, webhook: WebhookId) {
        self.state.lock().is_over(of, webhook);
    }

    /// Nothing is started any more; answers what was started and is not on record.
    pub(super) fn close(&self) -> Vec<DeliveryId> {
        let mut state = self.state.lock();
        state.closed = true;
        self.given.close();
        state.lanes.on_their_way()
    }

    /// The counts of the lanes, and of the results that are not on record yet.
    pub(super) fn counts(&self) -> (LaneCounts, usize) {
        let state = self.state.lock();
        (state.lanes.counts(), state.unrecorded + state.aside)
    }
}

impl State {
    fn next(&mut self, now: Timestamp, unrecorded_max: usize) -> Option<Start> {
        while self.may_start(unrecorded_max) && !self.closed {
            match self.lanes.next(now)? {
                Step::Start { due, proven } => return Some(Start { due, proven }),
                Step::Load { webhook, limit } => {
                    self.handed.loads.push(Load { webhook, limit, asked_at: now });
                }
            }
        }
        None
    }

    /// Whether there is room for one more result.
    const fn may_start(&self, unrecorded_max: usize) -> bool {
        self.unrecorded + self.aside.saturating_sub(unrecorded_max * ASIDE_A_RESULT) < unrecorded_max
    }

    /// A result is on record, or will never be.
    fn is_over(&mut self, of: Recording, webhook: WebhookId) {
        match of {
            Recording::Soon => self.unrecorded -= 1,
            Recording::Aside => {
                self.aside -= 1;
                self.lanes.release(webhook);
            }
        }
    }

    /// Answers whether a result is waited for.
    fn finished(&mut self, finished: Finished, again_at: Timestamp) -> bool {
        let Finished { webhook, delivery, result } = finished;
        match result {
            Ok(Made { report, took, gone, awaited }) => {
                let succeeded = report.attempt.outcome == Outcome::Success;
                self.lanes.ended(webhook, if succeeded { Ended::Succeeded(took) } else { Ended::Failed });
                self.handed.results.push(Outstanding { report, gone, awaited, recording: Recording::Soon });
                self.unrecorded += 1;
                awaited
            }
            Err(NotMade) => {
                self.lanes.given_up(webhook, delivery, again_at);
                false
            }
        }
    }
}

impl Handed {
    fn is_empty(&self) -> bool {
        self.results.is_empty() && self.loads.is_empty()
    }
}

#[cfg(test)]
mod tests;
