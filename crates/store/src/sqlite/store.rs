//! The store: each call of the contract, and where it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;

use async_trait::async_trait;
use cstar_types::{
    Attempt, Delivery, DeliveryId, DeliveryStatus, DisabledReason, Entry, EventId, Key, KeyId, Team, TeamId,
    Timestamp, Webhook, WebhookId,
};

use super::append::Publish;
use super::check;
use super::fault::Fault;
use super::open;
use super::options::Options;
use super::queue::{Lane, Size};
use super::record::Results;
use super::shared::{Life, Shared};
use super::tx::Tx;
use super::{keys, resend, retention, teams, webhooks};
use crate::{
    Append, Appended, AttemptReport, Cutoffs, Deliveries, DeliveryQuery, Directory, DueSlice, EventQuery,
    Health, KeyDigest, ListQuery, Log, LogEnds, LogSlice, Page, Rotation, SecretText, SliceLimit,
    StoreCounts, StoreError, TailReader, Upkeep, WebhookPatch, WebhookSecrets,
};

/// A store on one machine's disk.
///
/// Dropping it finishes what was handed over, as [`Upkeep::close`] does, and waits for that.
pub struct SqliteStore {
    pub(super) shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    /// The number of the team where the next removal begins to look.
    removing_from: AtomicI64,
}

/// A small change.
const ONE: Size = Size { rows: 1, bytes: 4096 };

impl SqliteStore {
    /// Opens the store in a directory, making both if they do not exist. Blocks while it does.
    ///
    /// # Errors
    /// `Unusable` if the directory, the file or the master key cannot be used, and `Damaged`; each says what to do.
    pub fn open(options: Options) -> Result<Self, StoreError> {
        let (shared, writer) = open::open(options)?;
        Ok(Self { shared, writer: Some(writer), removing_from: AtomicI64::new(0) })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join(); // a panic of its was told as poison
        }
    }
}

#[async_trait]
impl Log for SqliteStore {
    async fn append(&self, append: Append) -> Result<Vec<Appended>, StoreError> {
        let publish = Publish::prepare(append);
        self.shared.write(Lane::Append, publish.size(), move |tx| publish.apply(tx)).await
    }

    async fn ends(&self, team: TeamId) -> Result<LogEnds, StoreError> {
        self.shared.read(move |look| look.ends(&look.team(team)?)).await
    }

    async fn read(&self, team: TeamId, after: u64, limit: SliceLimit) -> Result<LogSlice, StoreError> {
        self.shared.read(move |look| look.slice(&look.team(team)?, after, limit)).await
    }

    async fn event(&self, team: TeamId, event: EventId) -> Result<Entry, StoreError> {
        let read = self.shared.read(move |look| {
            let number = look.team(team)?.number;
            let found = look.entry_with_id(team, event)?.filter(|(place, _)| place.team() == number);
            found.map(|(_, entry)| entry).ok_or(Fault::Refused(StoreError::NotFound))
        });
        read.await
    }

    async fn events(&self, team: TeamId, query: EventQuery) -> Result<Page<Entry, u64>, StoreError> {
        self.shared.read(move |look| look.events(&look.team(team)?, query)).await
    }
}

#[async_trait]
impl Deliveries for SqliteStore {
    async fn lanes(&self) -> Result<Vec<(WebhookId, Timestamp)>, StoreError> {
        self.shared.read(|look| look.lanes()).await
    }

    async fn due(&self, webhook: WebhookId, now: Timestamp, limit: usize) -> Result<DueSlice, StoreError> {
        self.shared.read(move |look| look.due(webhook, now, limit)).await
    }

    async fn record(&self, reports: Vec<AttemptReport>) -> Result<Vec<DeliveryStatus>, StoreError> {
        let results = Results::prepare(reports);
        self.shared.write(Lane::Result, results.size(), move |tx| results.apply(tx)).await
    }

    async fn disable_webhook(
        &self,
        webhook: WebhookId,
        reason: DisabledReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.shared.write(Lane::Vital, ONE, move |tx| webhooks::disable(tx, webhook, reason, now)).await
    }

