//! The rows of webhooks.

use cstar_types::{Filter, Pattern, Patterns, RetrySchedule, TeamId, Timestamp, Webhook, WebhookId};
use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::fault::Fault;
use super::look::Look;
use crate::stored::checksum::Checksum;
use crate::stored::standing::Standing;
use crate::stored::text::read_list;
use crate::stored::vault::Sealed;
use crate::{SecretText, StoreError, WebhookSecrets};

/// A row of `webhooks`, whose secrets and headers are still encrypted: [`WebhookRow::secrets`] and [`WebhookRow::opened`]
/// open them where they are sent or shown.
#[derive(Debug, Clone)]
pub(super) struct WebhookRow {
    pub(super) number: i64,
    pub(super) team_number: i64,
    /// Without its headers and its failures.
    pub(super) webhook: Webhook,
    pub(super) headers: Option<Vec<u8>>,
    /// Deleted, and only here so that its deliveries can say whose they are.
    pub(super) deleted: bool,
    /// A delivery of an earlier generation that waits is cancelled (see `cancel`).
    pub(super) generation: i64,
    /// Whether there may be such rows.
    pub(super) cancelling: bool,
    pub(super) secret: Option<Vec<u8>>,
    /// Kept for the overlap, which the webhook knows the end of.
    pub(super) previous_secret: Option<Vec<u8>>,
}

/// Of webhooks whose team was not deleted.
const SELECT: &str = "SELECT w.number, w.id, w.team, w.state, w.generation, w.cancelling, w.url, w.events,
    w.filter, w.description, w.retry_schedule, w.headers, w.disable_on_gone, w.ordered, w.rate_limit, w.version, w.created_ms, w.updated_ms, w.secret,
    w.previous_secret, w.previous_until_ms, w.checksum, t.id
    FROM webhooks w JOIN teams t ON t.number = w.team AND t.state = 0";

/// What is stored and summed of a row in another form than it is used.
struct Columns {
    state: i64,
    events: String,
    filter: Option<String>,
    retry_schedule: Option<String>,
}

impl WebhookRow {
    fn columns(&self) -> Columns {
        Columns {
            state: Standing { deleted: self.deleted, ..Standing::of(&self.webhook) }.number(),
            events: self.webhook.events.to_string(),
            filter: self.webhook.filter.as_ref().map(ToString::to_string),
            retry_schedule: self.webhook.retry_schedule.as_ref().map(ToString::to_string),
        }
    }

    fn checksum(&self, columns: &Columns) -> i64 {
        Checksum::new()
            .int(self.number)
            .bits(self.webhook.id.bits())
            .int(self.team_number)
            .int(columns.state)
            .int(self.generation)
            .int(self.cancelling.into())
            .text(&self.webhook.url)
            .text(&columns.events)
            .maybe_bytes(columns.filter.as_deref().map(str::as_bytes))
            .text(&self.webhook.description)
            .maybe_bytes(columns.retry_schedule.as_deref().map(str::as_bytes))
            .maybe_bytes(self.headers.as_deref())
            .int(self.webhook.disable_on_gone.into())
            .int(self.webhook.ordered.into())
            .maybe(self.webhook.rate_limit.map(i64::from))
            .int(self.webhook.version as i64)
            .int(self.webhook.created_at.as_millis())
            .int(self.webhook.updated_at.as_millis())
            .maybe_bytes(self.secret.as_deref())
            .maybe_bytes(self.previous_secret.as_deref())
            .maybe(self.webhook.secret_overlap_until.map(Timestamp::as_millis))
            .finish()
    }

