//! Teams, keys and webhooks.

use async_trait::async_trait;
use cstar_types::{
    AuditAction, CancelReason, Key, KeyId, Team, TeamId, Timestamp, Webhook, WebhookId, WebhookStatus,
};

use super::Model;
use super::state::{State, TeamLog};
use crate::directory::is_expected;
use crate::{
    Change, Directory, KeyDigest, ListQuery, Page, Rotation, SecretText, StoreError, WebhookPatch,
    WebhookSecrets,
};

#[async_trait]
impl Directory for Model {
    async fn create_team(&self, team: Team) -> Result<Team, StoreError> {
        self.change(|state| {
            if state.teams_made.contains(&team.id) || team.id == TeamId::OPERATOR {
                return Err(StoreError::Conflict("the team's id is taken"));
            }
            state.teams_made.push(team.id);
            state.teams.push(TeamLog::new(team.clone()));
            state.put_on_record(AuditAction::TeamCreated, Some(team.id), team.id);
            Ok((team, None))
        })
    }

    async fn team(&self, team: TeamId) -> Result<Team, StoreError> {
        self.look(|state| Ok(state.someones_team(team)?.team.clone()))
    }

    async fn teams(&self, query: ListQuery<TeamId>) -> Result<Page<Team, TeamId>, StoreError> {
        self.look(|state| {
            let made = &state.teams_made;
            let older = match query.from {
                Some(from) => &made[..made.iter().position(|id| *id == from).ok_or(StoreError::NotFound)?],
                None => made,
            };
            let alive = older.iter().rev().filter_map(|id| state.team(*id).ok());
            Ok(Page::cut(alive.map(|log| log.team.clone()), query.limit, |team| team.id))
        })
    }

    async fn rename_team(
        &self,
        team: TeamId,
        name: String,
        expected: Option<u64>,
    ) -> Result<Team, StoreError> {
        self.change(|state| {
            state.someones_team(team)?;
            let known = &mut state.team_mut(team)?.team;
            is_expected(known.version, expected)?;
            known.name = name;
            known.version += 1;
            let renamed = known.clone();
            state.put_on_record(AuditAction::TeamUpdated, Some(team), team);
            Ok((renamed, None))
        })
    }

    async fn delete_team(&self, team: TeamId, expected: Option<u64>) -> Result<(), StoreError> {
        self.change(|state| {
            is_expected(state.someones_team(team)?.team.version, expected)?;
            state.erase(team);
            state.put_on_record(AuditAction::TeamDeleted, Some(team), team);
            Ok(((), Some(Change::TeamDeleted(team))))
        })
    }

    async fn create_key(&self, key: Key, digest: KeyDigest) -> Result<(), StoreError> {
        self.change(|state| Ok((state.create_key(key, digest)?, None)))
    }

    async fn key(&self, key: KeyId) -> Result<(Key, KeyDigest), StoreError> {
        self.look(|state| state.keys.get(&key).cloned().ok_or(StoreError::NotFound))
    }

    async fn keys(&self, team: TeamId, query: ListQuery<KeyId>) -> Result<Page<Key, KeyId>, StoreError> {
        self.look(|state| {
            state.team(team)?;
            let newest_first = state.keys.values().rev().map(|(key, _)| key);
            let older = newest_first.filter(|key| query.from.is_none_or(|from| key.id < from));
            Ok(Page::cut(older.filter(|key| key.team == team).cloned(), query.limit, |key| key.id))
        })
    }

    async fn revoke_key(&self, team: TeamId, key: KeyId, now: Timestamp) -> Result<Key, StoreError> {
        self.change_many(|state| {
            let (known, _) = state.keys.get(&key).ok_or(StoreError::NotFound)?;
            if known.team != team {
                return Err(StoreError::NotFound); // T24
            }
            let told = state.revoke(key, now);
            if !told.is_empty() {
                state.put_on_record(AuditAction::KeyRevoked, Some(team), key);
            }
            Ok((state.keys[&key].0.clone(), told))
        })
    }

