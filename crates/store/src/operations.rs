//! Operations: what touches more deliveries than one commit should, done in slices.

use std::time::Duration;

use async_trait::async_trait;
use cstar_types::{
    AttemptSummary, Operation, OperationId, OperationStatus, OperationWork, Patterns, ResendFilter, TeamId,
    Timestamp,
};

use crate::{DeliveryQuery, ListQuery, Page, StoreError, TypeFilter};

/// An operation that is to begin.
#[derive(Debug, Clone)]
pub struct NewOperation {
    /// The id that it gets.
    pub id: OperationId,
    /// Whose.
    pub team: TeamId,
    /// What it does.
    pub work: OperationWork,
    /// The types that its maker's key sees (SEC-2).
    pub visible: Patterns,
}

/// What a resend of many would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResendCount {
    /// As many deliveries would be resent, of those that were looked at.
    pub deliveries: u64,
    /// Whether all were looked at.
    pub complete: bool,
}

/// Operations. DLV-1: the deliveries that they make come from a call that says so.
///
/// What one is about is settled by the commit that begins it; deliveries and events that come later are not touched:
///
/// ```text
///            done                        to do               later than it
///   ······················· cursor ──────────────── last ·························
/// ```
/// The cursor moves in the transaction that does the work up to it, so a crash neither repeats nor skips anything.
///
/// - A resend reopens each delivery that its filter matches, as [`crate::Deliveries::resend`] does, oldest first. What cannot be
///   reopened is skipped: what has not ended, what has no webhook that is enabled, no event, or as many attempts as one may
///   have; and what had an attempt since the operation was made, since it did not stand so when somebody asked.
/// - A recovery goes through the events of the log that were committed in its range. A delivery to its webhook that failed
///   or was cancelled is reopened, with the same exceptions. An event that matches the webhook's present patterns and has no
///   delivery to it gets one, unless it was published to no webhook or to a chosen one
///   ([`crate::FanOut`]) or is a test event. An event whose delivery was removed as old counts as one that has none.
#[async_trait]
pub trait Operations: Send + Sync {
    /// Begins an operation, and wakes who waits in [`Operations::begun`]. `Conflict` if the id is taken, if the team has
    /// [`cstar_types::limits::OPERATIONS_A_TEAM`] under way, or if the webhook to recover is disabled; `NotFound` if a webhook
    /// that it names is not there.
    async fn begin(&self, operation: NewOperation, now: Timestamp) -> Result<Operation, StoreError>;

    /// One operation.
    async fn operation(&self, team: TeamId, operation: OperationId) -> Result<Operation, StoreError>;

    /// A page of operations, newest first.
    async fn operations(
        &self,
        team: TeamId,
        query: ListQuery<OperationId>,
    ) -> Result<Page<Operation, OperationId>, StoreError>;

    /// Ends an operation where it stands. `Conflict` if it has ended.
    async fn cancel_operation(
        &self,
        team: TeamId,
        operation: OperationId,
        now: Timestamp,
    ) -> Result<Operation, StoreError>;

    /// Does the next slice of the operation that has waited the longest for its turn, in one short transaction that looks at
    /// about `rows` rows at most. Tells the tail `Reopened` of each delivery that waits because of it, new ones too. Answers
    /// whether there was one to go on with.
    async fn go_on(&self, rows: usize, now: Timestamp) -> Result<bool, StoreError>;

    /// Counts what a resend would reopen, without beginning it. Looks at a bounded number of rows.
    async fn count_resend(
        &self,
        team: TeamId,
        filter: ResendFilter,
        visible: Patterns,
    ) -> Result<ResendCount, StoreError>;

    /// Waits until an operation is begun; returns at once if one was since the last time that somebody waited here.
    async fn begun(&self);
}

impl NewOperation {
    /// The operation, made now.
    pub(crate) fn made(self, now: Timestamp) -> Operation {
        let Self { id, team, work, visible } = self;
        Operation {
            id,
            team,
            work,
            visible,
            status: OperationStatus::Running,
            failure: None,
            done: 0,
            skipped: 0,
            created_at: now,
            updated_at: now,
            ended_at: None,
        }
    }
}

/// The list of the deliveries that a resend is about.
pub(crate) fn resent(filter: &ResendFilter, visible: &Patterns) -> DeliveryQuery {
    DeliveryQuery {
        filter: TypeFilter { visible: visible.clone(), wanted: filter.types.clone() },
        webhook: filter.webhook,
        event: filter.event,
        status: filter.status,
        since: filter.since,
        until: filter.until,
        from: None,
        limit: usize::MAX,
    }
}

/// Whether a delivery had an attempt that ended after a time: then it did not stand at that time as it stands now.
pub(crate) fn was_attempted_since(last: Option<&AttemptSummary>, time: Timestamp) -> bool {
    let ended = |last: &AttemptSummary| last.started_at.plus(Duration::from_millis(last.duration_ms.into()));
    last.is_some_and(|last| ended(last) > time)
}
