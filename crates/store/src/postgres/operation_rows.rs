//! The rows of operations.

use cstar_types::{EventId, Operation, OperationId, Pattern, Patterns};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::columns::{LAST_ID, at, maybe_at, millis, team_id};
use super::fault::Fault;
use super::tx::Tx;
use crate::StoreError;
use crate::stored::text::read_list;
use crate::stored::work::{FAILURES, STATES, WorkColumns};

/// A row of `operations`.
#[derive(Debug, Clone)]
pub(super) struct OperationRow {
    pub(super) team_number: i64,
    pub(super) operation: Operation,
    /// Up to here it is done: the number of a delivery, or the seq of an event.
    pub(super) cursor: i64,
    /// It ends with this one.
    pub(super) last: i64,
}

/// Of operations whose team was not deleted.
const SELECT: &str = "SELECT o.team, o.id, o.state, o.failure, o.work, o.webhook, o.event, o.status, o.types, o.since_ms,
    o.until_ms, o.visible, o.cursor, o.last, o.done, o.skipped, o.created_ms, o.updated_ms, o.ended_ms, t.id AS team_id
    FROM operations o JOIN teams t ON t.number = o.team AND t.state = 0";

fn read_work(row: &Row) -> WorkColumns {
    WorkColumns {
        work: row.get::<_, i16>("work").into(),
        webhook: row.get::<_, Option<Uuid>>("webhook").map(Uuid::into_bytes),
        event: row.get("event"),
        status: row.get::<_, Option<i16>>("status").map(i64::from),
        types: row.get("types"),
        since_ms: row.get("since_ms"),
        until_ms: row.get("until_ms"),
        visible: row.get("visible"),
    }
}

impl OperationRow {
    /// Reads a row of [`SELECT`].
    fn read(row: &Row) -> Result<Self, Fault> {
        let id = OperationId::from_uuid(row.get("id"));
        let damaged = || Fault::damaged("operations", id);
        let columns = read_work(row);
        let failure = match row.get::<_, Option<i16>>("failure") {
            Some(failure) => Some(*FAILURES.get(failure as usize).ok_or_else(damaged)?),
            None => None,
        };
        Ok(Self {
            team_number: row.get("team"),
            operation: Operation {
                id,
                team: team_id(row, "team_id"),
                work: columns.work().ok_or_else(damaged)?,
                visible: read_list::<Pattern, Patterns>(&columns.visible).ok_or_else(damaged)?,
                status: *STATES.get(row.get::<_, i16>("state") as usize).ok_or_else(damaged)?,
                failure,
                done: row.get::<_, i64>("done") as u64,
                skipped: row.get::<_, i64>("skipped") as u64,
                created_at: at(row, "created_ms"),
                updated_at: at(row, "updated_ms"),
                ended_at: maybe_at(row, "ended_ms"),
            },
            cursor: row.get("cursor"),
            last: row.get("last"),
        })
    }
}

impl Tx {
    /// An operation of this team (T24).
    pub(super) async fn operation(&self, team: i64, id: OperationId) -> Result<OperationRow, Fault> {
        let sql = format!("{SELECT} WHERE o.team = $1 AND o.id = $2");
        let row = self.row(&sql, &[(&team, Type::INT8), (&uuid(id), Type::UUID)]).await?;
        OperationRow::read(&row.ok_or(StoreError::NotFound)?)
    }

    /// Whether the id was given, to whomever.
    pub(super) async fn has_operation(&self, id: OperationId) -> Result<bool, Fault> {
        let sql = "SELECT 1 FROM operations WHERE id = $1";
        Ok(self.row(sql, &[(&uuid(id), Type::UUID)]).await?.is_some())
    }

    /// Operations of a team with a smaller id, newest first.
    pub(super) async fn operations_before(
        &self,
        team: i64,
        from: Option<OperationId>,
        limit: usize,
    ) -> Result<Vec<OperationRow>, Fault> {
        let sql = format!("{SELECT} WHERE o.team = $1 AND o.id < $2 ORDER BY o.id DESC LIMIT $3");
        let from = from.map_or(LAST_ID, uuid);
        let bounds = [(&team as _, Type::INT8), (&from as _, Type::UUID), (&(limit as i64) as _, Type::INT8)];
        self.rows(&sql, &bounds).await?.iter().map(OperationRow::read).collect()
    }

    /// How many operations of a team are under way.
    pub(super) async fn operations_running(&self, team: i64) -> Result<usize, Fault> {
        let sql = "SELECT count(*) FROM operations WHERE team = $1 AND state = 0";
        let row = self.row(sql, &[(&team, Type::INT8)]).await?;
        Ok(row.map_or(0, |row| row.get::<_, i64>(0) as usize))
    }

    /// The operation that has waited the longest for its turn. One that is damaged is said and left out: it must not hold up the
    /// others (LOG-3).
    pub(super) async fn next_operation(&self) -> Result<Option<OperationRow>, Fault> {
        let sql = format!("{SELECT} WHERE o.state = 0 ORDER BY o.updated_ms, o.id LIMIT 100");
        for row in self.rows(&sql, &[]).await? {
            match OperationRow::read(&row) {
                Ok(row) => return Ok(Some(row)),
                Err(fault) => tracing::error!(?fault, "an operation does not go on"),
            }
        }
        Ok(None)
    }

    /// Writes the row, new or changed.
    pub(super) async fn save_operation(&self, row: &OperationRow) -> Result<(), Fault> {
        let operation = &row.operation;
        let columns = WorkColumns::of(operation);
        let params = [
            (&row.team_number as _, Type::INT8),
            (&uuid(operation.id) as _, Type::UUID),
            (&(operation.status as i16) as _, Type::INT2),
            (&operation.failure.map(|failure| failure as i16) as _, Type::INT2),
            (&(columns.work as i16) as _, Type::INT2),
            (&columns.webhook.map(Uuid::from_bytes) as _, Type::UUID),
            (&columns.event as _, Type::TEXT),
            (&columns.status.map(|status| status as i16) as _, Type::INT2),
            (&columns.types as _, Type::TEXT),
            (&columns.since_ms as _, Type::INT8),
            (&columns.until_ms as _, Type::INT8),
            (&columns.visible as _, Type::TEXT),
            (&row.cursor as _, Type::INT8),
            (&row.last as _, Type::INT8),
            (&(operation.done as i64) as _, Type::INT8),
            (&(operation.skipped as i64) as _, Type::INT8),
            (&operation.created_at.as_millis() as _, Type::INT8),
            (&operation.updated_at.as_millis() as _, Type::INT8),
            (&millis(operation.ended_at) as _, Type::INT8),
        ];
        self.run(SAVE, &params).await.map(drop)
    }
}

const SAVE: &str = "INSERT INTO operations (team, id, state, failure, work, webhook, event, status, types, since_ms, until_ms,
         visible, cursor, last, done, skipped, created_ms, updated_ms, ended_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
     ON CONFLICT (team, id) DO UPDATE SET state = $3, failure = $4, cursor = $13, done = $15, skipped = $16,
         updated_ms = $18, ended_ms = $19";

fn uuid(id: OperationId) -> Uuid {
    Uuid::from_u128(id.bits())
}

/// The id of an event as a column has it, which leaves out whether it is a test.
pub(super) fn event_uuid(event: EventId) -> Uuid {
    Uuid::from_u128(event.bits())
}
