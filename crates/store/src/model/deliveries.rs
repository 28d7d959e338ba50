//! What is due, what came of it, and the webhook logs.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::{
    Attempt, AttemptSummary, AuditAction, Delivery, DeliveryId, DeliveryStatus, DisabledReason, EventId,
    FailureRule, Outcome, TeamId, Timestamp, WebhookId, WebhookStatus,
};

use super::Model;
use super::state::{Row, State};
use crate::{
    ATTEMPTS_MAX, AttemptReport, Change, Deliveries, DeliveryQuery, DueSlice, Page, StoreError, Verdict,
    WebhookPatch,
};

#[async_trait]
impl Deliveries for Model {
    async fn lanes(&self) -> Result<Vec<(WebhookId, Timestamp)>, StoreError> {
        self.may_refuse()?;
        self.look(|state| {
            let mut lanes: BTreeMap<WebhookId, Timestamp> = BTreeMap::new();
            for due in state.deliveries.values().filter_map(Row::due) {
                let first = lanes.entry(due.webhook).or_insert(due.due_at);
                *first = due.due_at.min(*first);
            }
            Ok(lanes.into_iter().collect())
        })
    }

    async fn due(&self, webhook: WebhookId, now: Timestamp, limit: usize) -> Result<DueSlice, StoreError> {
        self.may_refuse()?;
        self.look(|state| {
            let mut due = state.waiting(webhook);
            let ready = due.iter().take_while(|due| due.due_at <= now).count().min(limit);
            let next = due.get(ready).map(|due| due.due_at);
            due.truncate(ready);
            Ok(DueSlice { due, next, rule: state.rule(webhook) })
        })
    }

    async fn record(
        &self,
        reports: Arc<[AttemptReport]>,
        rule: FailureRule,
    ) -> Result<Vec<DeliveryStatus>, StoreError> {
        self.change_many(|state| Ok(state.record_all(&reports, rule)))
    }

    async fn disable_webhook(
        &self,
        webhook: WebhookId,
        seen: Option<u64>,
        reason: DisabledReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change_many(|state| {
            let (known, _) = state.webhooks.get(&webhook).ok_or(StoreError::NotFound)?;
            let has_changed = seen.is_some_and(|seen| seen != known.version);
            if known.status == WebhookStatus::Disabled || has_changed {
                return Ok(((), Vec::new()));
            }
            let patch = WebhookPatch { enabled: Some(Err(reason)), ..WebhookPatch::default() };
            state.update_webhook(known.team, webhook, patch, None, now)?;
            let mut told = vec![Change::WebhookChanged(webhook)];
            told.extend(state.tell_disabled(webhook, reason, now));
            Ok(((), told))
        })
    }

    async fn delivery(
        &self,
        team: TeamId,
        delivery: DeliveryId,
    ) -> Result<(Delivery, Vec<Attempt>), StoreError> {
        self.look(|state| {
            let row = state.delivery(team, delivery)?;
            Ok((row.delivery.clone(), row.attempts.clone()))
        })
    }

    async fn deliveries(
        &self,
        team: TeamId,
        query: DeliveryQuery,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        self.look(|state| {
            state.team(team)?;
            let newest_first = state.deliveries.values().rev().map(|row| &row.delivery);
            let asked_for = newest_first.filter(|row| row.team == team && query.asks_for(row));
            let mut rows: Vec<Delivery> = asked_for.cloned().collect();
            let more = rows.len() > query.limit;
            rows.truncate(query.limit);
            let next = if more { rows.last().map(|row| row.id) } else { None };
            Ok(Page { rows, next })
        })
    }

    async fn resend(
        &self,
        team: TeamId,
        delivery: DeliveryId,
        now: Timestamp,
    ) -> Result<Delivery, StoreError> {
        self.change(|state| {
            let resent = state.resend(team, delivery, now)?;
            state.put_on_record(AuditAction::DeliveryResent, Some(team), delivery);
            let told = Change::Reopened { delivery, webhook: resent.webhook };
            Ok((resent, Some(told)))
        })
    }

    async fn deliver(
        &self,
        team: TeamId,
        event: EventId,
        webhook: WebhookId,
        now: Timestamp,
    ) -> Result<Delivery, StoreError> {
        self.change(|state| {
            let due = state.deliver(team, event, webhook, now)?;
            state.put_on_record(AuditAction::EventResent, Some(team), event);
            let told = Change::Reopened { delivery: due.id, webhook };
            Ok((due, Some(told)))
        })
    }
}

impl DeliveryQuery {
    pub(super) fn asks_for(&self, delivery: &Delivery) -> bool {
        self.filter.passes(&delivery.event_type)
            && self.webhook.is_none_or(|webhook| webhook == delivery.webhook)
            && self.event.is_none_or(|event| event == delivery.event)
            && self.status.is_none_or(|status| status == delivery.status)
            && self.since.is_none_or(|since| delivery.created_at >= since)
            && self.until.is_none_or(|until| delivery.created_at < until)
            && self.from.is_none_or(|from| delivery.id < from)
    }
}

