//! The rows of deliveries.

use cstar_types::{Delivery, DeliveryId, DeliveryStatus, EventId, TeamId, Timestamp};
use rusqlite::{OptionalExtension, Row, Statement, params};

use super::fault::Fault;
use super::look::Look;
use super::memory::Target;
use super::rows::{Columns, Insert, NewRow, insert_into};
use super::webhook_rows::WebhookRow;
use crate::StoreError;
use crate::stored::checksum::Checksum;
use crate::stored::kind::Kind;
use crate::stored::place::Place;

/// A row of `deliveries`.
#[derive(Debug, Clone)]
pub(super) struct DeliveryRow {
    pub(super) place: Place,
    /// The half of the id that cannot be guessed.
    pub(super) tag: i64,
    pub(super) webhook: i64,
    /// The webhook's, when this last began to wait.
    pub(super) generation: i64,
    pub(super) event: Place,
    pub(super) event_id: u128,
    pub(super) kind: Kind,
    /// As it is written; see [`DeliveryRow::status_under`] for what it means.
    pub(super) status: DeliveryStatus,
    pub(super) attempts: u32,
    pub(super) failed: u32,
    pub(super) created_ms: i64,
    /// Set exactly while it waits.
    pub(super) due_ms: Option<i64>,
    /// The number of its newest attempt.
    pub(super) last_attempt: Option<i64>,
}

/// What a row knows of its event.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventOf {
    pub(super) place: Place,
    pub(super) id: EventId,
    pub(super) kind: Kind,
}

macro_rules! select_deliveries {
    ($($rest:expr),+) => {
        concat!(
            "SELECT place, tag, webhook, generation, event, event_id, kind, status, attempts, failed, created_ms, \
             due_ms, last_attempt, checksum FROM deliveries ",
            $($rest),+
        )
    };
}
pub(super) use select_deliveries;

impl DeliveryRow {
    /// A new one, due at `now`. Times of a team's deliveries rise with their places, so `created_ms` is the team's own.
    pub(super) fn due(place: Place, target: Target, event: EventOf, created_ms: i64, now: Timestamp) -> Self {
        Self {
            place,
            tag: Place::new_tag(created_ms),
            webhook: target.number,
            generation: target.generation,
            event: event.place,
            event_id: event.id.bits(),
            kind: event.kind,
            status: DeliveryStatus::Pending,
            attempts: 0,
            failed: 0,
            created_ms,
            due_ms: Some(now.as_millis()),
            last_attempt: None,
        }
    }

    pub(super) fn id(&self) -> DeliveryId {
        self.place.delivery_id(self.tag)
    }

    /// Where it stands under its webhook's present generation: what waited when the webhook was disabled or deleted is
    /// cancelled from that moment on, though its row may be written later (DLV-2).
    pub(super) fn status_under(&self, generation: i64) -> DeliveryStatus {
        if self.due_ms.is_some() && self.generation < generation {
            DeliveryStatus::Cancelled
        } else {
            self.status
        }
    }

    fn checksum(&self) -> i64 {
        Checksum::new()
            .int(self.place.bits())
            .int(self.tag)
            .int(self.webhook)
            .int(self.generation)
            .int(self.event.bits())
            .bits(self.event_id)
            .int(self.kind.0)
            .int(self.status as i64)
            .int(i64::from(self.attempts) << 32 | i64::from(self.failed))
            .int(self.created_ms)
            .maybe(self.due_ms)
            .maybe(self.last_attempt)
            .finish()
    }

    pub(super) fn read(row: &Row<'_>) -> Result<Self, Fault> {
        let place: Place = row.get(0)?;
        let damaged = || Fault::damaged("deliveries", place.bits());
        let status = DeliveryStatus::ALL.get(row.get::<_, u32>(7)? as usize).copied().ok_or_else(damaged)?;
        let read = Self {
            place,
            tag: row.get(1)?,
            webhook: row.get(2)?,
            generation: row.get(3)?,
            event: row.get(4)?,
            event_id: u128::from_be_bytes(row.get(5)?),
            kind: Kind(row.get(6)?),
            status,
            attempts: row.get(8)?,
            failed: row.get(9)?,
            created_ms: row.get(10)?,
            due_ms: row.get(11)?,
            last_attempt: row.get(12)?,
        };
        if read.checksum() == row.get::<_, i64>(13)? { Ok(read) } else { Err(damaged()) }
    }

    /// The row of a delivery by a statement of [`DELIVERY_AT`]; an id with another tag was never given.
    pub(super) fn find_by(find: &mut Statement<'_>, id: DeliveryId) -> Result<Option<Self>, Fault> {
        let Some((place, tag)) = Place::of_delivery(id) else { return Ok(None) };
        let row = find.query_row([place], |row| Ok(Self::read(row))).optional()?.transpose()?;
        Ok(row.filter(|row| row.tag == tag))
    }

