//! Operations: begun with their bounds, and done in slices.
//!
//! A slice first looks, and writes only once it knows everything. The cursor is saved with what it stands behind. Whoever does a
//! slice has locked the team, so nodes that come for the same one do it in turns.

mod recover;
mod resend;

use async_trait::async_trait;
use cstar_types::limits::OPERATIONS_A_TEAM;
use cstar_types::{
    AuditAction, Operation, OperationFailure, OperationId, OperationStatus, OperationWork, Patterns,
    ResendFilter, TeamId, Timestamp, WebhookStatus,
};

use super::delivery_rows::{DeliveryRow, OfDelivery};
use super::fault::Fault;
use super::head::Head;
use super::operation_rows::OperationRow;
use super::reopen;
use super::store::Postgres;
use super::tx::{Tx, change, read};
use super::webhook_rows::WebhookRow;
use crate::operations::{resent, was_attempted_since};
use crate::{ListQuery, NewOperation, Operations, Page, ResendCount, StoreError};

/// Rows that a count looks at in one reading …
const COUNT_SLICE_ROWS: usize = 10_000;
/// … and in all: a second or so of one reader.
const COUNT_MAX_ROWS: usize = 100_000;

#[async_trait]
impl Operations for Postgres {
    async fn begin(&self, operation: NewOperation, now: Timestamp) -> Result<Operation, StoreError> {
        let operation = operation.made(now);
        let begun = change!(self, [operation.team], |tx| begin(&mut tx, &operation))?;
        self.open.operation_begun.notify_one();
        Ok(begun)
    }

    async fn operation(&self, team: TeamId, operation: OperationId) -> Result<Operation, StoreError> {
        read!(self, |tx| one(&tx, team, operation))
    }

    async fn operations(
        &self,
        team: TeamId,
        query: ListQuery<OperationId>,
    ) -> Result<Page<Operation, OperationId>, StoreError> {
        read!(self, |tx| page(&tx, team, query))
    }

    async fn cancel_operation(
        &self,
        team: TeamId,
        operation: OperationId,
        now: Timestamp,
    ) -> Result<Operation, StoreError> {
        change!(self, [team], |tx| cancel(&mut tx, team, operation, now))
    }

    async fn go_on(&self, rows: usize, now: Timestamp) -> Result<bool, StoreError> {
        loop {
            let next: Result<_, StoreError> = read!(self, |tx| tx.next_operation());
            let Some(OperationRow { operation: next, .. }) = next? else { return Ok(false) };
            if change!(self, [next.team], |tx| go_on(&mut tx, &next, rows, now))? {
                return Ok(true);
            }
        }
    }

    async fn count_resend(
        &self,
        team: TeamId,
        filter: ResendFilter,
        visible: Patterns,
    ) -> Result<ResendCount, StoreError> {
        let mut counted = ResendCount { deliveries: 0, complete: false };
        let mut from = 0;
        for _ in 0..COUNT_MAX_ROWS / COUNT_SLICE_ROWS {
            let slice: Result<_, StoreError> = read!(self, |tx| count(&tx, team, &filter, &visible, from));
            let (deliveries, next) = slice?;
            counted.deliveries += deliveries;
            let Some(next) = next else {
                counted.complete = true;
                break;
            };
            from = next;
        }
        Ok(counted)
    }

    async fn begun(&self) {
        self.open.operation_begun.notified().await;
    }
}

async fn one(tx: &Tx, team: TeamId, operation: OperationId) -> Result<Operation, Fault> {
    let number = tx.head(team).await?.number;
    Ok(tx.operation(number, operation).await?.operation)
}

async fn page(
    tx: &Tx,
    team: TeamId,
    ListQuery { from, limit }: ListQuery<OperationId>,
) -> Result<Page<Operation, OperationId>, Fault> {
    let number = tx.head(team).await?.number;
    let rows = tx.operations_before(number, from, limit.saturating_add(1)).await?;
    Ok(Page::cut(rows.into_iter().map(|row| row.operation), limit, |operation| operation.id))
}

async fn count(
    tx: &Tx,
    team: TeamId,
    filter: &ResendFilter,
    visible: &Patterns,
    from: i64,
) -> Result<(u64, Option<i64>), Fault> {
    let head = tx.head(team).await?;
    is_there(tx, team, filter).await?;
    let bounds = (from, head.delivery);
    let far = Timestamp::from_millis(i64::MAX);
    let found = resend::look_for(tx, &head, &resent(filter, visible), bounds, COUNT_SLICE_ROWS, far).await?;
    Ok((found.rows.len() as u64, found.next))
}

