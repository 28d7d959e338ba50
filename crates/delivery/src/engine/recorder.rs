//! Puts results on record, in groups: while one group is being written, the next gathers.
//!
//! A group that the database refuses is halved until the one result that it refuses is found, so that this one holds up
//! no other.

use std::future::pending;
use std::time::Duration;

use cstar_store::{AttemptReport, StoreError};
use cstar_types::DeliveryStatus;
use futures_util::future::BoxFuture;
use tokio::time::sleep;

/// The most results in one transaction: it bounds how long it holds up a publish.
const GROUP_MAX: usize = 500;

/// The first wait after a group that could not be written, and the longest.
const AGAIN: Duration = Duration::from_millis(50);
const AGAIN_MAX: Duration = Duration::from_secs(5);

/// After so many refusals of one result alone it is given up: its delivery stays due, and its attempt will be repeated.
const REFUSALS_MAX: u32 = 3;

/// A result, and what follows once it is on record.
#[derive(Debug)]
pub(super) struct Outstanding {
    pub(super) report: AttemptReport,
    /// Its webhook is to be disabled then, if it is still of this version.
    pub(super) gone: Option<u64>,
}

/// What became of a result.
#[derive(Debug)]
pub(super) enum Recorded {
    /// It is on record, and its delivery stands so.
    Now(Outstanding, DeliveryStatus),
    /// The database refuses it.
    Refused(Outstanding),
}

/// Results that are not on record yet. None is dropped but one that the database refuses alone: whatever could not be
/// written is written again.
pub(super) struct Recorder {
    record: Record,
    gathered: Vec<Outstanding>,
    /// What was refused as part of a group.
    halves: Vec<Vec<Outstanding>>,
    writing: Option<Writing>,
}

/// [`cstar_store::Deliveries::record`].
pub(super) type Record = Box<dyn Fn(Vec<AttemptReport>) -> Answer + Send>;

type Answer = BoxFuture<'static, Result<Vec<DeliveryStatus>, StoreError>>;

struct Writing {
    group: Vec<Outstanding>,
    answer: Answer,
    failures: u32,
}

impl Recorder {
    pub(super) fn new(record: Record) -> Self {
        Self { record, gathered: Vec::new(), halves: Vec::new(), writing: None }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        let halves = self.halves.iter().map(Vec::len).sum::<usize>();
        self.gathered.len() + halves + self.writing.as_ref().map_or(0, |writing| writing.group.len())
    }

    /// Whether a group is on its way.
    pub(super) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    pub(super) fn add(&mut self, outstanding: Outstanding) {
        self.gathered.push(outstanding);
    }

    /// Begins to write what has gathered, unless a group is on its way.
    pub(super) fn begin(&mut self) {
        if self.writing.is_some() {
            return;
        }
        let next = || self.gathered.drain(..self.gathered.len().min(GROUP_MAX)).collect();
        let group = self.halves.pop().unwrap_or_else(next);
        if !group.is_empty() {
            self.write(group, 0);
        }
    }

    /// Waits until a group has been written, and answers what became of each result of it.
    ///
    /// # Errors
    /// When nothing can be recorded any more: the store has stopped, or is stopping.
    pub(super) async fn recorded(&mut self) -> Result<Vec<Recorded>, StoreError> {
        loop {
            self.begin();
            let Some(writing) = &mut self.writing else { return pending().await };
            let answer = (&mut writing.answer).await;
            let Some(Writing { mut group, failures, .. }) = self.writing.take() else { continue };
            match answer {
                Ok(statuses) => {
                    let recorded = group.into_iter().zip(statuses);
                    return Ok(recorded.map(|(one, status)| Recorded::Now(one, status)).collect());
                }
                Err(error) if is_final(&error) => return Err(error),
                Err(error) if is_refusal(&error) && group.len() > 1 => {
                    tracing::warn!(%error, results = group.len(), "results were refused; each half is recorded alone");
                    self.halves.push(group.split_off(group.len() / 2));
                    self.halves.push(group);
                }
                Err(error) if is_refusal(&error) && failures + 1 >= REFUSALS_MAX => {
                    for AttemptReport { delivery, webhook, .. } in group.iter().map(|one| &one.report) {
                        tracing::error!(%error, %delivery, %webhook, "a result cannot be recorded; its attempt will be repeated");
                    }
                    return Ok(group.into_iter().map(Recorded::Refused).collect());
                }
                Err(error) => {
                    tracing::warn!(%error, results = group.len(), "results could not be recorded; trying again");
                    self.write(group, failures + 1);
                }
            }
        }
    }

    fn write(&mut self, group: Vec<Outstanding>, failures: u32) {
        let reports = group.iter().map(|outstanding| outstanding.report.clone()).collect();
        let recording = (self.record)(reports);
        let answer = Box::pin(async move {
            if failures > 0 {
                sleep(AGAIN.saturating_mul(1 << failures.min(10)).min(AGAIN_MAX)).await;
            }
            recording.await
        });
        self.writing = Some(Writing { group, answer, failures });
    }
}

