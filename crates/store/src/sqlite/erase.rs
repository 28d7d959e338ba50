//! Erasing what an event said.
//!
//! The event's row and place stay, so the log has no hole (LOG-2); its body is empty, its marks say why, and its checksum is that
//! of the row as it is now, so it is not taken for damage (LOG-3). SQLite overwrites what it frees meanwhile, and the writer
//! cuts the WAL soon after, which holds the body as well.

use cstar_types::{AuditAction, DeliveryStatus, EventId, TeamId, WebhookId};
use rusqlite::params;

use super::attempt_rows::{AttemptRow, SELECT_ATTEMPTS, Stored};
use super::cancel::GENERATION_OF_ERASED;
use super::connection::{Overwrite, overwrite};
use super::delivery_rows::{DeliveryRow, select_deliveries};
use super::event_rows::{EventRow, select_events};
use super::fault::Fault;
use super::look::Look;
use super::tx::Tx;
use crate::{Change, StoreError};

pub(super) const DELIVERIES_OF: &str =
    select_deliveries!("INDEXED BY deliveries_event WHERE event_id = ?1 ORDER BY place");

/// Erases an event's data, and what was answered to it.
pub(super) fn erase(tx: &mut Tx<'_>, team: TeamId, id: EventId) -> Result<(), Fault> {
    let event = kept(tx.look(), team, id)?.ok_or(StoreError::NotFound)?;
    if event.kind.is_erased() {
        return Ok(());
    }
    let seq = event.place.count();
    overwrite(tx.conn, Overwrite::All)?;
    let erased = erase_all(tx, event, id);
    overwrite(tx.conn, Overwrite::Cells)?;
    tx.effects.told.push(Change::Erased { team, seq, webhooks: erased? });
    tx.effects.erased = true;
    tx.record(AuditAction::EventErased, Some(team), id)
}

/// The row of a team's event, as it was written (LOG-3).
fn kept(look: Look<'_>, team: TeamId, id: EventId) -> Result<Option<EventRow>, Fault> {
    let number = look.team(team)?.number;
    let mut found = look.conn.prepare_cached(select_events!("WHERE id = ?1"))?;
    let mut rows = found.query([id.bits().to_be_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let event = EventRow::read(row)?;
    if event.place.team() != number || event.kind.is_test() != id.is_test() {
        return Ok(None);
    }
    event.entry(look, team, row)?;
    Ok(Some(event))
}

/// Answers to whom it waited to be delivered.
fn erase_all(tx: &mut Tx<'_>, event: EventRow, id: EventId) -> Result<Vec<WebhookId>, Fault> {
    let look = tx.look();
    event.erase(look)?;
    let mut of_event = look.conn.prepare_cached(DELIVERIES_OF)?;
    let rows = of_event.query_and_then([id.bits().to_be_bytes()], DeliveryRow::read)?;
    let mut waited = Vec::new();
    for row in rows.collect::<Result<Vec<_>, _>>()? {
        erase_answers(look, &row)?;
        let generation = tx.memory.generation(look, row.webhook)?;
        let waits = generation.is_some_and(|generation| !row.status_under(generation).has_ended());
        if waits {
            waited.push(look.webhook_of_row(&row)?.webhook.id);
        }
        erase_delivery(look, row, waits)?;
    }
    Ok(waited)
}

/// DLV-2: what waits is cancelled; what has ended stays as it ended.
fn erase_delivery(look: Look<'_>, mut row: DeliveryRow, waits: bool) -> Result<(), Fault> {
    row.kind = row.kind.erased();
    if waits {
        row.generation = GENERATION_OF_ERASED;
        row.status = DeliveryStatus::Cancelled;
        row.due_ms = None;
    }
    look.conn
        .prepare_cached("UPDATE deliveries SET kind = ?2 WHERE place = ?1")?
        .execute(params![row.place, row.kind.0])?;
    row.update(look)
}

/// An endpoint may have answered with what it was sent.
fn erase_answers(look: Look<'_>, row: &DeliveryRow) -> Result<(), Fault> {
    let mut find = look.conn.prepare_cached(&format!("{SELECT_ATTEMPTS} WHERE number = ?1"))?;
    let mut erase = look.conn.prepare_cached(
        "UPDATE attempts SET response_headers = '', response_body = '', checksum = ?2 WHERE number = ?1",
    )?;
    let mut next = row.last_attempt;
    while let Some(number) = next {
        let stored = find.query_row([number], |row| Ok(Stored::read(row)))??;
        next = stored.previous.filter(|previous| *previous < number);
        let attempt = &stored.attempt.without_answer();
        let bare =
            AttemptRow { number, delivery: row.place, previous: stored.previous, attempt, headers: "" };
        erase.execute(params![number, bare.checksum()])?;
    }
    Ok(())
}

impl Look<'_> {
    /// Whether the event at a place is there, and erased.
    pub(super) fn is_erased(&self, place: super::place::Place) -> Result<bool, Fault> {
        let mut found = self.conn.prepare_cached(select_events!("WHERE place = ?1"))?;
        let mut rows = found.query([place])?;
        Ok(rows.next()?.map(EventRow::read).transpose()?.is_some_and(|event| event.kind.is_erased()))
    }
}
