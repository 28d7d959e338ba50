//! Resending: an ended delivery waits again, and an event goes to a webhook that it did not go to.

use cstar_types::{AuditAction, Delivery, DeliveryId, EventId, TeamId, Timestamp, WebhookId};

use super::append::is_enabled;
use super::delivery_rows::{DeliveryRow, EventOf, OfDelivery};
use super::fault::Fault;
use super::reopen::{ERASED, may_reopen};
use super::tx::Tx;
use super::wanting::Target;
use super::webhook_rows::WebhookRow;
use crate::StoreError;

/// Reopens an ended delivery with one new schedule, due now (T8).
pub(super) async fn resend(
    tx: &mut Tx,
    team: TeamId,
    id: DeliveryId,
    now: Timestamp,
) -> Result<Delivery, Fault> {
    let head = tx.lock(team).await?;
    let (row, of) = tx.delivery(head.number, id).await?;
    let webhook = tx.webhook_of(team, row.webhook).await?;
    if !tx.is_kept(head.number, row.event).await? {
        return Err(StoreError::NotFound.into());
    }
    let reopened = reopen(tx, team, row, of, &webhook, now).await?;
    tx.record(AuditAction::DeliveryResent, Some(team), id).await?;
    Ok(reopened)
}

/// Delivers an event that is kept to one webhook: reopens the delivery that there is (T8), or makes one (DLV-1).
pub(super) async fn deliver(
    tx: &mut Tx,
    team: TeamId,
    event: EventId,
    webhook: WebhookId,
    now: Timestamp,
) -> Result<Delivery, Fault> {
    let mut head = tx.lock(team).await?;
    let webhook = tx.webhook_of(team, webhook).await?;
    let kept = tx.event_with_id(team, head.number, event).await?.ok_or(StoreError::NotFound)?;
    let delivery = match tx.delivery_to(head.number, event, webhook.webhook.id).await? {
        Some((row, of)) => reopen(tx, team, row, of, &webhook, now).await?,
        None => {
            is_enabled(webhook.webhook.status)?;
            if kept.marks.is_erased() {
                return Err(ERASED.into());
            }
            let of = EventOf {
                seq: kept.seq,
                day: kept.day,
                id: event,
                event_type: kept.event.event_type,
                // How it was published is the event's: this delivery was asked for.
                marks: kept.marks.kept_from_webhooks(false),
            };
            let made = tx.make_deliveries(&mut head, &Target::of(&webhook), &[of], now).await?;
            let row = made.into_iter().next().ok_or_else(|| Fault::damaged("deliveries", "new"))?;
            row.delivery(team, &OfDelivery::new(webhook.generation))
        }
    };
    tx.record(AuditAction::EventResent, Some(team), event).await?;
    Ok(delivery)
}

async fn reopen(
    tx: &mut Tx,
    team: TeamId,
    mut row: DeliveryRow,
    of: OfDelivery,
    webhook: &WebhookRow,
    now: Timestamp,
) -> Result<Delivery, Fault> {
    may_reopen(&row, webhook)?;
    row.reopen(webhook, now);
    tx.save_reopened(std::slice::from_ref(&row), now).await?;
    Ok(row.delivery(team, &of))
}
