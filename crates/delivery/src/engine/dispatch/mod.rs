//! The one loop that hears the tail, records results, and starts what nobody who is free has taken.

mod calls;
mod results;
mod told;

use std::collections::HashSet;
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cstar_store::{Store, StoreError, TailReader, Told};
use cstar_types::WebhookId;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until};

use calls::Done;

use super::attempt::{Attempts, Finished, NotMade};
use super::desk::{Desk, Handed, Start};
use super::recorder::{Recorded, Recorder, Way};
use crate::lanes::{LaneLimits, Survey};
use crate::sender::Hand;
use crate::target::Asker;

/// When something that failed on this side is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How often idle connections and lanes are looked through. It also bounds how long a clock that was set forward goes
/// unnoticed.
const ROUND: Duration = Duration::from_secs(5);

/// How long, past the deadline of the last attempt, a shutdown waits for results to be recorded.
const LAST_RECORDS: Duration = Duration::from_secs(5);

/// Why the loop goes round.
enum Happened {
    Told(Option<Told>),
    /// Something was handed over at the desk.
    Rung,
    /// Who made attempts has found no next one.
    Left(Result<(), JoinError>),
    Recorded(Result<Vec<Recorded>, StoreError>),
    Done(Done),
    Time,
    Round,
}

pub(super) struct Dispatch {
    store: Arc<dyn Store>,
    is_shared: bool,
    attempts: Arc<Attempts>,
    desk: Arc<Desk>,
    tail: TailReader,
    tail_ended: bool,
    /// Those who make attempts, each one after the other while there is one.
    senders: JoinSet<()>,
    recorder: Recorder,
    /// Calls of the store on their way; each makes its progress here, and none needs a task.
    calls: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Webhooks that are about to be disabled, and of which version.
    disabling: HashSet<(WebhookId, u64)>,
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
        let record = move |reports, way| -> BoxFuture<'static, _> {
            let store = Arc::clone(&recording);
            Box::pin(async move {
                match way {
                    Way::Together => store.record_free(reports, rule).await,
                    Way::Alone => Ok(store.record(reports, rule).await?.into_iter().map(Some).collect()),
                }
            })
        };
        // Before the survey: what is committed meanwhile is told, what was committed before is found.
        let tail = store.tail(tail_bytes);
        let mut dispatch = Self {
            desk: Arc::new(Desk::new(limits, tail.overtaken())),
            tail,
            tail_ended: false,
            senders: JoinSet::new(),
            recorder: Recorder::new(Box::new(record)),
            calls: FuturesUnordered::new(),
            disabling: HashSet::new(),
            round,
            is_shared: store.is_shared(),
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
            self.step();
            self.collect();
            self.recorder.begin();
            self.show();
            tokio::select! {
                () = &mut shutdown => break,
                happened = self.happened() => self.take(happened)?,
            }
        }
        self.finish().await
    }

    /// What waits is left to others, if there are any; what is in flight ends within its deadline, and is recorded.
    async fn finish(self) -> Result<(), StoreError> {
        let (store, on_their_way) = (Arc::clone(&self.store), self.desk.close());
        let leave = async {
            if let Err(error) = store.leave(&on_their_way).await {
                tracing::warn!(%error, "what waits could not be left to other nodes; they take it once this one has ended");
            }
        };
        tokio::join!(self.end(), leave).0
    }

    async fn end(mut self) -> Result<(), StoreError> {
        let last = Instant::now() + self.attempts.attempt_timeout + LAST_RECORDS;
        loop {
            self.collect();
            self.recorder.hurry();
            self.recorder.begin();
            if self.senders.is_empty() && self.recorder.len() == 0 {
                break;
            }
            self.desk.wait(false);
            tokio::select! {
                Some(left) = self.senders.join_next() => panicked(left),
                () = self.desk.rung() => {}
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

    async fn happened(&mut self) -> Happened {
        let alarm = self.desk.wait(self.recorder.is_under_way());
        let alarm = alarm.map(|at| self.attempts.steady.until(at));
        let alarm = alarm.into_iter().chain(self.recorder.begins_in()).min();
        tokio::select! {
            told = self.tail.next() => Happened::Told(told),
            () = self.desk.rung() => Happened::Rung,
            Some(left) = self.senders.join_next() => Happened::Left(left),
            recorded = self.recorder.recorded() => Happened::Recorded(recorded),
            Some(done) = self.calls.next() => Happened::Done(done),
            () = sleep(alarm.unwrap_or_default()), if alarm.is_some() => Happened::Time,
            _ = self.round.tick() => Happened::Round,
        }
    }

    fn take(&mut self, happened: Happened) -> Result<(), StoreError> {
        match happened {
            Happened::Told(told) => self.told(told),
            Happened::Left(left) => panicked(left),
            Happened::Recorded(recorded) => self.recorded(recorded?),
            Happened::Done(done) => self.done(done)?,
            Happened::Rung | Happened::Time => {}
            Happened::Round => self.look_around(),
        }
        Ok(())
    }

    fn look_around(&mut self) {
        self.attempts.sender.close_idle();
        // By the clock that says when something became due: the steady one may be ahead of it.
        let mut survey = Survey::default();
        self.desk.tell(|lanes| survey = lanes.survey());
        self.attempts.gauges.show_survey(survey, (self.attempts.clock)());
    }

    fn show(&self) {
        let (lanes, unrecorded) = self.desk.counts();
        self.attempts.gauges.show(lanes, unrecorded);
    }

    /// Somebody for each attempt that nobody who is free has taken.
    fn step(&mut self) {
        let now = self.attempts.steady.now();
        while let Some(start) = self.desk.next(now) {
            if let Some(start) = self.desk.give(start) {
                self.senders.spawn(Box::pin(send(Arc::clone(&self.attempts), Arc::clone(&self.desk), start)));
            }
        }
        while let Some(left) = self.senders.try_join_next() {
            panicked(left);
        }
    }

    /// Takes what was handed over.
    fn collect(&mut self) {
        let Handed { results, loads } = self.desk.take();
        results.into_iter().for_each(|result| self.recorder.add(result));
        loads.into_iter().for_each(|load| self.load(load));
    }
}

/// Makes one attempt after the other, and waits for the next where many come and go.
async fn send(attempts: Arc<Attempts>, desk: Arc<Desk>, first: Start) {
    let mut hand = Hand::new();
    let mut next = Some(first);
    while let Some(Start { due, proven }) = next {
        let asker = if proven { Asker::Proven } else { Asker::Suspect };
        let (webhook, delivery) = (due.webhook, due.id);
        let made = {
            let making = pin!(attempts.make(due, asker, &mut hand));
            AssertUnwindSafe(making).catch_unwind().await
        };
        let finished = made.unwrap_or(Finished { webhook, delivery, result: Err(NotMade) });
        if finished.result.is_err() {
            attempts.gauges.count_put_off();
        }
        let now = attempts.steady.now();
        next = desk.finished(finished, now, now.plus(AGAIN));
        if next.is_none() {
            attempts.sender.let_go(&mut hand);
            next = desk.given().await;
        }
    }
}

/// Attempts may panic and are put off then; what panics beside them has left the lanes in nobody knows which state.
fn panicked(left: Result<(), JoinError>) {
    if let Some(panic) = left.err().and_then(|error| error.try_into_panic().ok()) {
        resume_unwind(panic);
    }
}
