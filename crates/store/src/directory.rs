//! Teams, their keys and their webhooks.

use std::fmt;

use async_trait::async_trait;
use cstar_types::{
    DisabledReason, Filter, HeaderNames, Key, KeyId, Patterns, RetrySchedule, Team, TeamId, Timestamp,
    Webhook, WebhookId, WebhookStatus,
};
use zeroize::Zeroizing;

use crate::{Page, StoreError};

/// A secret in the clear, wiped when dropped. It cannot print itself (SEC-3).
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The secret itself, for signing or for the one answer that shows it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// The secrets of one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecrets {
    /// Signs from now on.
    pub current: SecretText,
    /// During rotation, the one before and when its overlap ends (T3).
    pub previous: Option<(SecretText, Timestamp)>,
}

/// The SHA-256 of a whole team key: keys are random, so a fast hash is enough, and fixed length compares in constant time.
pub type KeyDigest = [u8; 32];

/// Which rows of an id-ordered list: newest first, at most `limit`, beginning behind `from`.
#[derive(Debug, Clone, Copy)]
pub struct ListQuery<I> {
    /// Begin behind this row.
    pub from: Option<I>,
    /// At most so many rows.
    pub limit: usize,
}

/// What may change of a webhook; `None` leaves it as it is. The values of its headers do not print (SEC-3).
#[derive(Clone, Default)]
pub struct WebhookPatch {
    /// A new URL.
    pub url: Option<String>,
    /// New patterns.
    pub events: Option<Patterns>,
    /// A new filter, or none any more.
    pub filter: Option<Option<Filter>>,
    /// A new description.
    pub description: Option<String>,
    /// Enabled, or disabled and why. Disabling cancels what waits.
    pub enabled: Option<Result<(), DisabledReason>>,
    /// Whether its deliveries go in order.
    pub ordered: Option<bool>,
    /// So many attempts a second, or no limit.
    pub rate_limit: Option<Option<u32>>,
    /// Its own schedule, or the server's.
    pub retry_schedule: Option<Option<RetrySchedule>>,
    /// New static headers.
    pub headers: Option<Vec<(String, String)>>,
    /// Whether 410 disables it.
    pub disable_on_gone: Option<bool>,
}

impl WebhookPatch {
    /// Does to a webhook what it says.
    pub(crate) fn apply(self, webhook: &mut Webhook) {
        fn set<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        set(&mut webhook.url, self.url);
        set(&mut webhook.events, self.events);
        set(&mut webhook.filter, self.filter);
        set(&mut webhook.description, self.description);
        set(&mut webhook.ordered, self.ordered);
        set(&mut webhook.rate_limit, self.rate_limit);
        set(&mut webhook.retry_schedule, self.retry_schedule);
        set(&mut webhook.headers, self.headers);
        set(&mut webhook.disable_on_gone, self.disable_on_gone);
        if let Some(enabled) = self.enabled {
            webhook.status = if enabled.is_ok() { WebhookStatus::Enabled } else { WebhookStatus::Disabled };
            webhook.disabled_reason = enabled.err();
        }
    }
}

impl fmt::Debug for WebhookPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookPatch")
            .field("url", &self.url)
            .field("events", &self.events)
            .field("filter", &self.filter)
            .field("description", &self.description)
            .field("enabled", &self.enabled)
            .field("ordered", &self.ordered)
            .field("rate_limit", &self.rate_limit)
            .field("retry_schedule", &self.retry_schedule)
            .field("headers", &self.headers.as_deref().map(HeaderNames))
            .field("disable_on_gone", &self.disable_on_gone)
            .finish()
    }
}

/// A new secret for a webhook (T3).
#[derive(Debug, Clone)]
pub struct Rotation {
    /// Signs from now on.
    pub secret: SecretText,
    /// Until when the secret that it replaces stays valid beside it; `None`, or what is not in the future, ends that one
    /// at once.
    pub overlap_until: Option<Timestamp>,
}

impl Rotation {
    /// Until when the secret before is kept, if it is.
    pub(crate) fn kept(
        &self,
        before: &SecretText,
        webhook: &Webhook,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        if *before == self.secret {
            return Err(StoreError::Conflict("the webhook has this secret already"));
        }
        let kept = self.overlap_until.filter(|until| *until > now);
        if kept.is_some() && webhook.overlap_at(now).is_some() {
            return Err(StoreError::Conflict(
                "the last rotation's overlap is open: end it first, or rotate without one",
            ));
        }
        Ok(kept)
    }
}

