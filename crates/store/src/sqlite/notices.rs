//! Notices: what happens to webhooks and to the disk is appended to the operator's log, by the transaction in which it
//! happens. So a notice is kept exactly if its cause is, and is delivered as every event is.
//!
//! What nobody hears is not written, and of what becomes of notices' deliveries none is made. Nor is one in the way of its cause: where
//! what it needs is damaged, that is said instead.

use std::time::Duration;

use cstar_types::{
    Attempt, DeliveryFailed, DisabledReason, EventId, FailedDeliveries, Notice, NoticeType, StorageLow,
    TeamId, Timestamp, Webhook, WebhookDisabled,
};
use uuid::Builder;

use super::append::Publish;
use super::delivery_rows::DeliveryRow;
use super::fault::Fault;
use super::tx::Tx;
use super::webhook_rows::WebhookRow;
use crate::stored::place::OPERATOR_NUMBER;
use crate::{Append, AttemptReport, FanOut, NewEvent};

/// When failed deliveries were last told, by the numbers of webhooks and teams. It is not kept over a restart: then one is told
/// early.
pub(super) type Failed = FailedDeliveries<i64, i64>;

/// Tells that the server has disabled a webhook, or a URL that hears notices: the others hear of it, each once at most.
pub(super) fn webhook_disabled(
    tx: &mut Tx<'_>,
    row: &WebhookRow,
    reason: DisabledReason,
    now: Timestamp,
) -> Result<(), Fault> {
    said(|| {
        if !is_heard(tx, NoticeType::WebhookDisabled)? {
            return Ok(());
        }
        let since = tx.look().streak(row.number)?.map(|streak| streak.since);
        append(tx, &Notice::WebhookDisabled(WebhookDisabled::of(&row.webhook, reason, since)), now)
    })
}

/// Tells that a delivery has failed for good, if it is time to tell one of its webhook's.
pub(super) fn delivery_failed(
    tx: &mut Tx<'_>,
    row: &DeliveryRow,
    report: &AttemptReport,
) -> Result<(), Fault> {
    said(|| {
        let of_notice = row.place.team() == OPERATOR_NUMBER;
        if of_notice || row.kind.is_test() || !is_heard(tx, NoticeType::DeliveryFailed)? {
            return Ok(());
        }
        let Attempt { started_at, duration_ms, outcome, status_code, .. } = report.attempt;
        let now = started_at.plus(Duration::from_millis(duration_ms.into()));
        let Some(deliveries_failed) = tx.memory.failed.one_more(row.webhook, row.place.team(), now) else {
            return Ok(());
        };
        let look = tx.look();
        let Webhook { id: webhook_id, team: team_id, .. } = look.webhook_of_row(row)?.webhook;
        let notice = DeliveryFailed {
            team_id,
            webhook_id,
            delivery_id: row.id(),
            event_id: EventId::from_bits(row.event_id, false),
            event_type: look.event_type(row.kind)?,
            attempts: row.attempts,
            outcome,
            status_code,
            deliveries_failed,
        };
        append(tx, &Notice::DeliveryFailed(notice), now)
    })
}

/// Tells that publishing is refused for want of room.
pub(super) fn storage_low(tx: &mut Tx<'_>, free_bytes: u64, now: Timestamp) -> Result<(), Fault> {
    said(|| {
        if is_heard(tx, NoticeType::StorageLow)? {
            append(tx, &Notice::StorageLow(StorageLow { free_bytes }), now)?;
        }
        Ok(())
    })
}

fn said(tell: impl FnOnce() -> Result<(), Fault>) -> Result<(), Fault> {
    match tell() {
        Err(Fault::Damaged(what)) => {
            tracing::error!(%what, "a notice is not sent");
            Ok(())
        }
        told => told,
    }
}

/// Whether somebody hears notices of this type.
fn is_heard(tx: &mut Tx<'_>, notice: NoticeType) -> Result<bool, Fault> {
    let mut head = tx.memory.take_head(tx.look(), TeamId::OPERATOR)?;
    let is_heard = !head.targets(&notice.event_type()).is_empty();
    tx.memory.put_head(TeamId::OPERATOR, head);
    Ok(is_heard)
}

fn append(tx: &mut Tx<'_>, notice: &Notice, now: Timestamp) -> Result<(), Fault> {
    let id = Builder::from_unix_timestamp_millis(now.as_millis().unsigned_abs(), &rand::random());
    let event = notice.event(EventId::from_uuid(id.into_uuid(), false), now);
    // Damage is found before anything is written: the cause is to be kept all the same.
    tx.memory.type_number(tx.look(), &event.event_type)?;
    let events = vec![NewEvent { event, idempotency_key: None }];
    let publish = Publish::prepare(Append { team: TeamId::OPERATOR, events, fan_out: FanOut::Matching, now });
    publish.apply(tx).map(drop)
}
