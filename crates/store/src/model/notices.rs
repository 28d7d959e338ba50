//! Notices: what the operator is told by itself.

use std::time::Duration;

use cstar_types::{
    DeliveryFailed, DeliveryStatus, DisabledReason, EventId, Notice, TeamId, Timestamp, WebhookDisabled,
    WebhookId,
};
use uuid::Uuid;

use super::state::{Row, State};
use crate::{Append, AttemptReport, Change, FanOut, NewEvent};

impl State {
    /// Records a result, and tells of a delivery that it ends as failed.
    pub(super) fn record_and_tell(
        &mut self,
        report: &AttemptReport,
        told: &mut Vec<Change>,
    ) -> DeliveryStatus {
        let AttemptReport { delivery, attempt, .. } = report;
        let (id, at) =
            (*delivery, attempt.started_at.plus(Duration::from_millis(attempt.duration_ms.into())));
        let had_ended = self.deliveries.get(&id).is_none_or(|row| row.delivery.status.has_ended());
        let status = self.record(report);
        if status == DeliveryStatus::Failed && !had_ended {
            let failed = self.deliveries.get(&id).and_then(Row::failure);
            told.extend(failed.and_then(|failed| self.tell_failed(failed, at)));
        }
        status
    }

    fn tell_failed(&mut self, failed: DeliveryFailed, at: Timestamp) -> Option<Change> {
        if failed.team_id == TeamId::OPERATOR || failed.event_id.is_test() {
            return None;
        }
        let webhook = failed.webhook_id;
        if !self.is_heard(&Notice::DeliveryFailed(failed.clone())) {
            return None;
        }
        let deliveries_failed = self.failed.one_more(webhook, failed.team_id, at)?;
        self.tell(&Notice::DeliveryFailed(DeliveryFailed { deliveries_failed, ..failed }), at)
    }

    /// Tells that the server has disabled a webhook.
    pub(super) fn tell_disabled(
        &mut self,
        webhook: WebhookId,
        reason: DisabledReason,
        at: Timestamp,
    ) -> Option<Change> {
        let (webhook, _) = self.webhooks.get(&webhook)?;
        let notice = Notice::WebhookDisabled(WebhookDisabled::of(webhook, reason, webhook.failing_since));
        if self.is_heard(&notice) { self.tell(&notice, at) } else { None }
    }

    fn is_heard(&self, notice: &Notice) -> bool {
        let event = notice.event(EventId::from_bits(0, false), Timestamp::default());
        self.webhooks.values().any(|(webhook, _)| webhook.team == TeamId::OPERATOR && webhook.wants(&event))
    }

    fn tell(&mut self, notice: &Notice, now: Timestamp) -> Option<Change> {
        let event = notice.event(EventId::from_uuid(Uuid::now_v7(), false), now);
        let events = vec![NewEvent { event, idempotency_key: None }];
        let append = Append { team: TeamId::OPERATOR, events, fan_out: FanOut::Matching, now };
        self.append(append).ok().and_then(|(_, told)| told)
    }
}

impl Row {
    fn failure(&self) -> Option<DeliveryFailed> {
        let last = self.delivery.last_attempt.as_ref()?;
        Some(DeliveryFailed {
            team_id: self.delivery.team,
            webhook_id: self.delivery.webhook,
            delivery_id: self.delivery.id,
            event_id: self.delivery.event,
            event_type: self.delivery.event_type.clone(),
            attempts: self.delivery.attempts,
            outcome: last.outcome,
            status_code: last.status_code,
            deliveries_failed: 1,
        })
    }
}
