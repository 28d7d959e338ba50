//! The one loop that owns the lanes.

mod calls;
mod results;
mod told;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cstar_store::{Due, Store, StoreError, TailReader, Told};
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until};

use calls::Done;

use super::attempt::{Attempts, Finished, NotMade};
use super::recorder::{Recorded, Recorder};
use crate::lanes::{LaneLimits, Lanes, Step};
use crate::target::Asker;

/// How many results may be waiting for the store, for each request that may be in flight. Beyond it nothing is started: a
/// store that has fallen behind gets time.
const UNRECORDED_A_SLOT: usize = 4;

/// When something that failed on this side is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How often idle connections and lanes are looked through. It also bounds how long a clock that was set forward goes
/// unnoticed.
const ROUND: Duration = Duration::from_secs(5);

/// How long, past the deadline of the last attempt, a shutdown waits for results to be recorded.
const LAST_RECORDS: Duration = Duration::from_secs(5);

/// Why the loop goes round.
#[expect(clippy::large_enum_variant, reason = "one at a time, and never kept")]
enum Happened {
    Told(Option<Told>),
    Finished(Option<Finished>),
    Recorded(Result<Vec<Recorded>, StoreError>),
    Done(Done),
    Time,
    Round,
}

pub(super) struct Dispatch {
    store: Arc<dyn Store>,
    attempts: Arc<Attempts>,
    unrecorded_max: usize,
    tail: TailReader,
    tail_ended: bool,
    lanes: Lanes,
    in_flight: JoinSet<Finished>,
    recorder: Recorder,
    /// Calls of the store on their way; each makes its progress here, and none needs a task.
    calls: FuturesUnordered<BoxFuture<'static, Done>>,
    round: Interval,
}

impl Dispatch {
    pub(super) fn new(
        store: Arc<dyn Store>,
        attempts: Arc<Attempts>,
        limits: LaneLimits,
        tail_bytes: usize,
    ) -> Self {
        let mut round = interval(ROUND);
        round.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (recording, rule) = (Arc::clone(&store), attempts.failure_rule);
        let record = move |reports| -> BoxFuture<'static, _> {
            let store = Arc::clone(&recording);
            Box::pin(async move { store.record(reports, rule).await })
        };
        let mut dispatch = Self {
            // Before the survey: what is committed meanwhile is told, what was committed before is found.
            tail: store.tail(tail_bytes),
            tail_ended: false,
            unrecorded_max: limits.in_flight * UNRECORDED_A_SLOT,
            lanes: Lanes::new(limits),
            in_flight: JoinSet::new(),
            recorder: Recorder::new(Box::new(record)),
            calls: FuturesUnordered::new(),
            round,
            store,
            attempts,
        };
        dispatch.survey(Duration::ZERO);
        dispatch
    }

    pub(super) async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), StoreError> {
        let mut shutdown = pin!(shutdown);
        while !self.tail_ended {
            self.hear();
            self.collect();
            self.step();
            self.recorder.begin();
            self.attempts.gauges.show(self.lanes.counts(), self.recorder.len());
            tokio::select! {
                () = &mut shutdown => break,
                happened = self.happened() => self.take(happened)?,
            }
        }
        self.finish().await
    }

    /// What is in flight ends within its deadline, and is recorded.
    async fn finish(mut self) -> Result<(), StoreError> {
        let last = Instant::now() + self.attempts.attempt_timeout + LAST_RECORDS;
        while !self.in_flight.is_empty() || self.recorder.len() > 0 {
            self.recorder.begin();
            tokio::select! {
                Some(joined) = self.in_flight.join_next() => joined.into_iter().for_each(|one| self.finished(one)),
                recorded = self.recorder.recorded() => drop(recorded?),
                () = sleep_until(last) => {
                    let results = self.recorder.len();
                    tracing::error!(results, "results were not recorded in time; their attempts will be repeated");
                    break;
                }
            }
        }
        self.attempts.sender.close_all();
        Ok(())
    }

    /// Whether the store keeps up with the results.
    fn may_start(&self) -> bool {
        self.recorder.len() < self.unrecorded_max
    }

    async fn happened(&mut self) -> Happened {
        let alarm = self.lanes.next_timer().filter(|_| self.may_start());
        let alarm = alarm.map(|at| self.attempts.steady.until(at));
        tokio::select! {
            told = self.tail.next() => Happened::Told(told),
            Some(joined) = self.in_flight.join_next() => Happened::Finished(joined.ok()),
            recorded = self.recorder.recorded() => Happened::Recorded(recorded),
            Some(done) = self.calls.next() => Happened::Done(done),
            () = sleep(alarm.unwrap_or_default()), if alarm.is_some() => Happened::Time,
            _ = self.round.tick() => Happened::Round,
        }
    }

    fn take(&mut self, happened: Happened) -> Result<(), StoreError> {
        match happened {
            Happened::Told(told) => self.told(told),
            Happened::Finished(finished) => finished.into_iter().for_each(|one| self.finished(one)),
            Happened::Recorded(recorded) => self.recorded(recorded?),
            Happened::Done(done) => self.done(done)?,
            Happened::Time => {}
            Happened::Round => self.look_around(),
        }
        Ok(())
    }

    fn look_around(&mut self) {
        self.attempts.sender.close_idle();
        // By the clock that says when something became due: the steady one may be ahead of it.
        self.attempts.gauges.show_survey(self.lanes.survey(), (self.attempts.clock)());
    }

    fn step(&mut self) {
        let now = self.attempts.steady.now();
        while self.may_start() {
            match self.lanes.next(now) {
                Some(Step::Start { due, proven }) => self.start(due, proven),
                Some(Step::Load { webhook, limit }) => self.load(webhook, limit, now),
                None => break,
            }
        }
    }

    fn start(&mut self, due: Due, proven: bool) {
        let asker = if proven { Asker::Proven } else { Asker::Suspect };
        let attempts = Arc::clone(&self.attempts);
        let (webhook, delivery) = (due.webhook, due.id);
        self.in_flight.spawn(async move {
            let made = AssertUnwindSafe(attempts.make(due, asker)).catch_unwind().await;
            made.unwrap_or(Finished { webhook, delivery, result: Err(NotMade) })
        });
    }
}