    async fn touch_keys(&self, uses: Vec<(KeyId, Timestamp)>) -> Result<(), StoreError> {
        self.change(|state| {
            for (key, at) in uses {
                if let Some((key, _)) = state.keys.get_mut(&key) {
                    key.last_used_at = key.last_used_at.max(Some(at));
                }
            }
            Ok(((), None))
        })
    }

    async fn create_webhook(
        &self,
        webhook: Webhook,
        secret: SecretText,
        limit: usize,
    ) -> Result<Webhook, StoreError> {
        self.change(|state| {
            state.team(webhook.team)?;
            let in_the_logs = || state.deliveries.values().any(|row| row.delivery.webhook == webhook.id);
            if state.webhooks.contains_key(&webhook.id) || in_the_logs() {
                return Err(StoreError::Conflict("the webhook's id is taken"));
            }
            let of_team = state.webhooks.values().filter(|(other, _)| other.team == webhook.team);
            if of_team.count() >= limit {
                return Err(StoreError::TooMany { limit });
            }
            state.forget_failures(webhook.id); // of one before it that had this id
            let secrets = WebhookSecrets { current: secret, previous: None };
            state.webhooks.insert(webhook.id, (webhook.clone(), secrets));
            match webhook.team {
                TeamId::OPERATOR => state.put_on_record(AuditAction::NoticeCreated, None, webhook.id),
                team => state.put_on_record(AuditAction::WebhookCreated, Some(team), webhook.id),
            }
            let told = Change::WebhookChanged(webhook.id);
            Ok((webhook, Some(told)))
        })
    }

    async fn webhook(&self, team: TeamId, webhook: WebhookId) -> Result<Webhook, StoreError> {
        self.look(|state| state.webhook(team, webhook).cloned())
    }

    async fn webhooks(
        &self,
        team: TeamId,
        query: ListQuery<WebhookId>,
    ) -> Result<Page<Webhook, WebhookId>, StoreError> {
        self.look(|state| {
            state.team(team)?;
            let newest_first = state.webhooks.values().rev().map(|(webhook, _)| webhook);
            let older = newest_first.filter(|webhook| query.from.is_none_or(|from| webhook.id < from));
            let rows = older.filter(|webhook| webhook.team == team).cloned();
            Ok(Page::cut(rows, query.limit, |webhook| webhook.id))
        })
    }

