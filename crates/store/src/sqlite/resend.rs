//! Resending: an ended delivery waits again.

use cstar_types::{Delivery, DeliveryId, DeliveryStatus, TeamId, Timestamp, WebhookStatus};

use super::fault::Fault;
use super::tx::Tx;
use crate::{ATTEMPTS_MAX, Change, StoreError};

/// Reopens an ended delivery with one new schedule, due now (T8).
pub(super) fn resend(
    tx: &mut Tx<'_>,
    team: TeamId,
    id: DeliveryId,
    now: Timestamp,
) -> Result<Delivery, Fault> {
    let look = tx.look();
    let team_row = look.team(team)?;
    let mut row = look.delivery_row(team_row.number, id)?;
    let webhook = look.webhook_of_row(&row)?;
    if webhook.deleted || look.entry_at(team, row.event)?.is_none() {
        return Err(StoreError::NotFound.into());
    }
    if !row.status_under(webhook.generation).has_ended() {
        return Err(StoreError::Conflict("the delivery has not ended").into());
    }
    if webhook.webhook.status == WebhookStatus::Disabled {
        return Err(StoreError::Conflict("the webhook is disabled").into());
    }
    if row.attempts >= ATTEMPTS_MAX {
        return Err(StoreError::Conflict("the delivery has had all the attempts that one may have").into());
    }
    row.status = DeliveryStatus::Pending;
    row.failed = 0;
    row.due_ms = Some(now.as_millis());
    row.generation = webhook.generation;
    row.update(look)?;
    tx.effects.told.push(Change::Reopened { delivery: id, webhook: webhook.webhook.id });
    look.delivery(team, &row, &webhook)
}
