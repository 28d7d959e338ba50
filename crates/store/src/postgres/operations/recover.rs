//! Making pending again what a webhook did not get.

use std::collections::HashMap;

use cstar_types::{DeliveryStatus, OperationFailure, Patterns, Timestamp, WebhookId, WebhookStatus};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::{may_reopen, unless_damaged};
use crate::postgres::days::{Day, day_at};
use crate::postgres::delivery_rows::{
    DELIVERY_COLUMNS, DeliveryRow, EventOf, OfDelivery, delivery_columns, of_delivery, of_delivery_columns,
};
use crate::postgres::event_rows::{EventRow, event_columns};
use crate::postgres::fault::Fault;
use crate::postgres::head::Head;
use crate::postgres::operation_rows::OperationRow;
use crate::postgres::tx::Tx;
use crate::postgres::wanting::Target;
use crate::postgres::webhook_rows::{WebhookRow, uuid};
use crate::stored::place::COUNT_MAX;

/// The seq before the first event of a range of time, and that of its last.
pub(super) async fn bounds(
    tx: &Tx,
    head: &Head,
    since: Timestamp,
    until: Option<Timestamp>,
) -> Result<(i64, i64), Fault> {
    let end = until.map_or(i64::MAX, Timestamp::as_millis);
    let params = [
        (&head.number as _, Type::INT8),
        (&since.as_millis() as _, Type::INT8),
        (&end as _, Type::INT8),
        (&day_at(since) as _, Type::INT4),
        (&until.map_or(Day::MAX, day_at) as _, Type::INT4),
    ];
    // Times rise with positions, so each search ends at the first that it finds.
    const RANGE: &str = "FROM events WHERE team = $1 AND committed_ms >= $2 AND committed_ms < $3 AND day >= $4 AND day <= $5";
    let seq = async |order: &str| {
        let found = tx.row(&format!("SELECT seq {RANGE} ORDER BY seq {order} LIMIT 1"), &params).await?;
        Ok::<Option<i64>, Fault>(found.map(|row| row.get(0)))
    };
    Ok(match (seq("ASC").await?, seq("DESC").await?) {
        (Some(first), Some(last)) => (first - 1, last),
        _ => (0, 0),
    })
}

/// Recovers what the next slice of the log holds.
pub(super) async fn slice(
    tx: &mut Tx,
    head: &mut Head,
    operation: &mut OperationRow,
    webhook: WebhookId,
    rows: usize,
    now: Timestamp,
) -> Result<(), Fault> {
    let known = tx.any_webhook(webhook).await?.filter(|row| !row.deleted);
    let Some(webhook) = known else {
        operation.fail(OperationFailure::WebhookDeleted, now);
        return Ok(());
    };
    if webhook.webhook.status == WebhookStatus::Disabled {
        operation.fail(OperationFailure::WebhookDisabled, now);
        return Ok(());
    }
    let has_places = head.delivery + rows as i64 <= COUNT_MAX as i64;
    let Found { mut ended, events, skipped, next } = missed(tx, head, operation, &webhook, rows).await?;
    let made = if has_places { events.len() } else { 0 };
    operation.operation.skipped += skipped + (events.len() - made) as u64;
    operation.operation.done += (ended.len() + made) as u64;
    ended.iter_mut().for_each(|row| row.reopen(&webhook, now));
    tx.save_reopened(&ended, now).await?;
    tx.make_deliveries(head, &Target::of(&webhook), &events[..made], now).await?;
    operation.reached(next, now);
    Ok(())
}

/// What a slice holds.
#[derive(Default)]
struct Found {
    /// Deliveries that failed or were cancelled.
    ended: Vec<DeliveryRow>,
    /// Events that it has no delivery of.
    events: Vec<EventOf>,
    /// As many deliveries cannot be reopened.
    skipped: u64,
    /// How far it looked, if there is more.
    next: Option<i64>,
}

const EVENTS: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM events e WHERE e.team = $1 AND e.seq > $2 AND e.seq <= $3 ORDER BY e.seq LIMIT $4"
);

