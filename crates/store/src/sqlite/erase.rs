//! Erasing what an event said.
//!
//! The event's row and place stay, so the log has no hole (LOG-2); its body is empty, its marks say why, and its checksum is that
//! of the row as it is now, so it is not taken for damage (LOG-3). SQLite overwrites what it frees meanwhile, and the writer
//! cuts the WAL soon after, which holds the body as well.

use std::borrow::Cow;

use cstar_types::{AuditAction, DeliveryStatus, EventId, TeamId, WebhookId};
use rusqlite::{OptionalExtension, params};

use super::attempt_rows::{AttemptRow, SELECT_ATTEMPTS, Stored};
use super::cancel::GENERATION_OF_ERASED;
use super::connection::{Overwrite, overwrite};
use super::delivery_rows::{DeliveryRow, select_deliveries};
use super::event_rows::{EventRow, select_events};
use super::fault::Fault;
use super::look::Look;
use super::tx::Tx;
use crate::stored::place::Place;
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

/// Answers to whom it waited to be delivered. A delivery that is damaged is said and stays as it is (LOG-3), but for what was
/// answered to it: what an event said must go, whatever else is damaged.
fn erase_all(tx: &mut Tx<'_>, event: EventRow, id: EventId) -> Result<Vec<WebhookId>, Fault> {
    let look = tx.look();
    event.erase(look)?;
    let mut of_event = look.conn.prepare_cached(DELIVERIES_OF)?;
    let rows = of_event.query_map([id.bits().to_be_bytes()], |row| {
        // Of a row that is damaged, as far as it can be read.
        Ok((row.get(0)?, row.get(12).unwrap_or(None), DeliveryRow::read(row)))
    })?;
    let mut waited = Vec::new();
    for row in rows.collect::<Result<Vec<_>, _>>()? {
        let (place, last_attempt, row) = row;
        erase_answers(look, id, place, last_attempt)?;
        let Some(row) = unless_damaged(id, row)? else { continue };
        // What waits for a webhook that is damaged is cancelled too: its data is gone.
        let generation = unless_damaged(id, tx.memory.generation(look, row.webhook))?;
        let generation = generation.unwrap_or(Some(row.generation));
        let waits = generation.is_some_and(|generation| !row.status_under(generation).has_ended());
        if waits {
            let webhook = unless_damaged(id, look.webhook_of_row(&row))?;
            waited.extend(webhook.map(|webhook| webhook.webhook.id));
        }
        erase_delivery(look, row, waits)?;
    }
    Ok(waited)
}

/// What was read; `None` of what is damaged, which is said.
fn unless_damaged<T>(event: EventId, read: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(Fault::Damaged(what)) => {
            tracing::error!(%event, %what, "an event is erased in spite of damage");
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
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

/// An endpoint may have answered with what it was sent. An attempt that is damaged loses its answer too, which nobody could read
/// any more, and stays damaged (LOG-3).
fn erase_answers(look: Look<'_>, event: EventId, delivery: Place, last: Option<i64>) -> Result<(), Fault> {
    let mut find = look.conn.prepare_cached(&format!("{SELECT_ATTEMPTS} WHERE number = ?1"))?;
    let mut erase = look.conn.prepare_cached(
        "UPDATE attempts SET response_headers = '', response_body = '', checksum = coalesce(?2, checksum)
         WHERE number = ?1",
    )?;
    let mut next = last;
    while let Some(number) = next {
        let found = find.query_row([number], |row| Ok((row.get(2).unwrap_or(None), Stored::read(row))));
        let (previous, stored): (Option<i64>, _) = match found.optional()? {
            Some(found) => found,
            None => (None, Err(Fault::damaged("attempts", number))),
        };
        let checksum = match unless_damaged(event, stored)? {
            // A damaged row led to another's.
            Some(stored) if stored.delivery != delivery => break,
            Some(stored) => {
                let attempt = Cow::Owned(stored.attempt.without_answer());
                let bare = AttemptRow { number, delivery, previous, attempt, headers: "" };
                Some(bare.checksum())
            }
            None => None,
        };
        erase.execute(params![number, checksum])?;
        next = previous.filter(|previous| *previous < number);
    }
    Ok(())
}

impl Look<'_> {
    /// Whether the event at a place is there, and erased.
    pub(super) fn is_erased(&self, place: Place) -> Result<bool, Fault> {
        let mut found = self.conn.prepare_cached(select_events!("WHERE place = ?1"))?;
        let mut rows = found.query([place])?;
        Ok(rows.next()?.map(EventRow::read).transpose()?.is_some_and(|event| event.kind.is_erased()))
    }
}
