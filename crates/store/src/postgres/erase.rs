//! Erasing what an event said.
//!
//! The event's row and place stay, so the log has no hole (LOG-2); its body is empty, its marks say why, and its checksum is that of
//! the row as it is now (LOG-3). What the row was before goes with the database's next vacuum of the partition, and from its
//! write-ahead log as that is recycled.

use cstar_types::{AuditAction, DeliveryStatus, EventId, TeamId, WebhookId};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::delivery_rows::{DELIVERY_COLUMNS, DeliveryRow, GENERATION_OF_ERASED, delivery_columns};
use super::event_rows::EventRow;
use super::fault::Fault;
use super::tx::Tx;
use crate::{Change, StoreError};

/// Erases an event's data, and what was answered to it.
pub(super) async fn erase(tx: &mut Tx, team: TeamId, id: EventId) -> Result<(), Fault> {
    let head = tx.lock(team).await?;
    let event = tx.event_with_id(team, head.number, id).await?.ok_or(StoreError::NotFound)?;
    if event.marks.is_erased() {
        return Ok(());
    }
    let seq = event.seq as u64;
    erase_event(tx, event).await?;
    let webhooks = erase_deliveries(tx, head.number, id).await?;
    tx.effects.told.push(Change::Erased { team, seq, webhooks });
    tx.record(AuditAction::EventErased, Some(team), id).await
}

async fn erase_event(tx: &Tx, mut event: EventRow) -> Result<(), Fault> {
    event.marks = event.marks.erased();
    event.event.body = bytes::Bytes::new();
    let sql =
        "UPDATE events SET marks = $4, checksum = $5, body = '' WHERE team = $1 AND seq = $2 AND day = $3";
    let params = [
        (&event.team as _, Type::INT8),
        (&event.seq as _, Type::INT8),
        (&event.day as _, Type::INT4),
        (&(event.marks.0 as i16) as _, Type::INT2),
        (&event.checksum(crc32fast::hash(&[])) as _, Type::INT8),
    ];
    tx.run(sql, &params).await.map(drop)
}

/// Cancels what waits of an event, and erases what endpoints answered; answers to whom it waited.
async fn erase_deliveries(tx: &Tx, team: i64, id: EventId) -> Result<Vec<WebhookId>, Fault> {
    const OF_EVENT: &str = concat!(
        "SELECT ",
        delivery_columns!(),
        ", w.generation FROM deliveries d JOIN webhooks w ON w.team = d.team AND w.id = d.webhook
         WHERE d.team = $1 AND d.event_id = $2 ORDER BY d.number FOR UPDATE OF d"
    );
    let event = Uuid::from_u128(id.bits());
    let of_event = [(&team as _, Type::INT8), (&event as _, Type::UUID)];
    let mut waited = Vec::new();
    for row in tx.rows(OF_EVENT, &of_event).await? {
        let delivery = DeliveryRow::read(&row, 0)?;
        if delivery.status_under(row.get(DELIVERY_COLUMNS)).has_ended() {
            continue;
        }
        waited.push(delivery.webhook);
    }
    for sql in [
        "UPDATE attempts a SET response_headers = '', response_body = ''
         FROM deliveries d WHERE d.team = $1 AND d.event_id = $2
             AND a.team = d.team AND a.delivery = d.number AND a.day = d.day",
        "DELETE FROM due USING deliveries d WHERE d.team = $1 AND d.event_id = $2
             AND due.team = d.team AND due.number = d.number",
    ] {
        tx.run(sql, &of_event).await?;
    }
    // What waits is cancelled, unless that was so before: then it keeps its reason.
    let cancel = format!(
        "UPDATE deliveries d SET marks = d.marks | 4,
             status = CASE WHEN {WAITS} THEN {cancelled} ELSE d.status END,
             generation = CASE WHEN {WAITS} THEN {GENERATION_OF_ERASED} ELSE d.generation END,
             due_ms = CASE WHEN {WAITS} THEN NULL ELSE d.due_ms END
         FROM webhooks w WHERE d.team = $1 AND d.event_id = $2 AND w.team = d.team AND w.id = d.webhook",
        cancelled = DeliveryStatus::Cancelled as i16
    );
    tx.run(&cancel, &of_event).await?;
    Ok(waited)
}

/// Whether a delivery waits, for its webhook as that stands.
const WAITS: &str = "(d.due_ms IS NOT NULL AND d.generation >= w.generation)";
