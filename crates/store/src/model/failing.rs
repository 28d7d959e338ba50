//! Failed attempts of webhooks since their last success, and disabling those that only fail.

use cstar_types::{
    Attempt, DeliveryStatus, DisabledReason, FailureRule, FailureStreak, Timestamp, WebhookId, WebhookStatus,
};

use super::state::State;
use crate::{AttemptReport, Change, WebhookPatch};

impl State {
    /// Counts all, then judges: a success among them counts wherever it stands.
    pub(super) fn record_all(
        &mut self,
        reports: Vec<AttemptReport>,
        rule: FailureRule,
    ) -> (Vec<DeliveryStatus>, Vec<Change>) {
        let mut counted: Vec<(WebhookId, Timestamp)> = Vec::new();
        let deliveries: Vec<_> = reports.iter().map(|report| report.delivery).collect();
        for report in &reports {
            if let Some(row) = self.deliveries.get(&report.delivery) {
                let webhook = row.delivery.webhook;
                self.count(webhook, &report.attempt);
                match counted.iter_mut().find(|(known, _)| *known == webhook) {
                    Some((_, last_at)) => *last_at = report.attempt.started_at.max(*last_at),
                    None => counted.push((webhook, report.attempt.started_at)),
                }
            }
        }
        let before: Vec<DeliveryStatus> = reports.into_iter().map(|report| self.record(report)).collect();
        let told = counted.into_iter().filter_map(|(webhook, now)| self.judge(webhook, rule, now)).collect();
        let standing = |(delivery, before)| {
            self.deliveries.get(&delivery).map_or(before, |row| {
                if row.delivery.status == DeliveryStatus::Cancelled { row.delivery.status } else { before }
            })
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

    fn judge(&mut self, id: WebhookId, rule: FailureRule, now: Timestamp) -> Option<Change> {
        let disables = self.streaks.get(&id).is_some_and(|streak| rule.disables(*streak, now));
        let (webhook, _) = self.webhooks.get(&id)?;
        if !disables || webhook.status == WebhookStatus::Disabled {
            return None;
        }
        let patch = WebhookPatch { enabled: Some(Err(DisabledReason::Failing)), ..WebhookPatch::default() };
        self.update_webhook(webhook.team, id, patch, None, now).ok()?;
        Some(Change::WebhookChanged(id))
    }

    /// It begins anew.
    pub(super) fn forget_failures(&mut self, webhook: WebhookId) {
        self.streaks.remove(&webhook);
        if let Some((known, _)) = self.webhooks.get_mut(&webhook) {
            known.failing_since = None;
        }
    }
}