const DELIVERIES: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    ", ",
    of_delivery_columns!(),
    " FROM deliveries d ",
    of_delivery!(),
    " WHERE d.team = $1 AND d.webhook = $2 AND d.event_id = ANY($3)"
);

/// Looks at so many events behind the cursor.
async fn missed(
    tx: &Tx,
    head: &Head,
    operation: &OperationRow,
    webhook: &WebhookRow,
    rows: usize,
) -> Result<Found, Fault> {
    let after = operation.cursor.max(head.removed_events);
    let range = [
        (&head.number as _, Type::INT8),
        (&after as _, Type::INT8),
        (&operation.last as _, Type::INT8),
        (&(rows as i64 + 1) as _, Type::INT8),
    ];
    let listed = tx.rows(EVENTS, &range).await?;
    let ids: Vec<uuid::Uuid> = listed.iter().take(rows).map(|row| row.get(2)).collect();
    let of = [
        (&head.number as _, Type::INT8),
        (&uuid(webhook.webhook.id) as _, Type::UUID),
        (&ids as _, Type::UUID_ARRAY),
    ];
    let deliveries: HashMap<uuid::Uuid, Row> =
        tx.rows(DELIVERIES, &of).await?.into_iter().map(|row| (row.get(8), row)).collect();
    let eye = Eye {
        head,
        webhook,
        visible: &operation.operation.visible,
        asked_at: operation.operation.created_at,
    };
    let mut found = Found::default();
    for (row, id) in listed.iter().zip(&ids) {
        match unless_damaged(eye.sees(row, deliveries.get(id)), Seen::Stuck)? {
            Seen::Ended(row) => found.ended.push(row),
            Seen::Missed(event) => found.events.push(event),
            Seen::Stuck => found.skipped += 1,
            Seen::Nothing => {}
        }
    }
    if listed.len() > rows {
        found.next = listed.get(rows - 1).map(|row| row.get(0));
    }
    Ok(found)
}

/// What an event is to a recovery.
enum Seen {
    /// Its delivery failed or was cancelled.
    Ended(DeliveryRow),
    /// It has none.
    Missed(EventOf),
    /// Something that should be recovered and cannot.
    Stuck,
    Nothing,
}

/// Looks at one event after the other.
struct Eye<'a> {
    head: &'a Head,
    webhook: &'a WebhookRow,
    visible: &'a Patterns,
    asked_at: Timestamp,
}

impl Eye<'_> {
    fn sees(&self, event: &Row, delivery: Option<&Row>) -> Result<Seen, Fault> {
        let event = EventRow::read(event, 0, (self.head.id, self.head.number))?;
        // SEC-2
        if !self.visible.matches(&event.event.event_type) || event.marks.is_erased() {
            return Ok(Seen::Nothing);
        }
        if let Some(delivery) = delivery {
            let row = DeliveryRow::read(delivery, 0)?;
            let of = OfDelivery::read(delivery, DELIVERY_COLUMNS, &row)?;
            return Ok(self.sees_delivery((row, of)));
        }
        let is_for_webhooks = !event.marks.is_kept_from_webhooks() && !event.marks.is_test();
        if !is_for_webhooks || !self.webhook.webhook.wants(&event.event) {
            return Ok(Seen::Nothing);
        }
        Ok(Seen::Missed(EventOf {
            seq: event.seq,
            day: event.day,
            id: event.event.id,
            event_type: event.event.event_type,
            marks: event.marks,
        }))
    }

    fn sees_delivery(&self, delivery: (DeliveryRow, OfDelivery)) -> Seen {
        let standing = delivery.0.status_under(self.webhook.generation);
        if !matches!(standing, DeliveryStatus::Failed | DeliveryStatus::Cancelled) {
            return Seen::Nothing;
        }
        if may_reopen(self.head, &delivery, self.webhook, self.asked_at) {
            Seen::Ended(delivery.0)
        } else {
            Seen::Stuck
        }
    }
}