/// Teams, keys and webhooks. Each change is synced before it is answered.
///
/// [`TeamId::OPERATOR`] has a log and webhooks from the beginning, and is no team of anybody's: it is in no list, and is neither
/// shown, made, renamed nor deleted. Its webhooks hear the notices: see [`crate::Deliveries`].
///
/// `expected` is the version that the caller saw (`If-Match`); another one is `Changed`.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Makes a team; `Conflict` if its id is taken.
    async fn create_team(&self, team: Team) -> Result<Team, StoreError>;
    /// One team.
    async fn team(&self, team: TeamId) -> Result<Team, StoreError>;
    /// All teams, in the order of their making, newest first.
    async fn teams(&self, query: ListQuery<TeamId>) -> Result<Page<Team, TeamId>, StoreError>;
    /// Renames a team.
    async fn rename_team(
        &self,
        team: TeamId,
        name: String,
        expected: Option<u64>,
    ) -> Result<Team, StoreError>;
    /// Deletes a team: its keys open nothing at once, its streams end, what waits is cancelled, and everything of it
    /// is erased (in slices, by [`crate::Upkeep::remove_old`], after this returns).
    async fn delete_team(&self, team: TeamId, expected: Option<u64>) -> Result<(), StoreError>;

    /// Stores a key by its digest; `Conflict` if its id is taken.
    async fn create_key(&self, key: Key, digest: KeyDigest) -> Result<(), StoreError>;
    /// A key and its digest, revoked and expired ones too; answered from memory once it was read.
    async fn key(&self, key: KeyId) -> Result<(Key, KeyDigest), StoreError>;
    /// The keys of a team, newest first.
    async fn keys(&self, team: TeamId, query: ListQuery<KeyId>) -> Result<Page<Key, KeyId>, StoreError>;
    /// Revokes a key for good; a second time changes nothing. Tells the tail.
    async fn revoke_key(&self, team: TeamId, key: KeyId, now: Timestamp) -> Result<Key, StoreError>;
    /// Notes uses of keys; not synced, and losing some is no harm.
    async fn touch_keys(&self, uses: Vec<(KeyId, Timestamp)>) -> Result<(), StoreError>;

    /// Stores a webhook and its secret (encrypted, SEC-3); `TooMany` if the team has `limit` already, `Conflict` if its id is
    /// taken. The id of a deleted one is taken for as long as its deliveries are in the logs.
    async fn create_webhook(
        &self,
        webhook: Webhook,
        secret: SecretText,
        limit: usize,
    ) -> Result<Webhook, StoreError>;
    /// One webhook.
    async fn webhook(&self, team: TeamId, webhook: WebhookId) -> Result<Webhook, StoreError>;
    /// The webhooks of a team, newest first.
    async fn webhooks(
        &self,
        team: TeamId,
        query: ListQuery<WebhookId>,
    ) -> Result<Page<Webhook, WebhookId>, StoreError>;
    /// Changes a webhook. Tells the tail.
    async fn update_webhook(
        &self,
        team: TeamId,
        webhook: WebhookId,
        patch: WebhookPatch,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<Webhook, StoreError>;
    /// Deletes a webhook; what waits for it is cancelled (DLV-2), its deliveries stay in the logs. Tells the tail.
    async fn delete_webhook(
        &self,
        team: TeamId,
        webhook: WebhookId,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Replaces a webhook's secret; what is kept of the one before is readable until the next change of secrets, and when
    /// its overlap ends is the reader's to judge (T3). Tells the tail.
    ///
    /// An open overlap has two secrets, and there is no third: receivers may hold either. So until it ends only a rotation
    /// without overlap is taken, which forgets both; any other is `Conflict`. So is, at any time, the secret that the
    /// webhook has.
    async fn rotate_secret(
        &self,
        team: TeamId,
        webhook: WebhookId,
        rotation: Rotation,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<Webhook, StoreError>;
    /// Forgets the secret before the last rotation, and tells the tail. Where none is kept, nothing changes.
    async fn end_overlap(
        &self,
        team: TeamId,
        webhook: WebhookId,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// A webhook and its secrets in the clear, for the sender alone. Since when it fails is left out.
    async fn webhook_to_send(&self, webhook: WebhookId) -> Result<(Webhook, WebhookSecrets), StoreError>;
}

/// Whether the caller saw the present version.
pub(crate) fn is_expected(version: u64, expected: Option<u64>) -> Result<(), StoreError> {
    match expected {
        Some(expected) if expected != version => Err(StoreError::Changed),
        _ => Ok(()),
    }
}