    /// Reads a row of [`SELECT`].
    fn read(row: &Row<'_>) -> Result<Self, Fault> {
        let id = WebhookId::from_bits(u128::from_be_bytes(row.get(1)?));
        let team = TeamId::from_uuid(Uuid::from_bytes(row.get(22)?));
        let damaged = || Fault::damaged("webhooks", id);
        let columns = Columns {
            state: row.get(3)?,
            events: row.get(7)?,
            filter: row.get(8)?,
            retry_schedule: row.get(10)?,
        };
        let Standing { status, disabled_reason, deleted } =
            Standing::numbered(columns.state).ok_or_else(damaged)?;
        let filter = columns.filter.as_deref().map(str::parse::<Filter>);
        let schedule = columns.retry_schedule.as_deref().map(str::parse::<RetrySchedule>);
        let read = Self {
            number: row.get(0)?,
            team_number: row.get(2)?,
            deleted,
            generation: row.get(4)?,
            cancelling: row.get(5)?,
            headers: row.get(11)?,
            secret: row.get(18)?,
            previous_secret: row.get(19)?,
            webhook: Webhook {
                id,
                team,
                url: row.get(6)?,
                events: read_list::<Pattern, Patterns>(&columns.events).ok_or_else(damaged)?,
                filter: filter.transpose().map_err(|_| damaged())?,
                description: row.get(9)?,
                status,
                disabled_reason,
                failing_since: None,
                retry_schedule: schedule.transpose().map_err(|_| damaged())?,
                headers: Vec::new(),
                disable_on_gone: row.get(12)?,
                ordered: row.get(13)?,
                rate_limit: row.get(14)?,
                secret_overlap_until: row.get::<_, Option<i64>>(20)?.map(Timestamp::from_millis),
                version: row.get::<_, i64>(15)? as u64,
                created_at: Timestamp::from_millis(row.get(16)?),
                updated_at: Timestamp::from_millis(row.get(17)?),
            },
        };
        if read.checksum(&columns) == row.get::<_, i64>(21)? { Ok(read) } else { Err(damaged()) }
    }

    /// Takes other headers.
    pub(super) fn set_headers(&mut self, look: Look<'_>, headers: &[(String, String)]) {
        let Webhook { id, team, .. } = self.webhook;
        self.headers = (!headers.is_empty()).then(|| {
            let clear = serde_json::to_vec(headers).expect("pairs of texts can always be written");
            let clear = Zeroizing::new(clear);
            look.shelf.vault.seal(Sealed::Headers(team, id), &clear)
        });
    }

    /// The webhook as it is shown: headers in the clear, and since when it fails. That is counted beside it: where it is damaged,
    /// it is said and left out, and the webhook can still be seen, changed and deleted.
    pub(super) fn shown(self, look: Look<'_>) -> Result<Webhook, Fault> {
        let streak = match look.streak(self.number) {
            Err(Fault::Damaged(what)) => {
                tracing::error!(webhook = %self.webhook.id, %what, "since when a webhook fails is not shown");
                None
            }
            read => read?,
        };
        let failing_since = streak.map(|streak| streak.since);
        Ok(Webhook { failing_since, ..self.opened(look)? })
    }

    /// The webhook, headers in the clear.
    pub(super) fn opened(mut self, look: Look<'_>) -> Result<Webhook, Fault> {
        let Webhook { id, team, .. } = self.webhook;
        if let Some(sealed) = &self.headers {
            let headers = serde_json::from_slice(&self.open(look, Sealed::Headers(team, id), sealed)?);
            self.webhook.headers = headers.map_err(|_| Fault::damaged("webhooks", id))?;
        }
        Ok(self.webhook)
    }

    /// The store opened with this master key, and the row is as it was written: what does not open is damaged.
    pub(super) fn open(
        &self,
        look: Look<'_>,
        what: Sealed,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        look.shelf.vault.open(what, sealed).map_err(|_| Fault::damaged("webhooks", self.webhook.id))
    }

    fn open_text(&self, look: Look<'_>, what: Sealed, sealed: &[u8]) -> Result<SecretText, Fault> {
        let clear = self.open(look, what, sealed)?;
        let text = std::str::from_utf8(&clear).map_err(|_| Fault::damaged("webhooks", self.webhook.id))?;
        Ok(SecretText::new(text.to_owned()))
    }

    /// The secrets in the clear.
    pub(super) fn secrets(&self, look: Look<'_>) -> Result<WebhookSecrets, Fault> {
        let Webhook { id, team, .. } = self.webhook;
        let current = self.secret.as_deref().ok_or_else(|| Fault::damaged("webhooks", id))?;
        let current = self.open_text(look, Sealed::Secret(team, id), current)?;
        let previous = match (&self.previous_secret, self.webhook.secret_overlap_until) {
            (Some(sealed), Some(until)) => {
                Some((self.open_text(look, Sealed::PreviousSecret(team, id), sealed)?, until))
            }
            _ => None,
        };
        Ok(WebhookSecrets { current, previous })
    }

