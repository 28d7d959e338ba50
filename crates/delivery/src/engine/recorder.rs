//! Puts results on record, in groups: while one group is being written, the next gathers.

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

/// A result, and what follows once it is on record.
#[derive(Debug)]
pub(super) struct Outstanding {
    pub(super) report: AttemptReport,
    /// Its webhook is to be disabled then.
    pub(super) gone: bool,
}

/// Results that are not on record yet. None is dropped: a group that could not be written is written again.
pub(super) struct Recorder {
    record: Record,
    gathered: Vec<Outstanding>,
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
        Self { record, gathered: Vec::new(), writing: None }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.gathered.len() + self.writing.as_ref().map_or(0, |writing| writing.group.len())
    }

    pub(super) fn add(&mut self, outstanding: Outstanding) {
        self.gathered.push(outstanding);
    }

    /// Begins to write what has gathered, unless a group is on its way.
    pub(super) fn begin(&mut self) {
        if self.writing.is_some() || self.gathered.is_empty() {
            return;
        }
        let group: Vec<Outstanding> = self.gathered.drain(..self.gathered.len().min(GROUP_MAX)).collect();
        self.write(group, 0);
    }

    /// Waits until a group is on record, and answers how each delivery of it now stands.
    ///
    /// # Errors
    /// When nothing can be recorded any more: the store has stopped, or is stopping.
    pub(super) async fn recorded(&mut self) -> Result<Vec<(Outstanding, DeliveryStatus)>, StoreError> {
        loop {
            let Some(writing) = &mut self.writing else { return pending().await };
            let answer = (&mut writing.answer).await;
            let Some(Writing { group, failures, .. }) = self.writing.take() else { continue };
            match answer {
                Ok(statuses) => return Ok(group.into_iter().zip(statuses).collect()),
                Err(error) if is_final(&error) => return Err(error),
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
            report: AttemptReport { delivery, webhook, attempt, verdict: Verdict::Delivered },
            gone: false,
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
        recorder.begin();
        assert_eq!(recorder.recorded().await.unwrap().len(), 3);
        assert_eq!((*groups.lock()).as_slice(), [3, 3, 3], "the same group until it is taken");
        recorder.begin();
        assert_eq!(recorder.recorded().await.unwrap().len(), 1);
        assert_eq!(recorder.len(), 0);
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
