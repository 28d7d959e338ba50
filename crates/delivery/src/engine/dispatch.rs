//! The one loop that owns the lanes.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cstar_store::{Change, Due, DueSlice, Store, StoreError, TailReader, Told, Verdict};
use cstar_types::{DeliveryId, DisabledReason, Outcome, Timestamp, WebhookId};
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until};

use super::attempt::{Attempts, Finished, Made, NotMade};
use super::recorder::{Outstanding, Recorded, Recorder};
use crate::lanes::{Ended, LaneLimits, Lanes, Step};
use crate::target::Asker;

/// What the tail may hold for the engine, in bytes: a second of publishing at full speed. Beyond it the store is read.
const TAIL_BYTES: usize = 16 * 1024 * 1024;

/// How many results may be waiting for the store, for each request that may be in flight. Beyond it nothing is started: a
/// store that has fallen behind gets time.
const UNRECORDED_A_SLOT: usize = 4;

/// When something that failed on this side is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How often idle connections are looked through. It also bounds how long a clock that was set forward goes unnoticed.
const ROUND: Duration = Duration::from_secs(5);

/// When an attempt whose result cannot be recorded is repeated: for as long the delivery is held, or it would be sent
/// again at once and for ever.
const HELD: Duration = Duration::from_secs(600);

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

