//! Puts results on record, in groups: while one group is being written, the next gathers.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use cstar_store::{AttemptReport, Store, StoreError};
use cstar_types::DeliveryStatus;
use futures_util::future::BoxFuture;

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
    store: Arc<dyn Store>,
    gathered: Vec<Outstanding>,
    writing: Option<Writing>,
}

struct Writing {
    group: Vec<Outstanding>,
    answer: BoxFuture<'static, Result<Vec<DeliveryStatus>, StoreError>>,
    failures: u32,
}

impl Recorder {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, gathered: Vec::new(), writing: None }
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
        let store = Arc::clone(&self.store);
        let answer = Box::pin(async move {
            if failures > 0 {
                tokio::time::sleep(AGAIN.saturating_mul(1 << failures.min(10)).min(AGAIN_MAX)).await;
            }
            store.record(reports).await
        });
        self.writing = Some(Writing { group, answer, failures });
    }
}

/// Whether trying again cannot help. What was in flight is due again at the next start (DLV-3).
fn is_final(error: &StoreError) -> bool {
    matches!(error, StoreError::Poisoned | StoreError::ShuttingDown | StoreError::OutcomeUnknown)
}