/// Begins an operation. What it is about is settled here.
async fn begin(tx: &mut Tx, operation: &Operation) -> Result<Operation, Fault> {
    let head = tx.lock(operation.team).await?;
    may_begin(tx, operation).await?;
    if tx.has_operation(operation.id).await? {
        return Err(StoreError::Conflict("the operation's id is taken").into());
    }
    if tx.operations_running(head.number).await? >= OPERATIONS_A_TEAM {
        return Err(StoreError::Conflict("the team has as many operations under way as it may have").into());
    }
    let (cursor, last) = match &operation.work {
        OperationWork::Resend(_) => (0, head.delivery),
        OperationWork::Recover { since, until, .. } => recover::bounds(tx, &head, *since, *until).await?,
    };
    let row = OperationRow { team_number: head.number, operation: operation.clone(), cursor, last };
    tx.save_operation(&row).await?;
    tx.record(AuditAction::OperationBegun, Some(operation.team), operation.id).await?;
    Ok(row.operation)
}

async fn may_begin(tx: &Tx, Operation { team, work, .. }: &Operation) -> Result<(), Fault> {
    match work {
        OperationWork::Resend(filter) => is_there(tx, *team, filter).await,
        OperationWork::Recover { webhook, .. } => {
            match tx.webhook_of(*team, *webhook).await?.webhook.status {
                WebhookStatus::Enabled => Ok(()),
                WebhookStatus::Disabled => Err(StoreError::Conflict("the webhook is disabled").into()),
            }
        }
    }
}

/// Whether the webhook that is asked for is the team's.
async fn is_there(tx: &Tx, team: TeamId, filter: &ResendFilter) -> Result<(), Fault> {
    match filter.webhook {
        Some(webhook) => tx.webhook_of(team, webhook).await.map(drop),
        None => Ok(()),
    }
}

/// Ends an operation where it stands.
async fn cancel(tx: &mut Tx, team: TeamId, id: OperationId, now: Timestamp) -> Result<Operation, Fault> {
    let number = tx.lock(team).await?.number;
    let mut row = tx.operation(number, id).await?;
    if row.operation.status != OperationStatus::Running {
        return Err(StoreError::Conflict("the operation has ended").into());
    }
    row.operation.end(OperationStatus::Cancelled, now);
    tx.save_operation(&row).await?;
    tx.record(AuditAction::OperationCancelled, Some(team), id).await?;
    Ok(row.operation)
}

/// Does the next slice of an operation; answers whether there was one. What was seen of it may have changed until its team was
/// locked.
async fn go_on(tx: &mut Tx, seen: &Operation, rows: usize, now: Timestamp) -> Result<bool, Fault> {
    let mut heads = tx.lock_all(&[seen.team]).await?;
    let Some(mut head) = heads.remove(&seen.team) else { return Ok(false) };
    let mut row = tx.operation(head.number, seen.id).await?;
    if row.operation.status != OperationStatus::Running {
        return Ok(false);
    }
    row.operation.updated_at = now;
    let slice = match row.operation.work.clone() {
        OperationWork::Resend(filter) => resend::slice(tx, &head, &mut row, &filter, rows, now).await,
        OperationWork::Recover { webhook, .. } => {
            recover::slice(tx, &mut head, &mut row, webhook, rows, now).await
        }
    };
    match slice {
        Ok(()) => {}
        Err(Fault::Damaged(what)) => {
            tracing::error!(operation = %row.operation.id, %what, "an operation cannot go on");
            row.fail(OperationFailure::Damaged, now);
        }
        Err(fault) => return Err(fault),
    }
    tx.save_operation(&row).await?;
    Ok(true)
}

impl OperationRow {
    fn fail(&mut self, failure: OperationFailure, now: Timestamp) {
        self.operation.failure = Some(failure);
        self.operation.end(OperationStatus::Failed, now);
    }

    /// Moves on to where a slice ended, or ends where nothing is left.
    fn reached(&mut self, next: Option<i64>, now: Timestamp) {
        match next {
            Some(place) => self.cursor = place,
            None => self.operation.end(OperationStatus::Done, now),
        }
    }
}

/// Whether a delivery can be reopened, and stands as it did at a time.
fn may_reopen(
    head: &Head,
    (row, of): &(DeliveryRow, OfDelivery),
    webhook: &WebhookRow,
    asked_at: Timestamp,
) -> bool {
    let event_is_kept = row.event > head.removed_events;
    event_is_kept
        && reopen::may_reopen(row, webhook).is_ok()
        && !was_attempted_since(of.last.as_ref(), asked_at)
}

/// What a look at one row came to; one that is damaged is said, and counts as one that cannot be touched (LOG-3).
fn unless_damaged<T>(looked: Result<T, Fault>, damaged: T) -> Result<T, Fault> {
    match looked {
        Err(Fault::Damaged(what)) => {
            tracing::error!(%what, "an operation leaves out what is damaged");
            Ok(damaged)
        }
        looked => looked,
    }
}
