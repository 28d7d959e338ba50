//! The tables of the log and of what became of its events.
//!
//! A place becomes the team and the count within it, a number of a type or a webhook its name or id, and a time the day whose
//! partition the row lies in.

use rusqlite::Connection;

use super::rows::Kind::{Bigint, Bytea, Integer, Smallint, Text, Uuid};
use super::tables::{Reading, Table, fault};
use crate::StoreError;

pub(super) static TABLES: &[Table] = &[
    Table {
        name: "events",
        columns: &[
            ("team", Bigint),
            ("seq", Bigint),
            ("day", Integer),
            ("id", Uuid),
            ("type", Text),
            ("marks", Smallint),
            ("created_ms", Bigint),
            ("committed_ms", Bigint),
            ("checksum", Bigint),
            ("body", Bytea),
        ],
        order: "team, seq",
        reading: Reading::Events(
            "SELECT e.place >> 40, e.place & 1099511627775, e.committed_ms / 86400000, e.id, t.name, e.kind & 7,
                 e.created_ms, e.committed_ms, NULL, e.body, e.place
             FROM events e JOIN types t ON t.number = e.kind >> 3 ORDER BY e.place",
        ),
        counted: Some("events"),
    },
    Table {
        name: "idempotency",
        columns: &[
            ("team", Bigint),
            ("key", Bytea),
            ("event", Bigint),
            ("day", Integer),
            ("fingerprint", Bytea),
            ("used_ms", Bigint),
        ],
        order: "team, key",
        reading: Reading::Query(
            "SELECT i.team, i.key, i.event & 1099511627775, coalesce(e.committed_ms, i.used_ms) / 86400000, i.fingerprint,
                 i.used_ms
             FROM idempotency i LEFT JOIN events e ON e.place = i.event ORDER BY i.team, i.key",
        ),
        counted: Some("idempotency"),
    },
    Table {
        name: "deliveries",
        columns: &[
            ("team", Bigint),
            ("number", Bigint),
            ("day", Integer),
            ("tag", Bigint),
            ("webhook", Uuid),
            ("generation", Bigint),
            ("event", Bigint),
            ("event_day", Integer),
            ("event_id", Uuid),
            ("type", Text),
            ("marks", Smallint),
            ("status", Smallint),
            ("attempts", Integer),
            ("failed", Integer),
            ("created_ms", Bigint),
            ("due_ms", Bigint),
            ("last_attempt", Integer),
        ],
        order: "team, number",
        reading: Reading::Query(
            "SELECT d.place >> 40, d.place & 1099511627775, d.created_ms / 86400000, d.tag, w.id, d.generation,
                 d.event & 1099511627775, coalesce(e.committed_ms, d.created_ms) / 86400000, d.event_id, t.name, d.kind & 7,
                 d.status, d.attempts, d.failed, d.created_ms, d.due_ms,
                 CASE WHEN d.last_attempt IS NOT NULL THEN (
                     WITH RECURSIVE chain (number) AS (
                         SELECT d.last_attempt
                         UNION ALL
                         SELECT a.previous FROM chain JOIN attempts a ON a.number = chain.number WHERE a.previous IS NOT NULL
                     ) SELECT count(*) FROM chain
                 ) END
             FROM deliveries d JOIN webhooks w ON w.number = d.webhook JOIN types t ON t.number = d.kind >> 3
                 LEFT JOIN events e ON e.place = d.event
             ORDER BY d.place",
        ),
        counted: Some("deliveries"),
    },
    Table {
        name: "due",
        columns: &[
            ("team", Bigint),
            ("number", Bigint),
            ("day", Integer),
            ("webhook", Uuid),
            ("generation", Bigint),
            ("due_ms", Bigint),
            ("event", Bigint),
            ("node", Bigint),
        ],
        order: "team, number",
        // Node 0 is none: whoever comes may take them.
        reading: Reading::Query(
            "SELECT d.place >> 40, d.place & 1099511627775, d.created_ms / 86400000, w.id, d.generation, d.due_ms,
                 d.event & 1099511627775, 0
             FROM deliveries d JOIN webhooks w ON w.number = d.webhook WHERE d.due_ms IS NOT NULL ORDER BY d.place",
        ),
        counted: Some("deliveries WHERE due_ms IS NOT NULL"),
    },
    Table {
        name: "attempts",
        columns: &[
            ("team", Bigint),
            ("delivery", Bigint),
            ("place", Integer),
            ("day", Integer),
            ("count", Integer),
            ("started_ms", Bigint),
            ("duration_ms", Bigint),
            ("outcome", Smallint),
            ("status_code", Integer),
            ("detail", Bytea),
            ("response_headers", Bytea),
            ("response_body", Bytea),
            ("url", Text),
            ("address", Text),
            ("signature", Text),
        ],
        order: "team, delivery, place",
        reading: Reading::Attempts,
        counted: None, // one whose delivery was removed may wait for its own removal
    },
];

/// The days, counted since 1970, whose partitions the rows lie in.
pub(super) fn days(conn: &Connection) -> Result<Vec<i32>, StoreError> {
    let mut days = conn
        .prepare(
            "SELECT committed_ms / 86400000 FROM events UNION SELECT created_ms / 86400000 FROM deliveries",
        )
        .map_err(fault)?;
    let days = days.query_map((), |row| row.get(0)).map_err(fault)?;
    days.collect::<Result<_, _>>().map_err(fault)
}