    /// Writes the row, new or changed.
    pub(super) fn save(&self, look: Look<'_>) -> Result<(), Fault> {
        let columns = self.columns();
        let mut save = look.conn.prepare_cached(
            "INSERT INTO webhooks (number, id, team, state, generation, cancelling, url, events, filter, description,
                 retry_schedule, headers, disable_on_gone, ordered, rate_limit, version, created_ms, updated_ms,
                 secret, previous_secret, previous_until_ms, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                 ?22)
             ON CONFLICT (number) DO UPDATE SET state = ?4, generation = ?5, cancelling = ?6, url = ?7, events = ?8,
                 filter = ?9, description = ?10, retry_schedule = ?11, headers = ?12, disable_on_gone = ?13,
                 ordered = ?14, rate_limit = ?15, version = ?16, updated_ms = ?18, secret = ?19,
                 previous_secret = ?20, previous_until_ms = ?21, checksum = ?22",
        )?;
        save.execute(params![
            self.number,
            self.webhook.id.bits().to_be_bytes(),
            self.team_number,
            columns.state,
            self.generation,
            self.cancelling,
            self.webhook.url,
            columns.events,
            columns.filter,
            self.webhook.description,
            columns.retry_schedule,
            self.headers,
            self.webhook.disable_on_gone,
            self.webhook.ordered,
            self.webhook.rate_limit,
            self.webhook.version as i64,
            self.webhook.created_at.as_millis(),
            self.webhook.updated_at.as_millis(),
            self.secret,
            self.previous_secret,
            self.webhook.secret_overlap_until.map(Timestamp::as_millis),
            self.checksum(&columns),
        ])?;
        Ok(())
    }
}

impl Look<'_> {
    /// A webhook whose team was not deleted; it may itself be deleted.
    pub(super) fn any_webhook(&self, webhook: WebhookId) -> Result<Option<WebhookRow>, Fault> {
        let mut found = self.conn.prepare_cached(&format!("{SELECT} WHERE w.id = ?1"))?;
        let row = found.query_row([webhook.bits().to_be_bytes()], |row| Ok(WebhookRow::read(row)));
        row.optional()?.transpose()
    }

    /// A webhook that is there to be used.
    pub(super) fn webhook(&self, webhook: WebhookId) -> Result<WebhookRow, Fault> {
        let found = self.any_webhook(webhook)?.filter(|row| !row.deleted);
        found.ok_or(Fault::Refused(StoreError::NotFound))
    }

    /// The same, and of this team (T24).
    pub(super) fn webhook_of(&self, team: TeamId, webhook: WebhookId) -> Result<WebhookRow, Fault> {
        let found = self.webhook(webhook)?;
        if found.webhook.team == team { Ok(found) } else { Err(Fault::Refused(StoreError::NotFound)) }
    }

    /// The webhook with this number; it may be deleted, and its team too (then `None`).
    pub(super) fn webhook_numbered(&self, number: i64) -> Result<Option<WebhookRow>, Fault> {
        let mut found = self.conn.prepare_cached(&format!("{SELECT} WHERE w.number = ?1"))?;
        found.query_row([number], |row| Ok(WebhookRow::read(row))).optional()?.transpose()
    }

    /// Webhooks of a team with a smaller id, newest first, deleted ones left out.
    pub(super) fn webhooks_before(
        &self,
        team: i64,
        from: Option<WebhookId>,
        limit: usize,
    ) -> Result<Vec<WebhookRow>, Fault> {
        let from = from.map_or(u128::MAX, |id| id.bits()).to_be_bytes();
        let sql =
            format!("{SELECT} WHERE w.team = ?1 AND w.id < ?2 AND w.state <> 3 ORDER BY w.id DESC LIMIT ?3");
        let mut list = self.conn.prepare_cached(&sql)?;
        list.query_and_then(params![team, from, limit as i64], WebhookRow::read)?.collect()
    }
}
