//! The rows of operations.

use cstar_types::{Operation, OperationId, Pattern, Patterns, TeamId, Timestamp};
use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::fault::Fault;
use super::look::Look;
use crate::StoreError;
use crate::stored::checksum::Checksum;
use crate::stored::place::Place;
use crate::stored::text::read_list;
use crate::stored::work::{FAILURES, STATES, WorkColumns};

/// A row of `operations`.
#[derive(Debug, Clone)]
pub(super) struct OperationRow {
    pub(super) team_number: i64,
    pub(super) operation: Operation,
    /// Up to here it is done.
    pub(super) cursor: Place,
    /// It ends with this one.
    pub(super) last: Place,
}

/// Of operations whose team was not deleted.
macro_rules! select_operations {
    ($rest:literal) => {
        concat!(
            "SELECT o.id, o.team, o.state, o.failure, o.work, o.webhook, o.event, o.status, o.types, o.since_ms, \
             o.until_ms, o.visible, o.cursor, o.last, o.done, o.skipped, o.created_ms, o.updated_ms, o.ended_ms, \
             o.checksum, t.id FROM operations o JOIN teams t ON t.number = o.team AND t.state = 0 ",
            $rest
        )
    };
}

/// The one that has waited the longest for its turn first.
pub(super) const RUNNING: &str = select_operations!("WHERE o.state = 0 ORDER BY o.updated_ms, o.id");
pub(super) const RUNNING_OF_TEAM: &str =
    "SELECT count(*) FROM operations INDEXED BY operations_of_team WHERE team = ?1 AND state = 0";

fn read_work(row: &Row<'_>) -> rusqlite::Result<WorkColumns> {
    Ok(WorkColumns {
        work: row.get(4)?,
        webhook: row.get(5)?,
        event: row.get(6)?,
        status: row.get(7)?,
        types: row.get(8)?,
        since_ms: row.get(9)?,
        until_ms: row.get(10)?,
        visible: row.get(11)?,
    })
}

impl OperationRow {
    fn checksum(&self, columns: &WorkColumns) -> i64 {
        let Operation { id, status, failure, done, skipped, created_at, updated_at, ended_at, .. } =
            &self.operation;
        Checksum::new()
            .bits(id.bits())
            .int(self.team_number)
            .int(*status as i64)
            .maybe(failure.map(|failure| failure as i64))
            .int(columns.work)
            .maybe_bytes(columns.webhook.as_ref().map(<[u8; 16]>::as_slice))
            .maybe_bytes(columns.event.as_deref().map(str::as_bytes))
            .maybe(columns.status)
            .maybe_bytes(columns.types.as_deref().map(str::as_bytes))
            .maybe(columns.since_ms)
            .maybe(columns.until_ms)
            .text(&columns.visible)
            .int(self.cursor.bits())
            .int(self.last.bits())
            .int(*done as i64)
            .int(*skipped as i64)
            .int(created_at.as_millis())
            .int(updated_at.as_millis())
            .maybe(ended_at.map(Timestamp::as_millis))
            .finish()
    }

    /// Reads a row of [`select_operations`].
    fn read(row: &Row<'_>) -> Result<Self, Fault> {
        let id = OperationId::from_bits(u128::from_be_bytes(row.get(0)?));
        let damaged = || Fault::damaged("operations", id);
        let columns = read_work(row)?;
        let status = STATES.get(row.get::<_, u32>(2)? as usize).ok_or_else(damaged)?;
        let failure = match row.get::<_, Option<u32>>(3)? {
            Some(failure) => Some(*FAILURES.get(failure as usize).ok_or_else(damaged)?),
            None => None,
        };
        let read = Self {
            team_number: row.get(1)?,
            operation: Operation {
                id,
                team: TeamId::from_uuid(Uuid::from_bytes(row.get(20)?)),
                work: columns.work().ok_or_else(damaged)?,
                visible: read_list::<Pattern, Patterns>(&columns.visible).ok_or_else(damaged)?,
                status: *status,
                failure,
                done: row.get::<_, i64>(14)? as u64,
                skipped: row.get::<_, i64>(15)? as u64,
                created_at: Timestamp::from_millis(row.get(16)?),
                updated_at: Timestamp::from_millis(row.get(17)?),
                ended_at: row.get::<_, Option<i64>>(18)?.map(Timestamp::from_millis),
            },
            cursor: row.get(12)?,
            last: row.get(13)?,
        };
        if read.checksum(&columns) == row.get::<_, i64>(19)? { Ok(read) } else { Err(damaged()) }
    }