/// Something that took its time and is done.
enum Done {
    Loaded { webhook: WebhookId, asked_at: Timestamp, slice: Result<DueSlice, StoreError> },
    Surveyed(Result<Vec<(WebhookId, Timestamp)>, StoreError>),
    Disabled(WebhookId, Result<(), StoreError>),
    Held(WebhookId, DeliveryId),
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
    pub(super) fn new(store: Arc<dyn Store>, attempts: Arc<Attempts>, limits: LaneLimits) -> Self {
        let mut round = interval(ROUND);
        round.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let recording = Arc::clone(&store);
        let record = move |reports| -> BoxFuture<'static, _> {
            let store = Arc::clone(&recording);
            Box::pin(async move { store.record(reports).await })
        };
        let mut dispatch = Self {
            // Before the survey: what is committed meanwhile is told, what was committed before is found.
            tail: store.tail(TAIL_BYTES),
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
            Happened::Round => self.attempts.sender.close_idle(),
        }
        Ok(())
    }

    /// Everything that the tail has to tell.
    fn hear(&mut self) {
        while let Some(told) = self.tail.try_next().filter(|_| !self.tail_ended) {
            self.told(told);
        }
    }

    fn told(&mut self, told: Option<Told>) {
        match told {
            None => self.tail_ended = true,
            Some(Told::Change(change)) => self.changed(&change),
            Some(Told::Lagged) => {
                self.attempts.endpoints.forget_all();
                self.lanes.changed_all();
                self.survey(Duration::ZERO);
            }
        }
    }

    fn changed(&mut self, change: &Change) {
        match change {
            Change::Appended { deliveries, .. } => {
                deliveries.iter().for_each(|due| self.lanes.offer(due.clone()));
            }
            Change::Reopened { delivery, webhook } => self.lanes.reopened(*webhook, *delivery),
            Change::WebhookChanged(webhook) => {
                self.attempts.endpoints.forget(*webhook);
                self.lanes.changed(*webhook);
            }
            Change::TeamDeleted(team) => {
                let webhooks = self.attempts.endpoints.forget_team(*team);
                webhooks.into_iter().for_each(|webhook| self.lanes.changed(webhook));
            }
            Change::KeyRevoked(_) => {}
        }
    }

    /// Every attempt that has ended.
    fn collect(&mut self) {
        while let Some(joined) = self.in_flight.try_join_next() {
            joined.into_iter().for_each(|finished| self.finished(finished));
        }
    }

    fn finished(&mut self, finished: Finished) {
        let Finished { webhook, delivery, result } = finished;
        match result {
            Ok(Made { report, took, gone }) => {
                let succeeded = report.attempt.outcome == Outcome::Success;
                let ended = if succeeded { Ended::Succeeded(took) } else { Ended::Failed };
                self.lanes.ended(webhook, ended);
                self.recorder.add(Outstanding { report, gone });
            }
            Err(NotMade::Gone) => self.lanes.given_up(webhook, delivery, None),
            Err(NotMade::NotNow) => {
                let again_at = self.attempts.steady.now().plus(AGAIN);
                self.lanes.given_up(webhook, delivery, Some(again_at));
            }
        }
    }

    fn recorded(&mut self, recorded: Vec<Recorded>) {
        // What the store told before it answered comes first: a delivery must not be offered as new after it was settled.
        self.hear();
        for one in recorded {
            let (Outstanding { report, gone }, status) = match one {
                Recorded::Now(outstanding, status) => (outstanding, status),
                Recorded::Refused(outstanding) => {
                    self.hold(&outstanding);
                    continue;
                }
            };
            let next = match (status.has_ended(), report.verdict) {
                (true, _) => None,
                (false, Verdict::RetryAt(at)) => Some(at),
                (false, _) => Some(self.attempts.steady.now()),
            };
            self.lanes.settled(report.webhook, report.delivery, next);
            if let Some(version) = gone {
                self.disable(report.webhook, version);
            }
        }
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
            made.unwrap_or(Finished { webhook, delivery, result: Err(NotMade::NotNow) })
        });
    }

    fn load(&mut self, webhook: WebhookId, limit: usize, asked_at: Timestamp) {
        let store = Arc::clone(&self.store);
        self.calls.push(Box::pin(async move {
            Done::Loaded { webhook, asked_at, slice: store.due(webhook, asked_at, limit).await }
        }));
    }

    fn survey(&mut self, after: Duration) {
        let store = Arc::clone(&self.store);
        self.calls.push(Box::pin(async move {
            sleep(after).await;
            Done::Surveyed(store.lanes().await)
        }));
    }

    fn disable(&mut self, webhook: WebhookId, version: u64) {
        let store = Arc::clone(&self.store);
        let now = (self.attempts.clock)();
        self.calls.push(Box::pin(async move {
            let disabled = store.disable_webhook(webhook, Some(version), DisabledReason::Gone, now).await;
            Done::Disabled(webhook, disabled)
        }));
    }

    /// The delivery stays known, so that it is not started although the store shows it as due.
    fn hold(&mut self, Outstanding { report, .. }: &Outstanding) {
        let (webhook, delivery) = (report.webhook, report.delivery);
        self.calls.push(Box::pin(async move {
            sleep(HELD).await;
            Done::Held(webhook, delivery)
        }));
    }

    fn done(&mut self, done: Done) -> Result<(), StoreError> {
        match done {
            Done::Loaded { webhook, asked_at, slice: Ok(slice) } => {
                self.lanes.loaded(webhook, slice, asked_at)
            }
            Done::Surveyed(Ok(lanes)) => {
                lanes.into_iter().for_each(|(webhook, at)| self.lanes.due_at(webhook, at))
            }
            Done::Disabled(_, Ok(()) | Err(StoreError::NotFound)) => {}
            Done::Held(webhook, delivery) => {
                self.lanes.settled(webhook, delivery, Some(self.attempts.steady.now()));
            }
            Done::Loaded { slice: Err(StoreError::Poisoned), .. }
            | Done::Surveyed(Err(StoreError::Poisoned)) => {
                return Err(StoreError::Poisoned);
            }
            Done::Loaded { webhook, slice: Err(error), .. } => {
                tracing::error!(%webhook, %error, "what is due could not be read; trying again");
                self.lanes.load_failed(webhook, self.attempts.steady.now().plus(AGAIN));
            }
            Done::Surveyed(Err(error)) => {
                tracing::error!(%error, "what is due could not be read; trying again");
                self.survey(AGAIN);
            }
            Done::Disabled(webhook, Err(error)) => {
                tracing::error!(%webhook, %error, "a webhook that is gone could not be disabled; its next 410 tries again");
            }
        }
        Ok(())
    }
}
