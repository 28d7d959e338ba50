//! Teams, keys and webhooks.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use cstar_types::{Key, KeyId, Team, TeamId, Timestamp, Webhook, WebhookId};

use super::fault::Fault;
use super::store::{Open, Postgres};
use super::tx::{Tx, change, read};
use super::{keys, teams, webhooks};
use crate::{
    Directory, KeyDigest, ListQuery, Page, Rotation, SecretText, StoreError, WebhookPatch, WebhookSecrets,
};

#[async_trait]
impl Directory for Postgres {
    async fn create_team(&self, team: Team) -> Result<Team, StoreError> {
        change!(self, [], |tx| teams::create(&mut tx, &team))
    }

    async fn team(&self, team: TeamId) -> Result<Team, StoreError> {
        read!(self, |tx| tx.team(team))
    }

    async fn teams(&self, query: ListQuery<TeamId>) -> Result<Page<Team, TeamId>, StoreError> {
        read!(self, |tx| teams_page(&tx, query))
    }

    async fn rename_team(
        &self,
        team: TeamId,
        name: String,
        expected: Option<u64>,
    ) -> Result<Team, StoreError> {
        change!(self, [team], |tx| teams::rename(&mut tx, team, &name, expected))
    }

    async fn delete_team(&self, team: TeamId, expected: Option<u64>) -> Result<(), StoreError> {
        change!(self, [team], |tx| teams::delete(&mut tx, team, expected))
    }

    async fn create_key(&self, key: Key, digest: KeyDigest) -> Result<(), StoreError> {
        change!(self, [key.team], |tx| keys::create(&mut tx, &key, &digest))
    }

    async fn key(&self, key: KeyId) -> Result<(Key, KeyDigest), StoreError> {
        if let Some(known) = self.open.known_key(key) {
            return Ok(known);
        }
        let changes = self.open.keys.changes();
        let found: Result<_, StoreError> = read!(self, |tx| tx.key(key));
        let (found, digest) = found?.ok_or(StoreError::NotFound)?;
        Ok(self.open.keys.remember(changes, found, digest))
    }

    async fn keys(&self, team: TeamId, query: ListQuery<KeyId>) -> Result<Page<Key, KeyId>, StoreError> {
        read!(self, |tx| keys_page(&tx, team, query))
    }

    async fn revoke_key(&self, team: TeamId, key: KeyId, now: Timestamp) -> Result<Key, StoreError> {
        change!(self, [team], |tx| keys::revoke(&mut tx, team, key, now))
    }

    async fn touch_keys(&self, uses: Vec<(KeyId, Timestamp)>) -> Result<(), StoreError> {
        change!(self, [], |tx| keys::touch(&mut tx, &uses))
    }

    async fn create_webhook(
        &self,
        webhook: Webhook,
        secret: SecretText,
        limit: usize,
    ) -> Result<Webhook, StoreError> {
        change!(self, [webhook.team], |tx| webhooks::create(&mut tx, &webhook, &secret, limit))
    }

    async fn webhook(&self, team: TeamId, webhook: WebhookId) -> Result<Webhook, StoreError> {
        read!(self, |tx| webhook_shown(&tx, team, webhook))
    }

    async fn webhooks(
        &self,
        team: TeamId,
        query: ListQuery<WebhookId>,
    ) -> Result<Page<Webhook, WebhookId>, StoreError> {
        read!(self, |tx| webhooks_page(&tx, team, query))
    }

    async fn update_webhook(
        &self,
        team: TeamId,
        webhook: WebhookId,
        patch: WebhookPatch,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<Webhook, StoreError> {
        change!(self, [team], |tx| webhooks::update(&mut tx, team, webhook, patch.clone(), expected, now))
    }

    async fn delete_webhook(
        &self,
        team: TeamId,
        webhook: WebhookId,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        change!(self, [team], |tx| webhooks::delete(&mut tx, team, webhook, expected, now))
    }

    async fn rotate_secret(
        &self,
        team: TeamId,
        webhook: WebhookId,
        rotation: Rotation,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<Webhook, StoreError> {
        change!(self, [team], |tx| webhooks::rotate_secret(&mut tx, team, webhook, &rotation, expected, now))
    }

    async fn end_overlap(
        &self,
        team: TeamId,
        webhook: WebhookId,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        change!(self, [team], |tx| webhooks::end_overlap(&mut tx, team, webhook, expected, now))
    }

    async fn webhook_to_send(&self, webhook: WebhookId) -> Result<(Webhook, WebhookSecrets), StoreError> {
        let row: Result<_, StoreError> = read!(self, |tx| tx.webhook(webhook));
        let (row, vault) = (row?, &self.open.vault);
        let secrets = row.secrets(vault)?;
        Ok((row.opened(vault)?, secrets))
    }
}

/// A key that was revoked through another node opens nothing after so long.
const KEYS_READ_AGAIN: Duration = Duration::from_secs(1);

impl Open {
    /// A key as it was read lately, or changed here since.
    fn known_key(&self, key: KeyId) -> Option<(Key, KeyDigest)> {
        let mut since = self.keys_known_since.lock();
        if since.elapsed() > KEYS_READ_AGAIN {
            self.keys.forget_all();
            *since = Instant::now();
        }
        drop(since);
        self.keys.get(key)
    }
}

async fn teams_page(
    tx: &Tx,
    ListQuery { from, limit }: ListQuery<TeamId>,
) -> Result<Page<Team, TeamId>, Fault> {
    let before = match from {
        Some(from) => tx.team_number(from).await?.ok_or(StoreError::NotFound)?,
        None => i64::MAX,
    };
    let rows = tx.teams_before(before, limit.saturating_add(1)).await?;
    Ok(Page::cut(rows.into_iter(), limit, |team| team.id))
}

async fn keys_page(
    tx: &Tx,
    team: TeamId,
    ListQuery { from, limit }: ListQuery<KeyId>,
) -> Result<Page<Key, KeyId>, Fault> {
    let number = tx.head(team).await?.number;
    let rows = tx.keys_before(number, from, limit.saturating_add(1)).await?;
    Ok(Page::cut(rows.into_iter(), limit, |key| key.id))
}

async fn webhook_shown(tx: &Tx, team: TeamId, webhook: WebhookId) -> Result<Webhook, Fault> {
    tx.webhook_of(team, webhook).await?.shown(&tx.open.vault)
}

async fn webhooks_page(
    tx: &Tx,
    team: TeamId,
    ListQuery { from, limit }: ListQuery<WebhookId>,
) -> Result<Page<Webhook, WebhookId>, Fault> {
    let number = tx.head(team).await?.number;
    let rows = tx.webhooks_before(number, from, limit.saturating_add(1)).await?.into_iter();
    let shown = rows.map(|row| row.shown(&tx.open.vault)).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::cut(shown.into_iter(), limit, |webhook| webhook.id))
}
