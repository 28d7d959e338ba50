//! The rows of webhooks.

use cstar_types::{Filter, Pattern, Patterns, RetrySchedule, TeamId, Timestamp, Webhook, WebhookId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::columns::{LAST_ID, at, maybe_at, millis, team_id, webhook_id, written};
use super::fault::Fault;
use super::tx::Tx;
use crate::stored::standing::Standing;
use crate::stored::text::read_list;
use crate::stored::vault::{Sealed, Vault};
use crate::{SecretText, StoreError, WebhookSecrets};

/// A row of `webhooks`, whose secrets and headers are still encrypted: [`WebhookRow::secrets`] and [`WebhookRow::opened`]
/// open them where they are sent or shown.
#[derive(Debug, Clone)]
pub(super) struct WebhookRow {
    pub(super) team_number: i64,
    /// Without its headers and its failures.
    pub(super) webhook: Webhook,
    pub(super) failing_since: Option<Timestamp>,
    pub(super) headers: Option<Vec<u8>>,
    /// Deleted, and only here so that its deliveries can say whose they are.
    pub(super) deleted: bool,
    /// What waits under an earlier one is cancelled (see `cancel`).
    pub(super) generation: i64,
    /// Whether something of that may still stand among what waits.
    pub(super) cancelling: bool,
    pub(super) secret: Option<Vec<u8>>,
    /// Kept for the overlap, which the webhook knows the end of.
    pub(super) previous_secret: Option<Vec<u8>>,
}

/// Of webhooks whose team was not deleted.
const SELECT: &str = "SELECT w.team, w.id, w.state, w.generation, w.cancelling, w.url, w.events, w.filter, w.description, w.retry_schedule,
    w.headers, w.disable_on_gone, w.ordered, w.rate_limit, w.version, w.created_ms, w.updated_ms, w.secret, w.previous_secret,
    w.previous_until_ms, t.id AS team_id, f.since_ms AS failing_ms FROM webhooks w
    JOIN teams t ON t.number = w.team AND t.state = 0 LEFT JOIN failures f ON f.team = w.team AND f.webhook = w.id";

impl WebhookRow {
    /// Reads a row of [`SELECT`].
    fn read(row: &Row) -> Result<Self, Fault> {
        let id = webhook_id(row, "id");
        let damaged = || Fault::damaged("webhooks", id);
        let standing = Standing::numbered(row.get::<_, i16>("state").into()).ok_or_else(damaged)?;
        let filter = row.get::<_, Option<&str>>("filter").map(str::parse::<Filter>);
        let schedule = row.get::<_, Option<&str>>("retry_schedule").map(str::parse::<RetrySchedule>);
        let rate_limit = row.get::<_, Option<i64>>("rate_limit").map(u32::try_from);
        Ok(Self {
            team_number: row.get("team"),
            deleted: standing.deleted,
            generation: row.get("generation"),
            cancelling: row.get("cancelling"),
            failing_since: maybe_at(row, "failing_ms"),
            headers: row.get("headers"),
            secret: row.get("secret"),
            previous_secret: row.get("previous_secret"),
            webhook: Webhook {
                id,
                team: team_id(row, "team_id"),
                url: row.get("url"),
                events: read_list::<Pattern, Patterns>(row.get("events")).ok_or_else(damaged)?,
                filter: filter.transpose().map_err(|_| damaged())?,
                description: written(row, "description").ok_or_else(damaged)?,
                status: standing.status,
                disabled_reason: standing.disabled_reason,
                failing_since: None,
                retry_schedule: schedule.transpose().map_err(|_| damaged())?,
                headers: Vec::new(),
                disable_on_gone: row.get("disable_on_gone"),
                ordered: row.get("ordered"),
                rate_limit: rate_limit.transpose().map_err(|_| damaged())?,
                secret_overlap_until: maybe_at(row, "previous_until_ms"),
                version: row.get::<_, i64>("version") as u64,
                created_at: at(row, "created_ms"),
                updated_at: at(row, "updated_ms"),
            },
        })
    }

    /// Takes other headers.
    pub(super) fn set_headers(&mut self, vault: &Vault, headers: &[(String, String)]) {
        let Webhook { id, team, .. } = self.webhook;
        self.headers = (!headers.is_empty()).then(|| {
            let clear = serde_json::to_vec(headers).expect("pairs of texts can always be written");
            vault.seal(Sealed::Headers(team, id), &Zeroizing::new(clear))
        });
    }

    /// The webhook as it is shown: headers in the clear, and since when it fails.
    pub(super) fn shown(self, vault: &Vault) -> Result<Webhook, Fault> {
        let failing_since = self.failing_since;
        Ok(Webhook { failing_since, ..self.opened(vault)? })
    }

    /// The webhook, headers in the clear.
    pub(super) fn opened(mut self, vault: &Vault) -> Result<Webhook, Fault> {
        let Webhook { id, team, .. } = self.webhook;
        if let Some(sealed) = &self.headers {
            let headers = serde_json::from_slice(&self.open(vault, Sealed::Headers(team, id), sealed)?);
            self.webhook.headers = headers.map_err(|_| Fault::damaged("webhooks", id))?;
        }
        Ok(self.webhook)
    }

    /// The store opened with this master key: what does not open is damaged.
    pub(super) fn open(
        &self,
        vault: &Vault,
        what: Sealed,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        vault.open(what, sealed).map_err(|_| Fault::damaged("webhooks", self.webhook.id))
    }

    /// The secrets in the clear.
    pub(super) fn secrets(&self, vault: &Vault) -> Result<WebhookSecrets, Fault> {
        let Webhook { id, team, .. } = self.webhook;
        let damaged = || Fault::damaged("webhooks", id);
        let text = |what, sealed: &[u8]| {
            let clear = self.open(vault, what, sealed)?;
            Ok::<_, Fault>(SecretText::new(std::str::from_utf8(&clear).map_err(|_| damaged())?.to_owned()))
        };
        let current = text(Sealed::Secret(team, id), self.secret.as_deref().ok_or_else(damaged)?)?;
        let previous = match (&self.previous_secret, self.webhook.secret_overlap_until) {
            (Some(sealed), Some(until)) => Some((text(Sealed::PreviousSecret(team, id), sealed)?, until)),
            _ => None,
        };
        Ok(WebhookSecrets { current, previous })
    }
}

impl Tx {
    /// A webhook whose team was not deleted; it may itself be deleted.
    pub(super) async fn any_webhook(&self, webhook: WebhookId) -> Result<Option<WebhookRow>, Fault> {
        let sql = format!("{SELECT} WHERE w.id = $1");
        self.row(&sql, &[(&uuid(webhook), Type::UUID)]).await?.as_ref().map(WebhookRow::read).transpose()
    }

    /// A webhook that is there to be used.
    pub(super) async fn webhook(&self, webhook: WebhookId) -> Result<WebhookRow, Fault> {
        let found = self.any_webhook(webhook).await?.filter(|row| !row.deleted);
        found.ok_or(Fault::Refused(StoreError::NotFound))
    }

    /// The same, and of this team (T24).
    pub(super) async fn webhook_of(&self, team: TeamId, webhook: WebhookId) -> Result<WebhookRow, Fault> {
        let found = self.webhook(webhook).await?;
        if found.webhook.team == team { Ok(found) } else { Err(Fault::Refused(StoreError::NotFound)) }
    }

    /// Webhooks of a team with a smaller id, newest first, deleted ones left out.
    pub(super) async fn webhooks_before(
        &self,
        team: i64,
        from: Option<WebhookId>,
        limit: usize,
    ) -> Result<Vec<WebhookRow>, Fault> {
        let sql =
            format!("{SELECT} WHERE w.team = $1 AND w.id < $2 AND w.state <> 3 ORDER BY w.id DESC LIMIT $3");
        let from = from.map_or(LAST_ID, uuid);
        let bounds = [(&team as _, Type::INT8), (&from as _, Type::UUID), (&(limit as i64) as _, Type::INT8)];
        self.rows(&sql, &bounds).await?.iter().map(WebhookRow::read).collect()
    }

    /// The webhooks of a team that deliveries tell of, deleted ones too.
    pub(super) async fn webhooks_with_ids(&self, team: i64, ids: &[Uuid]) -> Result<Vec<WebhookRow>, Fault> {
        let sql = format!("{SELECT} WHERE w.team = $1 AND w.id = ANY($2)");
        let rows = self.rows(&sql, &[(&team, Type::INT8), (&ids, Type::UUID_ARRAY)]).await?;
        rows.iter().map(WebhookRow::read).collect()
    }

    /// Writes a row, new or changed.
    pub(super) async fn save_webhook(&self, row: &WebhookRow) -> Result<(), Fault> {
        let webhook = &row.webhook;
        let state = Standing { deleted: row.deleted, ..Standing::of(webhook) }.number() as i16;
        self.run(
            "INSERT INTO webhooks (team, id, state, generation, url, events, filter, description, retry_schedule, headers,
                 disable_on_gone, ordered, rate_limit, version, created_ms, updated_ms, secret, previous_secret,
                 previous_until_ms, cancelling)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
             ON CONFLICT (team, id) DO UPDATE SET state = $3, generation = $4, url = $5, events = $6, filter = $7,
                 description = $8, retry_schedule = $9, headers = $10, disable_on_gone = $11, ordered = $12,
                 rate_limit = $13, version = $14, updated_ms = $16, secret = $17, previous_secret = $18,
                 previous_until_ms = $19, cancelling = $20",
            &[
                (&row.team_number, Type::INT8),
                (&uuid(webhook.id), Type::UUID),
                (&state, Type::INT2),
                (&row.generation, Type::INT8),
                (&webhook.url, Type::TEXT),
                (&webhook.events.to_string(), Type::TEXT),
                (&webhook.filter.as_ref().map(ToString::to_string), Type::TEXT),
                (&webhook.description.as_bytes(), Type::BYTEA),
                (&webhook.retry_schedule.as_ref().map(ToString::to_string), Type::TEXT),
                (&row.headers, Type::BYTEA),
                (&webhook.disable_on_gone, Type::BOOL),
                (&webhook.ordered, Type::BOOL),
                (&webhook.rate_limit.map(i64::from), Type::INT8),
                (&(webhook.version as i64), Type::INT8),
                (&webhook.created_at.as_millis(), Type::INT8),
                (&webhook.updated_at.as_millis(), Type::INT8),
                (&row.secret, Type::BYTEA),
                (&row.previous_secret, Type::BYTEA),
                (&millis(webhook.secret_overlap_until), Type::INT8),
                (&row.cancelling, Type::BOOL),
            ],
        )
        .await
        .map(drop)
    }
}

pub(super) fn uuid(webhook: WebhookId) -> Uuid {
    Uuid::from_u128(webhook.bits())
}
