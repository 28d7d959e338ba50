//! Columns whose values the types of the house have another form of.

use cstar_types::{KeyId, TeamId, Timestamp, WebhookId};
use tokio_postgres::Row;
use uuid::Uuid;

/// Text that somebody wrote; `None` if it is none.
pub(super) fn written(row: &Row, column: &str) -> Option<String> {
    String::from_utf8(row.get(column)).ok()
}

pub(super) fn at(row: &Row, column: &str) -> Timestamp {
    Timestamp::from_millis(row.get(column))
}

pub(super) fn maybe_at(row: &Row, column: &str) -> Option<Timestamp> {
    row.get::<_, Option<i64>>(column).map(Timestamp::from_millis)
}

pub(super) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millis)
}

pub(super) fn team_id(row: &Row, column: &str) -> TeamId {
    TeamId::from_uuid(row.get(column))
}

pub(super) fn webhook_id(row: &Row, column: &str) -> WebhookId {
    WebhookId::from_bits(row.get::<_, Uuid>(column).as_u128())
}

pub(super) fn key_id(row: &Row, column: &str) -> KeyId {
    KeyId::from_bits(row.get::<_, Uuid>(column).as_u128())
}

/// The last of all, where a list begins at none.
pub(super) const LAST_ID: Uuid = Uuid::max();
