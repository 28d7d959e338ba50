//! Failed attempts of webhooks since their last success, and disabling those that only fail.

use cstar_types::{
    Attempt, DeliveryId, DeliveryStatus, DisabledReason, FailureRule, FailureStreak, Timestamp, WebhookId,
    WebhookStatus,
};

use super::state::State;
use crate::{AttemptReport, Change, WebhookPatch};

impl State {
    /// Counts all, then judges: a success among them counts wherever it stands.
    pub(super) fn record_all(
        &mut self,
        reports: &[AttemptReport],
        rule: FailureRule,
    ) -> (Vec<DeliveryStatus>, Vec<Change>) {
        let mut counted: Vec<(WebhookId, Timestamp)> = Vec::new();
        let deliveries: Vec<_> = reports.iter().map(|report| report.delivery).collect();
        for report in reports {
            if let Some(row) = self.deliveries.get(&report.delivery) {
                let webhook = row.delivery.webhook;
                self.count(webhook, &report.attempt);
                match counted.iter_mut().find(|(known, _)| *known == webhook) {
                    Some((_, last_at)) => *last_at = report.attempt.started_at.max(*last_at),
                    None => counted.push((webhook, report.attempt.started_at)),
                }
            }
        }
        let mut told = Vec::new();
        let before: Vec<DeliveryStatus> =
            reports.iter().map(|report| self.record_and_tell(report, &mut told)).collect();
        let mut disabled = Vec::new();
        for (webhook, now) in counted {
            if self.judge(webhook, rule, now) {
                disabled.push(webhook);
                told.push(Change::WebhookChanged(webhook));
                told.extend(self.tell_disabled(webhook, DisabledReason::Failing, now));
            }
        }
        let standing = |(delivery, before): (DeliveryId, DeliveryStatus)| {
            let row = self.deliveries.get(&delivery);
            let is_cancelled = row.is_some_and(|row| disabled.contains(&row.delivery.webhook));
            if is_cancelled && !before.has_ended() { DeliveryStatus::Cancelled } else { before }
        };
        (deliveries.into_iter().zip(before).map(standing).collect(), told)
    }

    fn count(&mut self, webhook: WebhookId, attempt: &Attempt) {
        let streak = FailureStreak::after(self.streaks.remove(&webhook), attempt.outcome, attempt.started_at);
        self.streaks.extend(streak.map(|streak| (webhook, streak)));
        if let Some((known, _)) = self.webhooks.get_mut(&webhook) {
            known.failing_since = streak.map(|streak| streak.since);
        }
    }

    /// Whether it disabled it.
    fn judge(&mut self, id: WebhookId, rule: FailureRule, now: Timestamp) -> bool {
        let disables = self.streaks.get(&id).is_some_and(|streak| rule.disables(*streak, now));
        let Some((webhook, _)) = self.webhooks.get(&id) else { return false };
        if !disables || webhook.status == WebhookStatus::Disabled {
            return false;
        }
        let patch = WebhookPatch { enabled: Some(Err(DisabledReason::Failing)), ..WebhookPatch::default() };
        self.update_webhook(webhook.team, id, patch, None, now).is_ok()
    }

    /// It begins anew.
    pub(super) fn forget_failures(&mut self, webhook: WebhookId) {
        self.streaks.remove(&webhook);
        if let Some((known, _)) = self.webhooks.get_mut(&webhook) {
            known.failing_since = None;
        }
    }
}
