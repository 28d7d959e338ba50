//! Everything the model holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use cstar_types::{
    Attempt, AuditEntry, Author, CancelReason, Delivery, DeliveryId, DeliveryStatus, Entry, FailedDeliveries,
    FailureStreak, Key, KeyId, OperationId, Team, TeamId, Timestamp, Webhook, WebhookId,
};

use super::operations::Run;
use crate::{
    AddedTypes, Due, FanOut, KeyDigest, LaneRule, LinkDigest, LogEnds, PortalLink, StoreCounts, StoreError,
    WebhookSecrets,
};

/// The model is never restored from a backup.
pub(super) const EPOCH: u32 = 1;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) teams: Vec<TeamLog>,
    /// Every team in the order of their making, deleted ones too: a list goes on behind them, and their ids are never
    /// free again, since positions would be given twice (LOG-2).
    pub(super) teams_made: Vec<TeamId>,
    pub(super) keys: BTreeMap<KeyId, (Key, KeyDigest)>,
    pub(super) webhooks: BTreeMap<WebhookId, (Webhook, WebhookSecrets)>,
    /// Of webhooks whose last attempt failed.
    pub(super) streaks: BTreeMap<WebhookId, FailureStreak>,
    /// When failed deliveries were last told.
    pub(super) failed: FailedDeliveries<WebhookId, TeamId>,
    /// Their ids rise in the order of their making.
    pub(super) deliveries: BTreeMap<DeliveryId, Row>,
    pub(super) idempotency_keys: BTreeMap<(TeamId, String), FirstUse>,
    pub(super) operations: BTreeMap<OperationId, Run>,
    pub(super) links: BTreeMap<LinkDigest, PortalLink>,
    pub(super) event_types: Arc<AddedTypes>,
    /// In the order of the changes.
    pub(super) audit: Vec<AuditEntry>,
    /// For whom the present change is.
    pub(super) author: Option<Author>,
    pub(super) counts: StoreCounts,
    pub(super) closed: bool,
}

/// A team and its log.
#[derive(Debug)]
pub(super) struct TeamLog {
    pub(super) team: Team,
    /// How many entries were removed from the front.
    pub(super) removed: u64,
    pub(super) kept: Vec<Kept>,
    /// Of the last append. It never falls, though the clock may: what comes later in the log is never older.
    pub(super) committed_at: Timestamp,
}

/// An entry of a log.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) entry: Arc<Entry>,
    pub(super) committed_at: Timestamp,
    /// Whether it was published to whichever webhooks match.
    pub(super) deliver: bool,
    /// Its data was erased.
    pub(super) erased: bool,
}

/// A delivery and all that belongs to it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) delivery: Delivery,
    pub(super) entry: Arc<Entry>,
    /// Failed attempts of the present schedule.
    pub(super) failed: u32,
    pub(super) attempts: Vec<Attempt>,
    /// The data of its event was erased.
    pub(super) erased: bool,
}

/// What an idempotency key was first used for.
#[derive(Debug)]
pub(super) struct FirstUse {
    pub(super) entry: Arc<Entry>,
    pub(super) fan_out: FanOut,
    pub(super) at: Timestamp,
}

impl State {
    pub(super) fn team(&self, team: TeamId) -> Result<&TeamLog, StoreError> {
        self.teams.iter().find(|log| log.team.id == team).ok_or(StoreError::NotFound)
    }

    /// The same, if it is not the operator.
    pub(super) fn someones_team(&self, team: TeamId) -> Result<&TeamLog, StoreError> {
        if team == TeamId::OPERATOR { Err(StoreError::NotFound) } else { self.team(team) }
    }

    pub(super) fn team_mut(&mut self, team: TeamId) -> Result<&mut TeamLog, StoreError> {
        self.teams.iter_mut().find(|log| log.team.id == team).ok_or(StoreError::NotFound)
    }

    /// T24: the webhook of another team is as unknown as one that never was.
    pub(super) fn webhook(&self, team: TeamId, webhook: WebhookId) -> Result<&Webhook, StoreError> {
        let (webhook, _) = self.webhooks.get(&webhook).ok_or(StoreError::NotFound)?;
        if webhook.team == team { Ok(webhook) } else { Err(StoreError::NotFound) }
    }

    pub(super) fn webhook_mut(
        &mut self,
        team: TeamId,
        webhook: WebhookId,
    ) -> Result<&mut Webhook, StoreError> {
        self.webhook_and_secrets(team, webhook).map(|(webhook, _)| webhook)
    }

    pub(super) fn webhook_and_secrets(
        &mut self,
        team: TeamId,
        webhook: WebhookId,
    ) -> Result<(&mut Webhook, &mut WebhookSecrets), StoreError> {
        self.webhook(team, webhook)?;
        self.webhooks
            .get_mut(&webhook)
            .map(|(webhook, secrets)| (webhook, secrets))
            .ok_or(StoreError::NotFound)
    }

    pub(super) fn delivery(&self, team: TeamId, delivery: DeliveryId) -> Result<&Row, StoreError> {
        let row = self.deliveries.get(&delivery).ok_or(StoreError::NotFound)?;
        if row.delivery.team == team { Ok(row) } else { Err(StoreError::NotFound) }
    }

    /// How a webhook wants its deliveries.
    pub(super) fn rule(&self, webhook: WebhookId) -> LaneRule {
        self.webhooks.get(&webhook).map(|(webhook, _)| LaneRule::of(webhook)).unwrap_or_default()
    }

    /// What waits for a webhook, the longest due first; what is due together stands as it was made. Where they are ordered,
    /// the first of the log comes first.
    pub(super) fn waiting(&self, webhook: WebhookId) -> Vec<Due> {
        let rule = self.rule(webhook);
        let of_webhook = self.deliveries.values().filter(|row| row.delivery.webhook == webhook);
        let mut waiting: Vec<Due> = of_webhook.filter_map(Row::due).map(|due| Due { rule, ..due }).collect();
        if rule.ordered {
            waiting.sort_by_key(|due| due.entry.position);
        } else {
            waiting.sort_by_key(|due| due.due_at);
        }
        waiting
    }

    /// DLV-2: deleting and disabling a webhook is one cause of `cancelled`; erasing the event is the other.
    pub(super) fn cancel_waiting(&mut self, webhook: WebhookId, reason: CancelReason) {
        let of_webhook = self.deliveries.values_mut().filter(|row| row.delivery.webhook == webhook);
        of_webhook.filter(|row| !row.delivery.status.has_ended()).for_each(|row| row.cancel(reason));
    }
}

impl TeamLog {
    pub(super) fn new(team: Team) -> Self {
        Self { team, removed: 0, kept: Vec::new(), committed_at: Timestamp::default() }
    }

    pub(super) fn ends(&self) -> LogEnds {
        LogEnds { epoch: EPOCH, oldest: self.removed + 1, head: self.removed + self.kept.len() as u64 }
    }
}

impl Row {
    /// Without its webhook's rule.
    pub(super) fn due(&self) -> Option<Due> {
        Some(Due {
            id: self.delivery.id,
            webhook: self.delivery.webhook,
            entry: Arc::clone(&self.entry),
            attempts: self.delivery.attempts,
            failed: self.failed,
            due_at: self.delivery.next_attempt_at?,
            rule: LaneRule::default(),
        })
    }

    pub(super) fn cancel(&mut self, reason: CancelReason) {
        self.delivery.status = DeliveryStatus::Cancelled;
        self.delivery.cancel_reason = Some(reason);
        self.delivery.next_attempt_at = None;
    }
}
