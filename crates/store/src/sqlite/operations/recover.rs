//! Making pending again what a webhook did not get.

use cstar_types::limits::COMMIT_MAX_DELIVERIES;
use cstar_types::{DeliveryStatus, EventId, OperationFailure, Timestamp, WebhookId, WebhookStatus};
use rusqlite::Row;

use super::{may_reopen, unless_damaged};
use crate::TypeFilter;
use crate::sqlite::delivery_rows::{DeliveryRow, EventOf};
use crate::sqlite::event_rows::{EventRow, select_events};
use crate::sqlite::fault::Fault;
use crate::sqlite::look::{Look, Passing};
use crate::sqlite::operation_rows::OperationRow;
use crate::sqlite::resend::{make, reopen, tell};
use crate::sqlite::team_rows::TeamRow;
use crate::sqlite::tx::Tx;
use crate::sqlite::webhook_rows::WebhookRow;
use crate::stored::place::{COUNT_MAX, Place};

pub(in crate::sqlite) const EVENTS: &str = select_events!("WHERE place > ?1 AND place <= ?2 ORDER BY place");

/// Recovers what the next slice of the log holds.
pub(super) fn slice(
    tx: &mut Tx<'_>,
    operation: &mut OperationRow,
    webhook: WebhookId,
    rows: usize,
    now: Timestamp,
) -> Result<(), Fault> {
    let look = tx.look();
    let known = look.any_webhook(webhook)?.filter(|row| !row.deleted);
    let Some(webhook) = known else {
        operation.fail(OperationFailure::WebhookDeleted, now);
        return Ok(());
    };
    if webhook.webhook.status == WebhookStatus::Disabled {
        operation.fail(OperationFailure::WebhookDisabled, now);
        return Ok(());
    }
    let mut head = tx.memory.take_head(look, operation.operation.team)?;
    let has_places = head.delivery + rows as u64 <= COUNT_MAX;
    let written = if tx.effects.deliveries + rows > COMMIT_MAX_DELIVERIES {
        Err(Fault::NoRoom)
    } else {
        missed(look, operation, &webhook, rows).and_then(|found| {
            operation.operation.skipped += found.skipped;
            for missed in found.missed {
                match missed {
                    Missed::Ended(row) => drop(reopen(tx, row, &webhook, now)?),
                    Missed::Event(event) if has_places => {
                        let row = make(tx, &mut head, &webhook, event, now)?;
                        tell(tx, row, &webhook)?;
                    }
                    Missed::Event(_) => {
                        operation.operation.skipped += 1;
                        continue;
                    }
                }
                operation.operation.done += 1;
            }
            operation.reached(found.next, now);
            Ok(())
        })
    };
    tx.memory.put_head(operation.operation.team, head);
    written
}

/// What a webhook did not get.
enum Missed {
    /// A delivery that failed or was cancelled.
    Ended(DeliveryRow),
    /// An event that it has no delivery of.
    Event(EventOf),
}

/// What a slice holds.
#[derive(Default)]
struct Found {
    missed: Vec<Missed>,
    /// As many deliveries cannot be reopened.
    skipped: u64,
    /// How far it looked, if there is more.
    next: Option<Place>,
}

/// Looks at so many events behind the cursor.
fn missed(
    look: Look<'_>,
    operation: &OperationRow,
    webhook: &WebhookRow,
    rows: usize,
) -> Result<Found, Fault> {
    let mut eye = Eye {
        look,
        team: look.team_numbered(operation.team_number)?,
        webhook,
        visible: passing(look, &operation.operation.visible),
        wanted: passing(look, &webhook.webhook.events),
        asked_at: operation.operation.created_at,
    };
    let mut found = Found::default();
    let mut list = look.conn.prepare_cached(EVENTS)?;
    let mut listed = list.query([operation.cursor, operation.last])?;
    let mut reached = operation.cursor;
    for looked_at in 0.. {
        let Some(row) = listed.next()? else { break };
        if looked_at == rows {
            found.next = Some(reached);
            break;
        }
        reached = row.get(0)?;
        match unless_damaged(eye.sees(row), Seen::Stuck)? {
            Seen::Missed(missed) => found.missed.push(missed),
            Seen::Stuck => found.skipped += 1,
            Seen::Nothing => {}
        }
    }
    Ok(found)
}

fn passing<'a>(look: Look<'a>, patterns: &cstar_types::Patterns) -> Passing<'a> {
    Passing::new(look, TypeFilter { visible: patterns.clone(), wanted: None })
}

/// What an event is to a recovery.
enum Seen {
    Missed(Missed),
    /// Something that should be recovered and cannot.
    Stuck,
    Nothing,
}

/// Looks at one event after the other.
struct Eye<'a> {
    look: Look<'a>,
    team: TeamRow,
    webhook: &'a WebhookRow,
    visible: Passing<'a>,
    wanted: Passing<'a>,
    asked_at: Timestamp,
}

impl Eye<'_> {
    fn sees(&mut self, row: &Row<'_>) -> Result<Seen, Fault> {
        let event = EventRow::read(row)?;
        let id = EventId::from_bits(event.id, event.kind.is_test());
        if !self.visible.passes(event.kind)? {
            return Ok(Seen::Nothing); // SEC-2
        }
        if event.kind.is_erased() {
            return Ok(Seen::Nothing);
        }
        if let Some(delivery) = self.look.delivery_to(self.webhook.number, id)? {
            return self.sees_delivery(delivery);
        }
        let is_for_webhooks = !event.kind.is_kept_from_webhooks() && !event.kind.is_test();
        if !is_for_webhooks || !self.wanted.passes(event.kind)? {
            return Ok(Seen::Nothing);
        }
        let entry = event.entry(self.look, self.team.team.id, row)?; // LOG-3: it is as it was written
        let filter = self.webhook.webhook.filter.as_ref();
        if filter.is_some_and(|filter| !filter.matches(&entry.event.data_tree())) {
            return Ok(Seen::Nothing);
        }
        Ok(Seen::Missed(Missed::Event(EventOf { place: event.place, id, kind: event.kind })))
    }

    fn sees_delivery(&self, delivery: DeliveryRow) -> Result<Seen, Fault> {
        let standing = delivery.status_under(self.webhook.generation);
        if !matches!(standing, DeliveryStatus::Failed | DeliveryStatus::Cancelled) {
            return Ok(Seen::Nothing);
        }
        let may_reopen = may_reopen(self.look, &self.team, &delivery, self.webhook, self.asked_at)?;
        Ok(if may_reopen { Seen::Missed(Missed::Ended(delivery)) } else { Seen::Stuck })
    }
}
