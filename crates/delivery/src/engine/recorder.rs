//! Puts results on record, in groups: while one group is being written, the next gathers.
//!
//! A group that the database refuses is halved until the one result that it refuses is found, so that this one holds up
//! no other. Nor does one whose team somebody else has locked: it is put aside.

mod aside;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use cstar_store::{AttemptReport, StoreError, Verdict};
use cstar_types::{DeliveryId, DeliveryStatus, WebhookId};
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep, sleep_until};

use self::aside::{Aside, Ended};

/// The most results in one transaction. A publish waits for the one that is under way and then shares its own with the next, so this
/// is what a storm of results costs it.
const GROUP_MAX: usize = 128;

/// Groups begin so far apart, unless somebody waits for a result or one is full: a commit costs what a dozen results do, and holds up publishes.
/// A crash in between repeats the attempts of so long, as it does those of a commit (DLV-3).
const PACE: Duration = Duration::from_millis(10);

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
    /// Its lane goes on once it is on record.
    pub(super) awaited: bool,
    pub(super) recording: Recording,
}

/// When a result goes on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recording {
    /// With the next groups.
    Soon,
    /// It was put aside once: nobody knows when.
    Aside,
}

/// What became of a result.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) delivery: DeliveryId,
    pub(super) webhook: WebhookId,
    pub(super) verdict: Verdict,
    /// As in [`Outstanding`].
    pub(super) gone: Option<u64>,
    /// How its delivery stands now that it is on record; `None` if the database refuses it.
    pub(super) status: Option<DeliveryStatus>,
    pub(super) recording: Recording,
}

/// Results that are not on record yet. None is dropped but one that the database refuses alone: whatever could not be
/// written is written again.
pub(super) struct Recorder {
    record: Record,
    gathered: Vec<Outstanding>,
    /// What was refused as part of a group.
    halves: Vec<Group>,
    writing: Option<Writing>,
    aside: Aside,
    /// Whose results were put aside since somebody asked, each for one of them.
    newly_aside: Vec<WebhookId>,
    /// When the next group begins.
    next_at: Instant,
    /// Somebody waits for what has gathered.
    hurries: bool,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Those for which nobody has to be waited for: [`cstar_store::Deliveries::record_free`].
    Together,
    /// Those of one webhook: [`cstar_store::Deliveries::record`].
    Alone,
}

/// Writes results; answers `None` for one that is to be put aside.
pub(super) type Record = Box<dyn Fn(Arc<[AttemptReport]>, Way) -> Answer + Send>;

type Answer = BoxFuture<'static, Result<Vec<Option<DeliveryStatus>>, StoreError>>;

/// Results that are written together. The store has them too, so that none is copied for it.
struct Group {
    reports: Arc<[AttemptReport]>,
    of_each: Vec<OfEach>,
}

/// What the store does not have of a result: `gone` and `recording` of [`Outstanding`].
type OfEach = (Option<u64>, Recording);

struct Writing {
    group: Group,
    answer: Answer,
    failures: u32,
}