impl State {
    pub(super) fn record(&mut self, report: &AttemptReport) -> DeliveryStatus {
        let Some(row) = self.deliveries.get_mut(&report.delivery) else {
            return DeliveryStatus::Cancelled;
        };
        self.counts.attempts += 1;
        row.record(report)
    }

    pub(super) fn resend(
        &mut self,
        team: TeamId,
        delivery: DeliveryId,
        now: Timestamp,
    ) -> Result<Delivery, StoreError> {
        self.may_reopen(team, delivery)?;
        let row = self.deliveries.get_mut(&delivery).ok_or(StoreError::NotFound)?;
        row.failed = 0;
        row.delivery.status = DeliveryStatus::Pending;
        row.delivery.cancel_reason = None;
        row.delivery.next_attempt_at = Some(now);
        Ok(row.delivery.clone())
    }

    pub(super) fn may_reopen(&self, team: TeamId, delivery: DeliveryId) -> Result<(), StoreError> {
        let Delivery { webhook, event, status, attempts, .. } = self.delivery(team, delivery)?.delivery;
        let webhook = self.webhook(team, webhook)?;
        if !self.team(team)?.kept.iter().any(|kept| kept.entry.event.id == event) {
            return Err(StoreError::NotFound);
        }
        if !status.has_ended() {
            return Err(StoreError::Conflict("the delivery has not ended"));
        }
        if webhook.status == WebhookStatus::Disabled {
            return Err(StoreError::Conflict("the webhook is disabled"));
        }
        if attempts >= ATTEMPTS_MAX {
            return Err(StoreError::Conflict("the delivery has had all the attempts that one may have"));
        }
        if self.delivery(team, delivery)?.erased {
            return Err(StoreError::Conflict("the event's data was erased"));
        }
        Ok(())
    }

    pub(super) fn deliver(
        &mut self,
        team: TeamId,
        event: EventId,
        webhook: WebhookId,
        now: Timestamp,
    ) -> Result<Delivery, StoreError> {
        let status = self.webhook(team, webhook)?.status;
        let kept = self.team(team)?.kept.iter().find(|kept| kept.entry.event.id == event);
        let kept = kept.ok_or(StoreError::NotFound)?;
        let (entry, erased) = (Arc::clone(&kept.entry), kept.erased);
        let is_it = |row: &&Row| (row.delivery.event, row.delivery.webhook) == (event, webhook);
        if let Some(id) = self.deliveries.values().find(is_it).map(|row| row.delivery.id) {
            return self.resend(team, id, now);
        }
        if status == WebhookStatus::Disabled {
            return Err(StoreError::Conflict("the webhook is disabled"));
        }
        if erased {
            return Err(StoreError::Conflict("the event's data was erased"));
        }
        let log = self.team_mut(team)?;
        log.committed_at = log.committed_at.max(now);
        let created_at = log.committed_at;
        let due = self.make_delivery(entry, webhook, created_at, now);
        Ok(self.delivery(team, due.id)?.delivery.clone())
    }
}

impl Row {
    fn record(&mut self, report: &AttemptReport) -> DeliveryStatus {
        let AttemptReport { attempt, verdict, failed_before, .. } = report.clone();
        let attempt = if self.erased { attempt.without_answer() } else { attempt };
        self.delivery.last_attempt = Some(summary(&attempt));
        self.delivery.attempts = self.delivery.attempts.max(attempt.number);
        let failure = attempt.outcome != Outcome::Success;
        self.attempts.push(attempt);
        let ended = self.delivery.status.has_ended();
        if !ended && failed_before != self.failed && verdict != Verdict::Delivered {
            return self.delivery.status; // it was resent meanwhile
        }
        if !ended && failure {
            self.failed += 1;
        }
        let (status, next) = match verdict {
            Verdict::Delivered => (DeliveryStatus::Delivered, None),
            _ if ended => (self.delivery.status, None), // DLV-2: it stays as it ended
            Verdict::RetryAt(at) => (DeliveryStatus::Retrying, Some(at)),
            Verdict::Failed => (DeliveryStatus::Failed, None),
        };
        self.delivery.status = status;
        self.delivery.cancel_reason =
            self.delivery.cancel_reason.filter(|_| status == DeliveryStatus::Cancelled);
        self.delivery.next_attempt_at = next;
        status
    }
}

fn summary(attempt: &Attempt) -> AttemptSummary {
    AttemptSummary {
        number: attempt.number,
        started_at: attempt.started_at,
        duration_ms: attempt.duration_ms,
        outcome: attempt.outcome,
        status_code: attempt.status_code,
        detail: attempt.detail.clone(),
    }
}
