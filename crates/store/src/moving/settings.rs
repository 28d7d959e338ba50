//! The tables of what teams have set, and of what was done to it.

use super::rows::Kind::{Bigint, Boolean, Bytea, Smallint, Text, Uuid};
use super::tables::{Reading, Table};

pub(super) static TABLES: &[Table] = &[
    Table {
        name: "teams",
        columns: &[
            ("number", Bigint),
            ("id", Uuid),
            ("state", Smallint),
            ("name", Bytea),
            ("version", Bigint),
            ("created_ms", Bigint),
            ("webhooks", Bigint),
            ("removed_events", Bigint),
        ],
        order: "number",
        reading: Reading::Query(
            "SELECT number, id, state, name, version, created_ms, 0, removed_events FROM teams ORDER BY number",
        ),
        counted: Some("teams"),
    },
    Table {
        name: "heads",
        columns: &[
            ("team", Bigint),
            ("version", Bigint),
            ("seq", Bigint),
            ("delivery", Bigint),
            ("last_ms", Bigint),
        ],
        order: "team",
        reading: Reading::Query(
            "SELECT number, 0,
                 max(removed_events, coalesce((SELECT place & 1099511627775 FROM events
                     WHERE place BETWEEN number << 40 AND (number << 40) + 1099511627775 ORDER BY place DESC LIMIT 1), 0)),
                 max(removed_deliveries, coalesce((SELECT place & 1099511627775 FROM deliveries
                     WHERE place BETWEEN number << 40 AND (number << 40) + 1099511627775 ORDER BY place DESC LIMIT 1), 0)),
                 max(removed_ms, coalesce((SELECT committed_ms FROM events
                     WHERE place BETWEEN number << 40 AND (number << 40) + 1099511627775 ORDER BY place DESC LIMIT 1), 0))
             FROM teams ORDER BY number",
        ),
        counted: Some("teams"),
    },
    Table {
        name: "keys",
        columns: &[
            ("team", Bigint),
            ("id", Uuid),
            ("digest", Bytea),
            ("name", Bytea),
            ("scopes", Text),
            ("types", Text),
            ("maker", Uuid),
            ("created_ms", Bigint),
            ("expires_ms", Bigint),
            ("revoked_ms", Bigint),
            ("last_used_ms", Bigint),
        ],
        order: "team, id",
        reading: Reading::Query(
            "SELECT team, id, digest, name, scopes, types, maker, created_ms, expires_ms, revoked_ms, last_used_ms
             FROM keys ORDER BY team, id",
        ),
        counted: Some("keys"),
    },
    Table {
        name: "portal_links",
        columns: &[
            ("team", Bigint),
            ("digest", Bytea),
            ("scopes", Text),
            ("created_ms", Bigint),
            ("expires_ms", Bigint),
        ],
        order: "team, digest",
        reading: Reading::Query(
            "SELECT team, digest, scopes, created_ms, expires_ms FROM portal_links ORDER BY team, digest",
        ),
        counted: Some("portal_links"),
    },
    Table {
        name: "event_types",
        columns: &[
            ("name", Text),
            ("description", Text),
            ("fires_on", Text),
            ("schema", Text),
            ("example", Text),
            ("version", Bigint),
            ("created_ms", Bigint),
            ("updated_ms", Bigint),
        ],
        order: "name COLLATE \"C\"",
        reading: Reading::Query(
            "SELECT name, description, fires_on, schema, example, version, created_ms, updated_ms FROM event_types
             ORDER BY name",
        ),
        counted: Some("event_types"),
    },
    Table {
        name: "webhooks",
        columns: &[
            ("team", Bigint),
            ("id", Uuid),
            ("state", Smallint),
            ("generation", Bigint),
            ("cancelling", Boolean),
            ("url", Text),
            ("events", Text),
            ("filter", Text),
            ("description", Bytea),
            ("retry_schedule", Text),
            ("headers", Bytea),
            ("disable_on_gone", Boolean),
            ("ordered", Boolean),
            ("rate_limit", Bigint),
            ("version", Bigint),
            ("created_ms", Bigint),
            ("updated_ms", Bigint),
            ("secret", Bytea),
            ("previous_secret", Bytea),
            ("previous_until_ms", Bigint),
        ],
        order: "team, id",
        reading: Reading::Query(
            "SELECT team, id, state, generation, cancelling, url, events, filter, description, retry_schedule, headers,
                 disable_on_gone, ordered, rate_limit, version, created_ms, updated_ms, secret, previous_secret,
                 previous_until_ms
             FROM webhooks ORDER BY team, id",
        ),
        counted: Some("webhooks"),
    },
    Table {
        name: "cancellations",
        columns: &[("team", Bigint), ("webhook", Uuid), ("generation", Bigint), ("reason", Smallint)],
        order: "team, webhook, generation",
        reading: Reading::Query(
            "SELECT w.team, w.id, c.generation, c.reason FROM cancellations c JOIN webhooks w ON w.number = c.webhook
             ORDER BY w.team, w.id, c.generation",
        ),
        counted: Some("cancellations"),
    },
    Table {
        name: "failures",
        columns: &[("team", Bigint), ("webhook", Uuid), ("since_ms", Bigint), ("attempts", Bigint)],
        order: "team, webhook",
        reading: Reading::Query(
            "SELECT w.team, w.id, f.since_ms, f.attempts FROM failures f JOIN webhooks w ON w.number = f.webhook
             ORDER BY w.team, w.id",
        ),
        counted: Some("failures"),
    },
    Table {
        name: "audit",
        columns: &[
            ("id", Uuid),
            ("at_ms", Bigint),
            ("action", Text),
            ("actor", Uuid),
            ("team", Uuid),
            ("resource", Text),
            ("address", Text),
            ("request_id", Text),
        ],
        order: "id",
        reading: Reading::Query(
            "SELECT id, at_ms, action, actor, team, resource, address, request_id FROM audit ORDER BY id",
        ),
        counted: Some("audit"),
    },
    Table {
        name: "operations",
        columns: &[
            ("team", Bigint),
            ("id", Uuid),
            ("state", Smallint),
            ("failure", Smallint),
            ("work", Smallint),
            ("webhook", Uuid),
            ("event", Text),
            ("status", Smallint),
            ("types", Text),
            ("since_ms", Bigint),
            ("until_ms", Bigint),
            ("visible", Text),
            ("cursor", Bigint),
            ("last", Bigint),
            ("done", Bigint),
            ("skipped", Bigint),
            ("created_ms", Bigint),
            ("updated_ms", Bigint),
            ("ended_ms", Bigint),
        ],
        order: "team, id",
        reading: Reading::Query(
            "SELECT team, id, state, failure, work, webhook, event, status, types, since_ms, until_ms, visible,
                 cursor & 1099511627775, last & 1099511627775, done, skipped, created_ms, updated_ms, ended_ms
             FROM operations ORDER BY team, id",
        ),
        counted: Some("operations"),
    },
];