    /// Writes what can change.
    pub(super) fn update(&self, look: Look<'_>) -> Result<(), Fault> {
        self.update_by(&mut *look.conn.prepare_cached(UPDATE_DELIVERY)?)
    }

    /// The same by a statement of [`UPDATE_DELIVERY`], for one of many.
    pub(super) fn update_by(&self, update: &mut Statement<'_>) -> Result<(), Fault> {
        update.execute(params![
            self.place,
            self.generation,
            self.status as i64,
            self.attempts,
            self.failed,
            self.due_ms,
            self.last_attempt,
            self.checksum(),
        ])?;
        Ok(())
    }
}

impl NewRow for DeliveryRow {
    const INSERT: Insert = insert_into!(
        "deliveries (place, tag, webhook, generation, event, event_id, kind, status, attempts, failed, created_ms, due_ms,
             last_attempt, checksum)",
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );

    fn bind(&self, columns: &mut Columns<'_, '_>) -> rusqlite::Result<()> {
        columns.bind(self.place)?;
        columns.bind(self.tag)?;
        columns.bind(self.webhook)?;
        columns.bind(self.generation)?;
        columns.bind(self.event)?;
        columns.bind(self.event_id.to_be_bytes())?;
        columns.bind(self.kind.0)?;
        columns.bind(self.status as i64)?;
        columns.bind(self.attempts)?;
        columns.bind(self.failed)?;
        columns.bind(self.created_ms)?;
        columns.bind(self.due_ms)?;
        columns.bind(self.last_attempt)?;
        columns.bind(self.checksum())
    }
}

pub(super) const DELIVERY_AT: &str = select_deliveries!("WHERE place = ?1");

pub(super) const DELIVERY_TO: &str =
    select_deliveries!("INDEXED BY deliveries_event WHERE event_id = ?1 AND webhook = ?2");

pub(super) const UPDATE_DELIVERY: &str = "UPDATE deliveries SET generation = ?2, status = ?3, attempts = ?4,
     failed = ?5, due_ms = ?6, last_attempt = ?7, checksum = ?8 WHERE place = ?1";

impl Look<'_> {
    /// The row of a delivery, whosever it is.
    pub(super) fn any_delivery(&self, id: DeliveryId) -> Result<Option<DeliveryRow>, Fault> {
        DeliveryRow::find_by(&mut *self.conn.prepare_cached(DELIVERY_AT)?, id)
    }

    /// The row of a team's delivery (T24).
    pub(super) fn delivery_row(&self, team: i64, id: DeliveryId) -> Result<DeliveryRow, Fault> {
        let found = self.any_delivery(id)?.filter(|row| row.place.team() == team);
        found.ok_or(Fault::Refused(StoreError::NotFound))
    }

    /// The row of the delivery of an event to a webhook, if there is one.
    pub(super) fn delivery_to(&self, webhook: i64, event: EventId) -> Result<Option<DeliveryRow>, Fault> {
        let mut found = self.conn.prepare_cached(DELIVERY_TO)?;
        let row =
            found.query_row(params![event.bits().to_be_bytes(), webhook], |row| Ok(DeliveryRow::read(row)));
        row.optional()?.transpose()
    }

    /// The delivery that a row means.
    pub(super) fn delivery(
        &self,
        team: TeamId,
        row: &DeliveryRow,
        webhook: &WebhookRow,
    ) -> Result<Delivery, Fault> {
        let status = row.status_under(webhook.generation);
        let waits = !status.has_ended();
        let cancelled = status == DeliveryStatus::Cancelled;
        let cancel_reason = cancelled.then(|| self.cancel_reason(row.webhook, row.generation)).transpose()?;
        Ok(Delivery {
            id: row.id(),
            team,
            webhook: webhook.webhook.id,
            event: EventId::from_bits(row.event_id, row.kind.is_test()),
            event_type: self.event_type(row.kind)?,
            status,
            cancel_reason,
            attempts: row.attempts,
            created_at: Timestamp::from_millis(row.created_ms),
            next_attempt_at: row.due_ms.filter(|_| waits).map(Timestamp::from_millis),
            last_attempt: row.last_attempt.map(|number| self.attempt_summary(row, number)).transpose()?,
        })
    }

    /// The webhook of a row.
    pub(super) fn webhook_of_row(&self, row: &DeliveryRow) -> Result<WebhookRow, Fault> {
        let webhook = self.webhook_numbered(row.webhook)?;
        webhook.ok_or_else(|| Fault::damaged("deliveries", row.place.bits()))
    }
}
