//! Notices: what happens to webhooks is appended to the operator's log, by the transaction in which it happens. So a notice is
//! kept exactly if its cause is, and is delivered as every event is.
//!
//! What nobody hears is not written, and of what becomes of notices' deliveries none is made. The operator's turn is taken and
//! its row locked last of all teams': who has them waits for nobody else.

use std::time::Duration;

use cstar_types::{
    Attempt, DeliveryFailed, DisabledReason, EventId, FailedDeliveries, Notice, NoticeType, TeamId,
    Timestamp, WebhookDisabled, WebhookId,
};
use uuid::Builder;

use super::append;
use super::delivery_rows::DeliveryRow;
use super::fault::Fault;
use super::tx::Tx;
use super::webhook_rows::WebhookRow;
use crate::{Append, AttemptReport, FanOut, NewEvent};

/// When failed deliveries were last told by this node. It is not kept over a restart: then one is told early.
pub(super) type Failed = FailedDeliveries<WebhookId, TeamId>;

/// Tells that the server has disabled a webhook, or a URL that hears notices: the others hear of it, each once at most.
pub(super) async fn webhook_disabled(
    tx: &mut Tx,
    row: &WebhookRow,
    reason: DisabledReason,
    now: Timestamp,
) -> Result<(), Fault> {
    if !is_heard(tx, NoticeType::WebhookDisabled).await? {
        return Ok(());
    }
    let notice = WebhookDisabled::of(&row.webhook, reason, row.failing_since);
    append(tx, &Notice::WebhookDisabled(notice), now).await
}

/// Tells that deliveries have failed for good, of each if it is time to tell one of its webhook's.
pub(super) async fn deliveries_failed(
    tx: &mut Tx,
    failed: &[(TeamId, DeliveryRow, &AttemptReport)],
) -> Result<(), Fault> {
    let is_told =
        |(team, row, _): &&(TeamId, DeliveryRow, _)| *team != TeamId::OPERATOR && !row.marks.is_test();
    if !failed.iter().any(|one| is_told(&one)) || !is_heard(tx, NoticeType::DeliveryFailed).await? {
        return Ok(());
    }
    for (team, row, report) in failed.iter().filter(is_told) {
        delivery_failed(tx, *team, row, report).await?;
    }
    Ok(())
}

async fn delivery_failed(
    tx: &mut Tx,
    team_id: TeamId,
    row: &DeliveryRow,
    report: &AttemptReport,
) -> Result<(), Fault> {
    let Attempt { started_at, duration_ms, outcome, status_code, .. } = report.attempt;
    let now = started_at.plus(Duration::from_millis(duration_ms.into()));
    let told = tx.open.failed.lock().one_more(row.webhook, team_id, now);
    let Some(deliveries_failed) = told else { return Ok(()) };
    tx.effects.tells_failed = true;
    let notice = DeliveryFailed {
        team_id,
        webhook_id: row.webhook,
        delivery_id: row.id(),
        event_id: EventId::from_bits(row.event_id, false),
        event_type: row.event_type.clone(),
        attempts: row.attempts,
        outcome,
        status_code,
        deliveries_failed,
    };
    append(tx, &Notice::DeliveryFailed(notice), now).await
}

/// Whether somebody hears notices of this type.
async fn is_heard(tx: &mut Tx, notice: NoticeType) -> Result<bool, Fault> {
    let head = tx.lock_operator().await?;
    Ok(!tx.wanting(&head).await?.targets(&notice.event_type()).is_empty())
}

async fn append(tx: &mut Tx, notice: &Notice, now: Timestamp) -> Result<(), Fault> {
    let id = Builder::from_unix_timestamp_millis(now.as_millis().unsigned_abs(), &rand::random());
    let event = notice.event(EventId::from_uuid(id.into_uuid(), false), now);
    let events = vec![NewEvent { event, idempotency_key: None }];
    let notice = Append { team: TeamId::OPERATOR, events, fan_out: FanOut::Matching, now };
    append::append_in(tx, notice).await.map(drop)
}
