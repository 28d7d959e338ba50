//! Resending all that a filter matches.

use std::collections::HashMap;

use cstar_types::{ResendFilter, Timestamp, WebhookId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::{may_reopen, unless_damaged};
use crate::DeliveryQuery;
use crate::operations::resent;
use crate::postgres::columns::millis;
use crate::postgres::days::{Day, day_at};
use crate::postgres::delivery_rows::{
    DELIVERY_COLUMNS, DeliveryRow, OfDelivery, delivery_columns, of_delivery, of_delivery_columns,
};
use crate::postgres::fault::Fault;
use crate::postgres::head::Head;
use crate::postgres::operation_rows::{OperationRow, event_uuid};
use crate::postgres::tx::Tx;
use crate::postgres::webhook_rows::{WebhookRow, uuid};

/// Reopens what the next slice holds.
pub(super) async fn slice(
    tx: &mut Tx,
    head: &Head,
    operation: &mut OperationRow,
    filter: &ResendFilter,
    rows: usize,
    now: Timestamp,
) -> Result<(), Fault> {
    let query = resent(filter, &operation.operation.visible);
    let bounds = (operation.cursor, operation.last);
    let found = look_for(tx, head, &query, bounds, rows, operation.operation.created_at).await?;
    operation.operation.skipped += found.skipped;
    operation.operation.done += found.rows.len() as u64;
    let reopened = found.rows.into_iter().map(|(mut row, webhook)| {
        row.reopen(&webhook, now);
        row
    });
    tx.save_reopened(&reopened.collect::<Vec<_>>(), now).await?;
    operation.reached(found.next, now);
    Ok(())
}

/// What a slice holds.
#[derive(Default)]
pub(super) struct Found {
    pub(super) rows: Vec<(DeliveryRow, WebhookRow)>,
    /// As many match, but cannot be reopened.
    skipped: u64,
    /// How far it looked, if there is more.
    pub(super) next: Option<i64>,
}

/// What a query says is in the statement as far as an index or a partition helps; the rest is asked of each row.
const SLICE: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    ", ",
    of_delivery_columns!(),
    " FROM deliveries d ",
    of_delivery!(),
    " WHERE d.team = $1 AND d.number > $2 AND d.number <= $3 AND ($4::uuid IS NULL OR d.webhook = $4)
        AND ($5::uuid IS NULL OR d.event_id = $5) AND ($6::bigint IS NULL OR d.created_ms >= $6)
        AND ($7::bigint IS NULL OR d.created_ms < $7) AND d.day >= $8 AND d.day <= $9
      ORDER BY d.number LIMIT $10"
);

/// Looks at about so many rows behind the first number, up to the last.
pub(super) async fn look_for(
    tx: &Tx,
    head: &Head,
    query: &DeliveryQuery,
    (after, last): (i64, i64),
    rows: usize,
    asked_at: Timestamp,
) -> Result<Found, Fault> {
    let params = [
        (&head.number as _, Type::INT8),
        (&after as _, Type::INT8),
        (&last as _, Type::INT8),
        (&query.webhook.map(uuid) as _, Type::UUID),
        (&query.event.map(event_uuid) as _, Type::UUID),
        (&millis(query.since) as _, Type::INT8),
        (&millis(query.until) as _, Type::INT8),
        (&query.since.map_or(Day::MIN, day_at) as _, Type::INT4),
        (&query.until.map_or(Day::MAX, day_at) as _, Type::INT4),
        (&(rows as i64 + 1) as _, Type::INT8),
    ];
    let listed = tx.rows(SLICE, &params).await?;
    let mut found = Found::default();
    let asked_for = listed.iter().take(rows).map(|row| asked_for(row, query));
    let asked_for =
        asked_for.map(|row| unless_damaged(row.map(Ok), Err(()))).collect::<Result<Vec<_>, _>>()?;
    let webhooks =
        webhooks_of(tx, head, asked_for.iter().filter_map(|row| row.as_ref().ok()?.as_ref())).await?;
    for row in asked_for {
        match row {
            Ok(Some(row)) => match webhooks.get(&row.0.webhook) {
                Some(webhook) if may_reopen(head, &row, webhook, asked_at) => {
                    found.rows.push((row.0, webhook.clone()));
                }
                _ => found.skipped += 1,
            },
            Ok(None) => {}
            Err(()) => found.skipped += 1,
        }
    }
    if listed.len() > rows {
        found.next = listed.get(rows - 1).map(|row| row.get(1));
    }
    Ok(found)
}

/// A row, if it is asked for.
fn asked_for(row: &Row, query: &DeliveryQuery) -> Result<Option<(DeliveryRow, OfDelivery)>, Fault> {
    let read = DeliveryRow::read(row, 0)?;
    let of = OfDelivery::read(row, DELIVERY_COLUMNS, &read)?;
    let is_of_event = query.event.is_none_or(|event| event.is_test() == read.marks.is_test());
    let status = read.status_under(of.generation);
    let is_asked_for = is_of_event
        && query.filter.passes(&read.event_type)
        && query.status.is_none_or(|wanted| wanted == status);
    Ok(is_asked_for.then_some((read, of)))
}

async fn webhooks_of<'r>(
    tx: &Tx,
    head: &Head,
    rows: impl Iterator<Item = &'r (DeliveryRow, OfDelivery)>,
) -> Result<HashMap<WebhookId, WebhookRow>, Fault> {
    let mut ids: Vec<_> = rows.map(|(row, _)| uuid(row.webhook)).collect();
    ids.sort_unstable();
    ids.dedup();
    let webhooks = tx.webhooks_with_ids(head.number, &ids).await?;
    Ok(webhooks.into_iter().map(|row| (row.webhook.id, row)).collect())
}