    /// Writes the row, new or changed.
    pub(super) fn save(&self, look: Look<'_>) -> Result<(), Fault> {
        let columns = WorkColumns::of(&self.operation);
        let mut save = look.conn.prepare_cached(
            "INSERT INTO operations (id, team, state, failure, work, webhook, event, status, types, since_ms, until_ms,
                 visible, cursor, last, done, skipped, created_ms, updated_ms, ended_ms, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
             ON CONFLICT (id) DO UPDATE SET state = ?3, failure = ?4, cursor = ?13, done = ?15, skipped = ?16,
                 updated_ms = ?18, ended_ms = ?19, checksum = ?20",
        )?;
        save.execute(params![
            self.operation.id.bits().to_be_bytes(),
            self.team_number,
            self.operation.status as i64,
            self.operation.failure.map(|failure| failure as i64),
            columns.work,
            columns.webhook,
            columns.event,
            columns.status,
            columns.types,
            columns.since_ms,
            columns.until_ms,
            columns.visible,
            self.cursor,
            self.last,
            self.operation.done as i64,
            self.operation.skipped as i64,
            self.operation.created_at.as_millis(),
            self.operation.updated_at.as_millis(),
            self.operation.ended_at.map(Timestamp::as_millis),
            self.checksum(&columns),
        ])?;
        Ok(())
    }
}

impl Look<'_> {
    /// An operation of this team (T24).
    pub(super) fn operation(&self, team: i64, id: OperationId) -> Result<OperationRow, Fault> {
        let mut found = self.conn.prepare_cached(select_operations!("WHERE o.id = ?1"))?;
        let row = found.query_row([id.bits().to_be_bytes()], |row| Ok(OperationRow::read(row)));
        let row = row.optional()?.transpose()?.filter(|row| row.team_number == team);
        row.ok_or(Fault::Refused(StoreError::NotFound))
    }

    /// Whether the id was given, to whomever.
    pub(super) fn has_operation(&self, id: OperationId) -> Result<bool, Fault> {
        let mut any = self.conn.prepare_cached("SELECT 1 FROM operations WHERE id = ?1")?;
        Ok(any.exists([id.bits().to_be_bytes()])?)
    }

    /// Operations of a team with a smaller id, newest first.
    pub(super) fn operations_before(
        &self,
        team: i64,
        from: Option<OperationId>,
        limit: usize,
    ) -> Result<Vec<OperationRow>, Fault> {
        let from = from.map_or(u128::MAX, |id| id.bits()).to_be_bytes();
        let mut list = self.conn.prepare_cached(select_operations!(
            "WHERE o.team = ?1 AND o.id < ?2 ORDER BY o.id DESC LIMIT ?3"
        ))?;
        list.query_and_then(params![team, from, limit as i64], OperationRow::read)?.collect()
    }

    /// How many operations of a team are under way.
    pub(super) fn operations_running(&self, team: i64) -> Result<usize, Fault> {
        let mut count = self.conn.prepare_cached(RUNNING_OF_TEAM)?;
        Ok(count.query_row([team], |row| row.get::<_, u32>(0))? as usize)
    }

    /// The operation whose turn it is. One that is damaged is said and left out: it must not hold up the others (LOG-3).
    pub(super) fn next_operation(&self) -> Result<Option<OperationRow>, Fault> {
        let mut running = self.conn.prepare_cached(RUNNING)?;
        for row in running.query_and_then((), OperationRow::read)? {
            match row {
                Ok(row) => return Ok(Some(row)),
                Err(Fault::Damaged(what)) => tracing::error!(%what, "an operation does not go on"),
                Err(fault) => return Err(fault),
            }
        }
        Ok(None)
    }
}