/// Whether trying again cannot help. What was in flight is due again at the next start (DLV-3).
fn is_final(error: &StoreError) -> bool {
    matches!(error, StoreError::Poisoned | StoreError::ShuttingDown | StoreError::OutcomeUnknown)
}

/// Whether it may be for one of the results, and the others could be recorded without it.
fn is_refusal(error: &StoreError) -> bool {
    matches!(error, StoreError::Damaged(_) | StoreError::Database(_))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cstar_store::Verdict;
    use cstar_types::{Attempt, AttemptRequest, DeliveryId, Outcome, Timestamp, WebhookId};
    use parking_lot::Mutex;

    use super::*;

    fn outstanding(number: u128) -> Outstanding {
        let attempt = Attempt {
            number: 1,
            started_at: Timestamp::default(),
            duration_ms: 1,
            outcome: Outcome::Success,
            status_code: Some(200),
            detail: String::new(),
            response_headers: Vec::new(),
            response_body: String::new(),
            request: AttemptRequest::default(),
        };
        let (delivery, webhook) = (DeliveryId::from_bits(number), WebhookId::from_bits(1));
        Outstanding {
            report: AttemptReport {
                delivery,
                webhook,
                failed_before: 0,
                attempt,
                verdict: Verdict::Delivered,
            },
            gone: None,
        }
    }

    /// A recorder whose store answers with these, one after the other, then well; and what it was given.
    fn recorder(answers: Vec<StoreError>) -> (Recorder, Arc<Mutex<Vec<usize>>>) {
        let groups = Arc::new(Mutex::new(Vec::new()));
        let (given, answers) = (Arc::clone(&groups), Mutex::new(answers.into_iter()));
        let record = move |reports: Vec<AttemptReport>| -> Answer {
            given.lock().push(reports.len());
            let answer = answers.lock().next();
            Box::pin(async move { answer.map_or(Ok(vec![DeliveryStatus::Delivered; reports.len()]), Err) })
        };
        (Recorder::new(Box::new(record)), groups)
    }

    /// DLV-3: a full store delays results and loses none.
    #[tokio::test(start_paused = true)]
    async fn results_wait_for_a_store_that_is_full() {
        let (mut recorder, groups) = recorder(vec![StoreError::QueueFull, StoreError::StorageFull]);
        (0..3).for_each(|number| recorder.add(outstanding(number)));
        recorder.begin();
        recorder.add(outstanding(3));
        assert_eq!(recorder.recorded().await.unwrap().len(), 3);
        assert_eq!((*groups.lock()).as_slice(), [3, 3, 3], "the same group until it is taken");
        recorder.begin();
        assert_eq!(recorder.recorded().await.unwrap().len(), 1);
        assert_eq!(recorder.len(), 0);
    }

    /// DLV-3: one result that the database refuses holds up no other, and is told once it has been refused alone.
    #[tokio::test(start_paused = true)]
    async fn one_result_that_is_refused_holds_up_no_other() {
        const BAD: u128 = 5;
        let record = |reports: Vec<AttemptReport>| -> Answer {
            let refused = reports.iter().any(|report| report.delivery == DeliveryId::from_bits(BAD));
            let statuses = vec![DeliveryStatus::Delivered; reports.len()];
            Box::pin(
                async move { if refused { Err(StoreError::Damaged("a row".into())) } else { Ok(statuses) } },
            )
        };
        let mut recorder = Recorder::new(Box::new(record));
        (0..8).for_each(|number| recorder.add(outstanding(number)));
        let (mut recorded, mut refused) = (Vec::new(), Vec::new());
        while recorder.len() > 0 {
            for one in recorder.recorded().await.unwrap() {
                match one {
                    Recorded::Now(one, _) => recorded.push(one.report.delivery.bits()),
                    Recorded::Refused(one) => refused.push(one.report.delivery.bits()),
                }
            }
        }
        assert_eq!((recorded, refused), (vec![0, 1, 2, 3, 4, 6, 7], vec![BAD]));
    }

    #[tokio::test]
    async fn a_group_is_bounded() {
        let (mut recorder, groups) = recorder(Vec::new());
        (0..GROUP_MAX as u128 + 1).for_each(|number| recorder.add(outstanding(number)));
        recorder.begin();
        recorder.recorded().await.unwrap();
        assert_eq!((*groups.lock()).as_slice(), [GROUP_MAX]);
        assert_eq!(recorder.len(), 1);
    }

    #[tokio::test]
    async fn a_store_that_has_stopped_is_told() {
        for error in [StoreError::Poisoned, StoreError::ShuttingDown, StoreError::OutcomeUnknown] {
            let (mut recorder, _) = recorder(vec![error.clone()]);
            recorder.add(outstanding(1));
            recorder.begin();
            assert_eq!(recorder.recorded().await.err(), Some(error));
        }
    }
}
