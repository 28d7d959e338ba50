//! Resending: an ended delivery waits again, and an event goes to a webhook that it did not go to.

use std::slice;

use cstar_types::limits::COMMIT_MAX_DELIVERIES;
use cstar_types::{
    AuditAction, Delivery, DeliveryId, DeliveryStatus, EventId, TeamId, Timestamp, Webhook, WebhookId,
    WebhookStatus,
};

use super::delivery_rows::{DeliveryRow, EventOf};
use super::fault::Fault;
use super::memory::{Head, Target};
use super::rows;
use super::tx::Tx;
use super::webhook_rows::WebhookRow;
use crate::stored::kind::Kind;
use crate::stored::place::{COUNT_MAX, Place};
use crate::{ATTEMPTS_MAX, Change, StoreError};

/// There is nothing to send any more.
const ERASED: StoreError = StoreError::Conflict("the event's data was erased");

/// Reopens an ended delivery with one new schedule, due now (T8).
pub(super) fn resend(
    tx: &mut Tx<'_>,
    team: TeamId,
    id: DeliveryId,
    now: Timestamp,
) -> Result<Delivery, Fault> {
    let look = tx.look();
    let team_row = look.team(team)?;
    let row = look.delivery_row(team_row.number, id)?;
    let webhook = look.webhook_of_row(&row)?;
    if webhook.deleted || look.entry_at(team, row.event)?.is_none() {
        return Err(StoreError::NotFound.into());
    }
    let reopened = reopen(tx, row, &webhook, now)?;
    tx.record(AuditAction::DeliveryResent, Some(team), id)?;
    Ok(reopened)
}

/// Delivers an event that is kept to one webhook.
pub(super) fn deliver(
    tx: &mut Tx<'_>,
    team: TeamId,
    event: EventId,
    webhook: WebhookId,
    now: Timestamp,
) -> Result<Delivery, Fault> {
    let delivery = reopen_or_make(tx, team, event, webhook, now)?;
    tx.record(AuditAction::EventResent, Some(team), event)?;
    Ok(delivery)
}

/// Reopens the delivery that there is (T8), or makes one (DLV-1).
fn reopen_or_make(
    tx: &mut Tx<'_>,
    team: TeamId,
    event: EventId,
    webhook: WebhookId,
    now: Timestamp,
) -> Result<Delivery, Fault> {
    let look = tx.look();
    let webhook = look.webhook_of(team, webhook)?;
    let kept = look.entry_with_id(team, event)?.filter(|(place, _)| place.team() == webhook.team_number);
    let (place, entry) = kept.ok_or(StoreError::NotFound)?;
    if let Some(row) = look.delivery_to(webhook.number, event)? {
        return reopen(tx, row, &webhook, now);
    }
    is_enabled(&webhook)?;
    if look.is_erased(place)? {
        return Err(ERASED.into());
    }
    let kind = Kind::new(tx.memory.type_number(look, &entry.event.event_type)?, event.is_test());
    let mut head = tx.memory.take_head(look, team)?;
    let made = make(tx, &mut head, &webhook, EventOf { place, id: event, kind }, now);
    tx.memory.put_head(team, head);
    tell(tx, made?, &webhook)
}

/// Whether a delivery can be reopened, as far as it and its webhook say.
pub(super) fn may_reopen(row: &DeliveryRow, webhook: &WebhookRow) -> Result<(), StoreError> {
    if !row.status_under(webhook.generation).has_ended() {
        return Err(StoreError::Conflict("the delivery has not ended"));
    }
    is_enabled(webhook)?;
    if row.attempts >= ATTEMPTS_MAX {
        return Err(StoreError::Conflict("the delivery has had all the attempts that one may have"));
    }
    if row.kind.is_erased() {
        return Err(ERASED);
    }
    Ok(())
}

pub(super) fn reopen(
    tx: &mut Tx<'_>,
    mut row: DeliveryRow,
    webhook: &WebhookRow,
    now: Timestamp,
) -> Result<Delivery, Fault> {
    may_reopen(&row, webhook)?;
    row.status = DeliveryStatus::Pending;
    row.failed = 0;
    row.due_ms = Some(now.as_millis());
    row.generation = webhook.generation;
    row.update(tx.look())?;
    tell(tx, row, webhook)
}

/// Writes a delivery behind the team's newest.
pub(super) fn make(
    tx: &mut Tx<'_>,
    head: &mut Head,
    webhook: &WebhookRow,
    event: EventOf,
    now: Timestamp,
) -> Result<DeliveryRow, Fault> {
    if head.delivery >= COUNT_MAX {
        return Err(StoreError::Conflict("the team's deliveries have no places left").into());
    }
    if tx.effects.deliveries >= COMMIT_MAX_DELIVERIES {
        return Err(Fault::NoRoom);
    }
    head.delivery += 1;
    head.last_ms = head.last_ms.max(now.as_millis());
    let place = Place::new(head.number, head.delivery);
    let row = DeliveryRow::due(place, Target::of(webhook), event, head.last_ms, now);
    rows::insert(tx.conn, slice::from_ref(&row))?;
    tx.effects.deliveries += 1;
    Ok(row)
}

pub(super) fn tell(tx: &mut Tx<'_>, row: DeliveryRow, webhook: &WebhookRow) -> Result<Delivery, Fault> {
    let Webhook { id, team, .. } = webhook.webhook;
    tx.effects.told.push(Change::Reopened { delivery: row.id(), webhook: id });
    tx.look().delivery(team, &row, webhook)
}

pub(super) fn is_enabled(webhook: &WebhookRow) -> Result<(), StoreError> {
    match webhook.webhook.status {
        WebhookStatus::Enabled => Ok(()),
        WebhookStatus::Disabled => Err(StoreError::Conflict("the webhook is disabled")),
    }
}