    async fn delivery(
        &self,
        team: TeamId,
        delivery: DeliveryId,
    ) -> Result<(Delivery, Vec<Attempt>), StoreError> {
        let read = self.shared.read(move |look| {
            let row = look.delivery_row(look.team(team)?.number, delivery)?;
            let webhook = look.webhook_of_row(&row)?;
            Ok((look.delivery(team, &row, &webhook)?, look.attempts(&row)?))
        });
        read.await
    }

    async fn deliveries(
        &self,
        team: TeamId,
        query: DeliveryQuery,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        self.shared.read(move |look| look.deliveries(&look.team(team)?, query)).await
    }

    async fn resend(
        &self,
        team: TeamId,
        delivery: DeliveryId,
        now: Timestamp,
    ) -> Result<Delivery, StoreError> {
        self.shared.write(Lane::Change, ONE, move |tx| resend::resend(tx, team, delivery, now)).await
    }
}

#[async_trait]
impl Directory for SqliteStore {
    async fn create_team(&self, team: Team) -> Result<Team, StoreError> {
        self.shared.write(Lane::Change, ONE, move |tx| teams::create(tx, &team)).await
    }

    async fn team(&self, team: TeamId) -> Result<Team, StoreError> {
        self.shared.read(move |look| Ok(look.team(team)?.team)).await
    }

    async fn teams(
        &self,
        ListQuery { from, limit }: ListQuery<TeamId>,
    ) -> Result<Page<Team, TeamId>, StoreError> {
        let read = self.shared.read(move |look| {
            let before = from.map(|from| look.any_team(from)?.ok_or(StoreError::NotFound.into()));
            let before = before.transpose().map_err(|fault: Fault| fault)?.map_or(i64::MAX, |row| row.number);
            let rows = look.teams_before(before, limit.saturating_add(1))?;
            Ok(page(rows, limit, |row| row.team, |team| team.id))
        });
        read.await
    }

    async fn rename_team(
        &self,
        team: TeamId,
        name: String,
        expected: Option<u64>,
    ) -> Result<Team, StoreError> {
        self.shared.write(Lane::Change, ONE, move |tx| teams::rename(tx, team, &name, expected)).await
    }

    async fn delete_team(&self, team: TeamId, expected: Option<u64>) -> Result<(), StoreError> {
        self.shared.write(Lane::Vital, ONE, move |tx| teams::delete(tx, team, expected)).await
    }

    async fn create_key(&self, key: Key, digest: KeyDigest) -> Result<(), StoreError> {
        self.shared.write(Lane::Change, ONE, move |tx| keys::create(tx, &key, &digest)).await
    }

    async fn key(&self, key: KeyId) -> Result<(Key, KeyDigest), StoreError> {
        if let Some(known) = self.shared.keys.get(key).filter(|_| self.shared.life() != Life::Poisoned) {
            return Ok(known);
        }
        let changes = self.shared.keys.changes();
        let found = self.shared.read(move |look| look.key(key)).await?;
        found.map(|row| self.shared.keys.remember(changes, row)).ok_or(StoreError::NotFound)
    }

    async fn keys(
        &self,
        team: TeamId,
        ListQuery { from, limit }: ListQuery<KeyId>,
    ) -> Result<Page<Key, KeyId>, StoreError> {
        let shared = Arc::clone(&self.shared);
        let read = self.shared.read(move |look| {
            let rows = look.keys_before(look.team(team)?.number, from, limit.saturating_add(1))?;
            Ok(page(rows, limit, |row| shared.keys.with_last_use(row.key), |key| key.id))
        });
        read.await
    }

    async fn revoke_key(&self, team: TeamId, key: KeyId, now: Timestamp) -> Result<Key, StoreError> {
        self.shared.write(Lane::Vital, ONE, move |tx| keys::revoke(tx, team, key, now)).await
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
        self.shared.write(Lane::Change, ONE, move |tx| webhooks::create(tx, &webhook, &secret, limit)).await
    }

