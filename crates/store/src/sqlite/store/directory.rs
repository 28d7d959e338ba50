//! Teams, keys and webhooks.

use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::{Key, KeyId, Team, TeamId, Timestamp, Webhook, WebhookId};

use super::{ONE, SqliteStore};
use crate::sqlite::fault::Fault;
use crate::sqlite::key_rows::KeyRow;
use crate::sqlite::queue::Class;
use crate::sqlite::shared::Life;
use crate::sqlite::tx::Tx;
use crate::sqlite::{keys, teams, webhooks};
use crate::{
    Directory, KeyDigest, ListQuery, Page, Rotation, SecretText, StoreError, WebhookPatch, WebhookSecrets,
};

#[async_trait]
impl Directory for SqliteStore {
    async fn create_team(&self, team: Team) -> Result<Team, StoreError> {
        self.change(Class::Change, ONE, move |tx| teams::create(tx, &team)).await
    }

    async fn team(&self, team: TeamId) -> Result<Team, StoreError> {
        self.shared.read(move |look| Ok(look.someones_team(team)?.team)).await
    }

    async fn teams(
        &self,
        ListQuery { from, limit }: ListQuery<TeamId>,
    ) -> Result<Page<Team, TeamId>, StoreError> {
        let read = self.shared.read(move |look| {
            let before = from.map(|from| look.any_team(from)?.ok_or(StoreError::NotFound.into()));
            let before = before.transpose().map_err(|fault: Fault| fault)?.map_or(i64::MAX, |row| row.number);
            let rows = look.teams_before(before, limit.saturating_add(1))?;
            Ok(Page::cut(rows.into_iter().map(|row| row.team), limit, |team| team.id))
        });
        read.await
    }

    async fn rename_team(
        &self,
        team: TeamId,
        name: String,
        expected: Option<u64>,
    ) -> Result<Team, StoreError> {
        self.change(Class::Change, ONE, move |tx| teams::rename(tx, team, &name, expected)).await
    }

    async fn delete_team(&self, team: TeamId, expected: Option<u64>) -> Result<(), StoreError> {
        self.change(Class::Vital, ONE, move |tx| teams::delete(tx, team, expected)).await
    }

    async fn create_key(&self, key: Key, digest: KeyDigest) -> Result<(), StoreError> {
        self.change(Class::Change, ONE, move |tx| keys::create(tx, &key, &digest)).await
    }

    async fn key(&self, key: KeyId) -> Result<(Key, KeyDigest), StoreError> {
        if let Some(known) = self.shared.keys.get(key).filter(|_| self.shared.life() != Life::Poisoned) {
            return Ok(known);
        }
        let changes = self.shared.keys.changes();
        let found = self.shared.read(move |look| look.key(key)).await?;
        let KeyRow { key, digest, .. } = found.ok_or(StoreError::NotFound)?;
        Ok(self.shared.keys.remember(changes, key, digest))
    }

    async fn keys(
        &self,
        team: TeamId,
        ListQuery { from, limit }: ListQuery<KeyId>,
    ) -> Result<Page<Key, KeyId>, StoreError> {
        let shared = Arc::clone(&self.shared);
        let read = self.shared.read(move |look| {
            let rows = look.keys_before(look.team(team)?.number, from, limit.saturating_add(1))?;
            Ok(Page::cut(rows.into_iter().map(|row| shared.keys.with_last_use(row.key)), limit, |key| key.id))
        });
        read.await
    }

    async fn revoke_key(&self, team: TeamId, key: KeyId, now: Timestamp) -> Result<Key, StoreError> {
        let revoked = self.change(Class::Vital, ONE, move |tx| keys::revoke(tx, team, key, now)).await?;
        Ok(self.shared.keys.with_last_use(revoked))
    }

    async fn touch_keys(&self, uses: Vec<(KeyId, Timestamp)>) -> Result<(), StoreError> {
        self.shared.is_open()?;
        self.shared.keys.touch(uses);
        Ok(())
    }

    async fn create_webhook(
        &self,
        webhook: Webhook,
        secret: SecretText,
        limit: usize,
    ) -> Result<Webhook, StoreError> {
        self.change(Class::Change, ONE, move |tx| webhooks::create(tx, &webhook, &secret, limit)).await
    }

    async fn webhook(&self, team: TeamId, webhook: WebhookId) -> Result<Webhook, StoreError> {
        self.shared.read(move |look| look.webhook_of(team, webhook)?.shown(look)).await
    }

    async fn webhooks(
        &self,
        team: TeamId,
        ListQuery { from, limit }: ListQuery<WebhookId>,
    ) -> Result<Page<Webhook, WebhookId>, StoreError> {
        let read = self.shared.read(move |look| {
            let rows = look.webhooks_before(look.team(team)?.number, from, limit.saturating_add(1))?;
            let opened = rows.into_iter().map(|row| row.shown(look)).collect::<Result<Vec<_>, _>>()?;
            Ok(Page::cut(opened.into_iter(), limit, |webhook| webhook.id))
        });
        read.await
    }

    async fn update_webhook(
        &self,
        team: TeamId,
        webhook: WebhookId,
        patch: WebhookPatch,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<Webhook, StoreError> {
        let update = move |tx: &mut Tx<'_>| webhooks::update(tx, team, webhook, patch.clone(), expected, now);
        self.change(Class::Change, ONE, update).await
    }

    async fn delete_webhook(
        &self,
        team: TeamId,
        webhook: WebhookId,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(Class::Vital, ONE, move |tx| webhooks::delete(tx, team, webhook, expected, now)).await
    }

    // Vital, as revoking a key is: what takes a leaked secret back does not wait for room on the disk.
    async fn rotate_secret(
        &self,
        team: TeamId,
        webhook: WebhookId,
        rotation: Rotation,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<Webhook, StoreError> {
        let rotate =
            move |tx: &mut Tx<'_>| webhooks::rotate_secret(tx, team, webhook, &rotation, expected, now);
        self.change(Class::Vital, ONE, rotate).await
    }

    async fn end_overlap(
        &self,
        team: TeamId,
        webhook: WebhookId,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let end = move |tx: &mut Tx<'_>| webhooks::end_overlap(tx, team, webhook, expected, now);
        self.change(Class::Vital, ONE, end).await
    }

    async fn webhook_to_send(&self, webhook: WebhookId) -> Result<(Webhook, WebhookSecrets), StoreError> {
        let read = self.shared.read(move |look| {
            let row = look.webhook(webhook)?;
            let secrets = row.secrets(look)?;
            Ok((row.opened(look)?, secrets))
        });
        read.await
    }
}
