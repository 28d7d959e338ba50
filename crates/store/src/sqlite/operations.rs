//! Operations: begun with their bounds, and done in slices.
//!
//! A slice first looks, and writes only once it knows everything: what is damaged is found before that, so that it cannot
//! take the rest of the slice with it. The cursor is saved with what it stands behind.

mod recover;
mod resend;

use cstar_types::limits::OPERATIONS_A_TEAM;
use cstar_types::{
    AuditAction, Operation, OperationFailure, OperationId, OperationStatus, OperationWork, TeamId, Timestamp,
    WebhookStatus,
};

use super::delivery_rows::DeliveryRow;
use super::fault::Fault;
use super::look::Look;
use super::operation_rows::OperationRow;
use super::team_rows::TeamRow;
use super::tx::Tx;
use super::webhook_rows::WebhookRow;
use crate::operations::{resent, was_attempted_since};
use crate::stored::place::Place;
use crate::{EventQuery, Order, StoreError, TypeFilter};

pub(super) use resend::count;

/// Begins an operation. What it is about is settled here.
pub(super) fn begin(tx: &mut Tx<'_>, operation: &Operation) -> Result<Operation, Fault> {
    let look = tx.look();
    let team = look.team(operation.team)?;
    may_begin(look, operation)?;
    if look.has_operation(operation.id)? {
        return Err(StoreError::Conflict("the operation's id is taken").into());
    }
    if look.operations_running(team.number)? >= OPERATIONS_A_TEAM {
        return Err(StoreError::Conflict("the team has as many operations under way as it may have").into());
    }
    let (cursor, last) = bounds(look, &team, operation)?;
    OperationRow { team_number: team.number, operation: operation.clone(), cursor, last }.save(look)?;
    tx.record(AuditAction::OperationBegun, Some(operation.team), operation.id)?;
    Ok(operation.clone())
}

fn may_begin(look: Look<'_>, Operation { team, work, .. }: &Operation) -> Result<(), Fault> {
    match work {
        OperationWork::Resend(filter) => {
            filter.webhook.map_or(Ok(()), |webhook| look.webhook_of(*team, webhook).map(|_| ()))
        }
        OperationWork::Recover { webhook, .. } => match look.webhook_of(*team, *webhook)?.webhook.status {
            WebhookStatus::Enabled => Ok(()),
            WebhookStatus::Disabled => Err(StoreError::Conflict("the webhook is disabled").into()),
        },
    }
}

/// The place before the first and the last that it is about; those that come later have higher ones.
fn bounds(look: Look<'_>, team: &TeamRow, operation: &Operation) -> Result<(Place, Place), Fault> {
    let before = Place::before(team.number);
    match &operation.work {
        OperationWork::Resend(filter) => {
            let (low, high) = look.delivery_bounds(team, &resent(filter, &operation.visible))?;
            let newest = look.last_delivery(team.number)?.map_or(before, |(place, _)| place);
            Ok((low, newest.min(Place::new(team.number, high.count().saturating_sub(1)))))
        }
        OperationWork::Recover { since, until, .. } => {
            let range = EventQuery {
                filter: TypeFilter::all(),
                since: Some(*since),
                until: *until,
                order: Order::Asc,
                from: None,
                limit: usize::MAX,
            };
            let found = look.event_bounds(team, &range)?;
            Ok(found
                .map_or((before, before), |(first, last)| (Place::new(team.number, first.count() - 1), last)))
        }
    }
}

/// Ends an operation where it stands.
pub(super) fn cancel(
    tx: &mut Tx<'_>,
    team: TeamId,
    id: OperationId,
    now: Timestamp,
) -> Result<Operation, Fault> {
    let look = tx.look();
    let mut row = look.operation(look.team(team)?.number, id)?;
    if row.operation.status != OperationStatus::Running {
        return Err(StoreError::Conflict("the operation has ended").into());
    }
    row.operation.end(OperationStatus::Cancelled, now);
    row.save(look)?;
    tx.record(AuditAction::OperationCancelled, Some(team), id)?;
    Ok(row.operation)
}

/// Does the next slice of the operation whose turn it is; answers whether there was one.
pub(super) fn go_on(tx: &mut Tx<'_>, rows: usize, now: Timestamp) -> Result<bool, Fault> {
    let look = tx.look();
    let Some(mut row) = look.next_operation()? else { return Ok(false) };
    row.operation.updated_at = now;
    let slice = match row.operation.work.clone() {
        OperationWork::Resend(filter) => resend::slice(tx, &mut row, &filter, rows, now),
        OperationWork::Recover { webhook, .. } => recover::slice(tx, &mut row, webhook, rows, now),
    };
    match slice {
        Ok(()) => {}
        Err(Fault::Damaged(what)) => {
            tracing::error!(operation = %row.operation.id, %what, "an operation cannot go on");
            row.fail(OperationFailure::Damaged, now);
        }
        Err(fault) => return Err(fault),
    }
    row.save(look)?;
    Ok(true)
}

impl OperationRow {
    fn fail(&mut self, failure: OperationFailure, now: Timestamp) {
        self.operation.failure = Some(failure);
        self.operation.end(OperationStatus::Failed, now);
    }

    /// Moves on to where a slice ended, or ends where nothing is left.
    fn reached(&mut self, next: Option<Place>, now: Timestamp) {
        match next {
            Some(place) => self.cursor = place,
            None => self.operation.end(OperationStatus::Done, now),
        }
    }
}

/// Whether a delivery can be reopened, and stands as it did at a time.
fn may_reopen(
    look: Look<'_>,
    team: &TeamRow,
    row: &DeliveryRow,
    webhook: &WebhookRow,
    asked_at: Timestamp,
) -> Result<bool, Fault> {
    let event_is_kept = row.event.count() > team.removed_events;
    if !event_is_kept || super::resend::may_reopen(row, webhook).is_err() {
        return Ok(false);
    }
    let last = row.last_attempt.map(|number| look.attempt_summary(row, number)).transpose()?;
    Ok(!was_attempted_since(last.as_ref(), asked_at))
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