    async fn webhook(&self, team: TeamId, webhook: WebhookId) -> Result<Webhook, StoreError> {
        self.shared.read(move |look| Ok(look.webhook_of(team, webhook)?.webhook)).await
    }

    async fn webhooks(
        &self,
        team: TeamId,
        ListQuery { from, limit }: ListQuery<WebhookId>,
    ) -> Result<Page<Webhook, WebhookId>, StoreError> {
        let read = self.shared.read(move |look| {
            let rows = look.webhooks_before(look.team(team)?.number, from, limit.saturating_add(1))?;
            Ok(page(rows, limit, |row| row.webhook, |webhook| webhook.id))
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
        self.shared.write(Lane::Change, ONE, update).await
    }

    async fn delete_webhook(
        &self,
        team: TeamId,
        webhook: WebhookId,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.shared
            .write(Lane::Vital, ONE, move |tx| webhooks::delete(tx, team, webhook, expected, now))
            .await
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
        self.shared.write(Lane::Vital, ONE, rotate).await
    }

    async fn end_overlap(
        &self,
        team: TeamId,
        webhook: WebhookId,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let end = move |tx: &mut Tx<'_>| webhooks::end_overlap(tx, team, webhook, expected, now);
        self.shared.write(Lane::Vital, ONE, end).await
    }

    async fn webhook_to_send(&self, webhook: WebhookId) -> Result<(Webhook, WebhookSecrets), StoreError> {
        let read = self.shared.read(move |look| {
            let row = look.webhook(webhook)?;
            let secrets = row.secrets(look)?;
            Ok((row.webhook, secrets))
        });
        read.await
    }
}

#[async_trait]
impl Upkeep for SqliteStore {
    fn tail(&self, budget_bytes: usize) -> TailReader {
        self.shared.tail.subscribe(budget_bytes)
    }

    fn health(&self) -> Health {
        self.shared.health()
    }

    fn counts(&self) -> StoreCounts {
        self.shared.counts()
    }

    async fn remove_old(&self, cutoffs: Cutoffs, rows: usize) -> Result<usize, StoreError> {
        self.shared.is_open()?;
        loop {
            let from = self.removing_from.load(Ordering::Relaxed);
            let plan = self.shared.read(move |look| retention::plan(look, cutoffs, rows, from)).await?;
            if plan.is_nothing() {
                return Ok(0);
            }
            self.removing_from.store(plan.stopped_at, Ordering::Relaxed);
            let size = Size { rows: plan.rows(), bytes: 0 };
            let remove = move |tx: &mut Tx<'_>| retention::remove(tx, &plan, cutoffs);
            // What the plan saw may have been resent meanwhile; only an empty plan means that nothing is left.
            match self.shared.write(Lane::Vital, size, remove).await? {
                0 => {}
                removed => return Ok(removed),
            }
        }
    }

    async fn check(&self) -> Result<(), StoreError> {
        let mut progress = check::Progress::default();
        while let Some(next) = self.shared.read(move |look| check::slice(look, progress)).await? {
            progress = next;
        }
        Ok(())
    }

    async fn poisoned(&self) {
        let mut life = self.shared.life.subscribe();
        if life.wait_for(|life| *life == Life::Poisoned).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    async fn close(&self) {
        self.shared.go_on_to(Life::Closing);
        self.shared.queue.close();
        let mut life = self.shared.life.subscribe();
        let _ = life.wait_for(|life| matches!(life, Life::Closed | Life::Poisoned)).await;
    }
}

/// A page out of rows of which there is one more than asked for if there are more.
fn page<R, T, I>(rows: Vec<R>, limit: usize, row: impl FnMut(R) -> T, id: impl Fn(&T) -> I) -> Page<T, I> {
    let more = rows.len() > limit;
    let rows: Vec<T> = rows.into_iter().take(limit).map(row).collect();
    let next = if more { rows.last().map(id) } else { None };
    Page { rows, next }
}