impl Recorder {
    pub(super) fn new(record: Record) -> Self {
        Self {
            record,
            gathered: Vec::new(),
            halves: Vec::new(),
            writing: None,
            aside: Aside::new(),
            newly_aside: Vec::new(),
            next_at: Instant::now(),
            hurries: false,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        let groups = self.halves.iter().chain(self.writing.as_ref().map(|writing| &writing.group));
        self.gathered.len() + groups.map(Group::len).sum::<usize>() + self.aside.len()
    }

    /// Whether a group is on its way or about to be, and its end soon to come: of those aside nobody knows when they come to theirs.
    pub(super) fn is_under_way(&self) -> bool {
        self.len() > self.aside.len()
    }

    /// How long what has gathered waits, unless a group is on its way.
    pub(super) fn begins_in(&self) -> Option<Duration> {
        let waits = self.writing.is_none() && !self.gathered.is_empty();
        waits.then(|| self.wait(Instant::now()))
    }

    /// How long a group gathers yet.
    fn wait(&self, now: Instant) -> Duration {
        let is_ready = self.hurries || self.gathered.len() >= GROUP_MAX;
        if is_ready { Duration::ZERO } else { self.next_at.saturating_duration_since(now) }
    }

    pub(super) fn add(&mut self, outstanding: Outstanding) {
        self.hurries |= outstanding.awaited;
        self.gathered.push(outstanding);
    }

    /// What has gathered does not wait for its time.
    pub(super) fn hurry(&mut self) {
        self.hurries = true;
    }

    /// Begins to write what has gathered if it is time, unless a group is on its way.
    pub(super) fn begin(&mut self) {
        self.aside.begin(&self.record);
        if self.writing.is_some() {
            return;
        }
        if let Some(half) = self.halves.pop() {
            return self.write(half, 0);
        }
        let now = Instant::now();
        if self.gathered.is_empty() || !self.wait(now).is_zero() {
            return;
        }
        self.next_at = now + PACE;
        let group = Group::of(self.gathered.drain(..self.gathered.len().min(GROUP_MAX)));
        self.hurries &= !self.gathered.is_empty();
        self.write(group, 0);
    }

    /// Whose results were put aside since this was asked last, each for one of them.
    pub(super) fn newly_aside(&mut self) -> Vec<WebhookId> {
        std::mem::take(&mut self.newly_aside)
    }

    /// Waits until a group has been written, and answers what became of each result of it, but for those put aside.
    ///
    /// # Errors
    /// When nothing can be recorded any more: the store has stopped, or is stopping.
    pub(super) async fn recorded(&mut self) -> Result<Vec<Recorded>, StoreError> {
        loop {
            self.begin();
            let Self { writing, aside, .. } = self;
            let again_at = aside.again_at();
            let (group, failures, answer) = tokio::select! {
                (Writing { group, failures, .. }, answer) = written(writing) => (group, Some(failures), answer),
                Some(Ended { group, answer, .. }) = aside.next() => (group, None, answer),
                () = sleep_until(again_at.unwrap_or_else(Instant::now)), if again_at.is_some() => {
                    self.gathered.extend(aside.take(Instant::now()));
                    self.hurries = true;
                    continue;
                }
            };
            match answer {
                Ok(statuses) => {
                    let recorded = self.sort(&group, statuses);
                    if !(recorded.is_empty() && self.newly_aside.is_empty()) {
                        return Ok(recorded);
                    }
                }
                Err(error) if is_final(&error) => return Err(error),
                Err(error) if is_refusal(&error) && group.len() > 1 => {
                    tracing::warn!(%error, results = group.len(), "results were refused; each half is recorded alone");
                    self.halves.extend(group.halves());
                }
                Err(error)
                    if is_refusal(&error)
                        && failures.is_some_and(|failures| failures + 1 >= REFUSALS_MAX) =>
                {
                    for AttemptReport { delivery, webhook, .. } in group.reports.iter() {
                        tracing::error!(%error, %delivery, %webhook, "a result cannot be recorded; its attempt will be repeated");
                    }
                    return Ok(group.refused());
                }
                Err(error) => {
                    tracing::warn!(%error, results = group.len(), "results could not be recorded; trying again");
                    match failures {
                        Some(failures) => self.write(group, failures + 1),
                        None if is_refusal(&error) => self.halves.push(group), // and counted there
                        None => (0..group.len()).for_each(|at| self.aside.add(group.outstanding(at))),
                    }
                }
            }
        }
    }

    /// What is on record; the rest is put aside.
    fn sort(&mut self, group: &Group, statuses: Vec<Option<DeliveryStatus>>) -> Vec<Recorded> {
        let mut recorded = Vec::with_capacity(statuses.len());
        for (at, status) in statuses.into_iter().enumerate() {
            match status {
                Some(_) => recorded.push(group.came_to(at, status)),
                None => {
                    let outstanding = group.outstanding(at);
                    if outstanding.recording == Recording::Soon {
                        self.newly_aside.push(outstanding.report.webhook);
                    }
                    self.aside.add(Outstanding { recording: Recording::Aside, ..outstanding });
                }
            }
        }
        recorded
    }

    fn write(&mut self, group: Group, failures: u32) {
        let recording = (self.record)(Arc::clone(&group.reports), Way::Together);
        let answer = Box::pin(async move {
            if failures > 0 {
                sleep(pause(failures)).await;
            }
            recording.await
        });
        self.writing = Some(Writing { group, answer, failures });
    }
}

impl Group {
    fn of(outstanding: impl Iterator<Item = Outstanding>) -> Self {
        let (reports, of_each): (Vec<_>, _) =
            outstanding.map(|one| (one.report, (one.gone, one.recording))).unzip();
        Self { reports: reports.into(), of_each }
    }

    fn len(&self) -> usize {
        self.reports.len()
    }

    /// The second half, and the first, which is to be taken first.
    fn halves(&self) -> [Self; 2] {
        let middle = self.len() / 2;
        [middle..self.len(), 0..middle].map(|part| Self {
            reports: self.reports[part.clone()].into(),
            of_each: self.of_each[part].to_vec(),
        })
    }

    /// One of them, as it was added.
    fn outstanding(&self, at: usize) -> Outstanding {
        let (gone, recording) = self.of_each[at];
        Outstanding { report: self.reports[at].clone(), gone, awaited: false, recording }
    }

    fn came_to(&self, at: usize, status: Option<DeliveryStatus>) -> Recorded {
        let AttemptReport { delivery, webhook, verdict, .. } = self.reports[at];
        let (gone, recording) = self.of_each[at];
        Recorded { delivery, webhook, verdict, gone, status, recording }
    }

    fn refused(&self) -> Vec<Recorded> {
        (0..self.len()).map(|at| self.came_to(at, None)).collect()
    }
}

/// Waits until a group has been written, if one is.
async fn written(
    writing: &mut Option<Writing>,
) -> (Writing, Result<Vec<Option<DeliveryStatus>>, StoreError>) {
    let Some(under_way) = writing else { return pending().await };
    let answer = (&mut under_way.answer).await;
    match writing.take() {
        Some(written) => (written, answer),
        None => pending().await,
    }
}

/// How long to wait after so many failures in a row.
fn pause(failures: u32) -> Duration {
    if failures == 0 { Duration::ZERO } else { AGAIN.saturating_mul(1 << failures.min(10)).min(AGAIN_MAX) }
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
mod tests;