    async fn update_webhook(
        &self,
        team: TeamId,
        webhook: WebhookId,
        patch: WebhookPatch,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<Webhook, StoreError> {
        self.change(|state| {
            let changed = state.update_webhook(team, webhook, patch, expected, now)?;
            state.put_on_record(AuditAction::WebhookUpdated, Some(team), webhook);
            Ok((changed, Some(Change::WebhookChanged(webhook))))
        })
    }

    async fn delete_webhook(
        &self,
        team: TeamId,
        webhook: WebhookId,
        expected: Option<u64>,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(|state| {
            is_expected(state.webhook(team, webhook)?.version, expected)?;
            state.webhooks.remove(&webhook);
            state.cancel_waiting(webhook, CancelReason::WebhookDeleted);
            match team {
                TeamId::OPERATOR => state.put_on_record(AuditAction::NoticeDeleted, None, webhook),
                team => state.put_on_record(AuditAction::WebhookDeleted, Some(team), webhook),
            }
            Ok(((), Some(Change::WebhookChanged(webhook))))
        })
    }

    async fn rotate_secret(
        &self,
        team: TeamId,
        webhook: WebhookId,
        rotation: Rotation,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<Webhook, StoreError> {
        self.change(|state| {
            let (known, secrets) = state.webhook_and_secrets(team, webhook)?;
            is_expected(known.version, expected)?;
            let kept = rotation.kept(&secrets.current, known, now)?;
            let before = std::mem::replace(&mut secrets.current, rotation.secret);
            secrets.previous = kept.map(|until| (before, until));
            known.secret_overlap_until = kept;
            known.version += 1;
            known.updated_at = now;
            let rotated = known.clone();
            state.put_on_record(AuditAction::SecretRotated, Some(team), webhook);
            Ok((rotated, Some(Change::WebhookChanged(webhook))))
        })
    }

    async fn end_overlap(
        &self,
        team: TeamId,
        webhook: WebhookId,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(|state| {
            let (known, secrets) = state.webhook_and_secrets(team, webhook)?;
            is_expected(known.version, expected)?;
            if secrets.previous.take().is_none() {
                return Ok(((), None));
            }
            known.secret_overlap_until = None;
            known.version += 1;
            known.updated_at = now;
            state.put_on_record(AuditAction::OverlapEnded, Some(team), webhook);
            Ok(((), Some(Change::WebhookChanged(webhook))))
        })
    }

    async fn webhook_to_send(&self, webhook: WebhookId) -> Result<(Webhook, WebhookSecrets), StoreError> {
        self.look(|state| {
            let (webhook, secrets) = state.webhooks.get(&webhook).cloned().ok_or(StoreError::NotFound)?;
            Ok((Webhook { failing_since: None, ..webhook }, secrets))
        })
    }
}

impl State {
    pub(super) fn update_webhook(
        &mut self,
        team: TeamId,
        id: WebhookId,
        patch: WebhookPatch,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<Webhook, StoreError> {
        let webhook = self.webhook_mut(team, id)?;
        is_expected(webhook.version, expected)?;
        let is_moved = patch.url.as_ref().is_some_and(|url| *url != webhook.url);
        if is_moved || (webhook.status == WebhookStatus::Disabled && patch.enabled == Some(Ok(()))) {
            self.forget_failures(id);
        }
        let webhook = self.webhook_mut(team, id)?;
        patch.apply(webhook);
        webhook.version += 1;
        webhook.updated_at = now;
        let changed = webhook.clone();
        if let Some(reason) = changed.disabled_reason {
            self.cancel_waiting(id, reason.into());
        }
        Ok(changed)
    }

    pub(super) fn create_key(&mut self, key: Key, digest: KeyDigest) -> Result<(), StoreError> {
        self.team(key.team)?;
        if self.keys.contains_key(&key.id) {
            return Err(StoreError::Conflict("the key's id is taken"));
        }
        if let Some(maker) = key.maker {
            let maker = self.keys.get(&maker).map(|(maker, _)| maker);
            let alive = maker.filter(|maker| maker.team == key.team && maker.revoked_at.is_none());
            alive.ok_or(StoreError::NotFound)?;
        }
        self.put_on_record(AuditAction::KeyCreated, Some(key.team), key.id);
        self.keys.insert(key.id, (key, digest));
        Ok(())
    }

    /// Revokes a key and those that die with it (SEC-2), in this order.
    fn revoke(&mut self, id: KeyId, now: Timestamp) -> Vec<Change> {
        let dies = |key: &Key| (key.id == id || key.maker == Some(id)) && key.revoked_at.is_none();
        let dying = self.keys.values_mut().map(|(key, _)| key).filter(|key| dies(key));
        let mut told = Vec::new();
        for key in dying {
            key.revoked_at = Some(now);
            told.push(key.id);
        }
        told.sort_by_key(|dead| *dead != id);
        told.into_iter().map(Change::KeyRevoked).collect()
    }

    /// Everything of a team at once: nobody can tell it from slices, since none of it is found any more.
    fn erase(&mut self, team: TeamId) {
        self.teams.retain(|log| log.team.id != team);
        self.keys.retain(|_, (key, _)| key.team != team);
        self.links.retain(|_, link| link.team != team);
        self.streaks
            .retain(|webhook, _| self.webhooks.get(webhook).is_none_or(|(known, _)| known.team != team));
        self.webhooks.retain(|_, (webhook, _)| webhook.team != team);
        self.deliveries.retain(|_, row| row.delivery.team != team);
        self.idempotency_keys.retain(|(of, _), _| *of != team);
        self.erase_operations(team);
    }
}
