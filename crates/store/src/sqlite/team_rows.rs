//! The rows of teams.

use cstar_types::{Team, TeamId, Timestamp};
use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::fault::Fault;
use super::look::Look;
use crate::StoreError;
use crate::stored::checksum::Checksum;

/// Where a team is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TeamState {
    Alive,
    /// Deleted: nothing of it is found any more, and its rows are being removed.
    Erasing,
    /// Nothing is left but this row.
    Erased,
}

/// A row of `teams`.
#[derive(Debug, Clone)]
pub(super) struct TeamRow {
    pub(super) number: i64,
    pub(super) team: Team,
    pub(super) state: TeamState,
    /// The count of the newest event that was removed; those before it are gone too.
    pub(super) removed_events: u64,
    /// The highest count of a delivery that was removed; counts are never given twice.
    pub(super) removed_deliveries: u64,
    /// When the newest removed event was committed: the times of the next ones do not fall below it.
    pub(super) removed_ms: i64,
}

const COLUMNS: &str =
    "number, id, state, name, version, created_ms, removed_events, removed_deliveries, removed_ms, checksum";

impl TeamRow {
    /// A team that was just made.
    pub(super) const fn new(number: i64, team: Team) -> Self {
        Self {
            number,
            team,
            state: TeamState::Alive,
            removed_events: 0,
            removed_deliveries: 0,
            removed_ms: 0,
        }
    }

    fn checksum(&self) -> i64 {
        Checksum::new()
            .int(self.number)
            .bits(self.team.id.as_uuid().as_u128())
            .int(self.state as i64)
            .text(&self.team.name)
            .int(self.team.version as i64)
            .int(self.team.created_at.as_millis())
            .int(self.removed_events as i64)
            .int(self.removed_deliveries as i64)
            .int(self.removed_ms)
            .finish()
    }

    pub(super) fn read(row: &Row<'_>) -> Result<Self, Fault> {
        let number = row.get(0)?;
        let damaged = || Fault::damaged("teams", number);
        let state = match row.get(2)? {
            0 => TeamState::Alive,
            1 => TeamState::Erasing,
            2 => TeamState::Erased,
            _ => return Err(damaged()),
        };
        let read = Self {
            number,
            team: Team {
                id: TeamId::from_uuid(Uuid::from_bytes(row.get(1)?)),
                name: row.get(3)?,
                version: row.get::<_, i64>(4)? as u64,
                created_at: Timestamp::from_millis(row.get(5)?),
            },
            state,
            removed_events: row.get::<_, i64>(6)? as u64,
            removed_deliveries: row.get::<_, i64>(7)? as u64,
            removed_ms: row.get(8)?,
        };
        if read.checksum() == row.get::<_, i64>(9)? { Ok(read) } else { Err(damaged()) }
    }

    /// Writes the row, new or changed.
    pub(super) fn save(&self, look: Look<'_>) -> Result<(), Fault> {
        let mut save = look.conn.prepare_cached(
            "INSERT INTO teams (number, id, state, name, version, created_ms, removed_events, removed_deliveries,
                 removed_ms, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (number) DO UPDATE SET state = ?3, name = ?4, version = ?5, removed_events = ?7,
                 removed_deliveries = ?8, removed_ms = ?9, checksum = ?10",
        )?;
        save.execute(params![
            self.number,
            self.team.id.as_uuid().as_bytes(),
            self.state as i64,
            self.team.name,
            self.team.version as i64,
            self.team.created_at.as_millis(),
            self.removed_events as i64,
            self.removed_deliveries as i64,
            self.removed_ms,
            self.checksum(),
        ])?;
        Ok(())
    }
}

impl Look<'_> {
    /// A team in any state.
    pub(super) fn any_team(&self, team: TeamId) -> Result<Option<TeamRow>, Fault> {
        let mut found = self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM teams WHERE id = ?1"))?;
        found.query_row([team.as_uuid().as_bytes()], |row| Ok(TeamRow::read(row))).optional()?.transpose()
    }

    /// A team that was not deleted.
    pub(super) fn team(&self, team: TeamId) -> Result<TeamRow, Fault> {
        let found = self.any_team(team)?.filter(|row| row.state == TeamState::Alive);
        found.ok_or(Fault::Refused(StoreError::NotFound))
    }

    /// The same, if it is not the operator.
    pub(super) fn someones_team(&self, team: TeamId) -> Result<TeamRow, Fault> {
        if team == TeamId::OPERATOR { Err(Fault::Refused(StoreError::NotFound)) } else { self.team(team) }
    }

    /// The team with this number, in any state.
    pub(super) fn team_numbered(&self, number: i64) -> Result<TeamRow, Fault> {
        let mut found =
            self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM teams WHERE number = ?1"))?;
        let row = found.query_row([number], |row| Ok(TeamRow::read(row))).optional()?;
        row.ok_or_else(|| Fault::Damaged(format!("teams row {number} is missing")))?
    }

    /// Teams with a smaller number, newest first. The operator is none of them.
    pub(super) fn teams_before(&self, number: i64, limit: usize) -> Result<Vec<TeamRow>, Fault> {
        let sql = format!(
            "SELECT {COLUMNS} FROM teams WHERE number < ?1 AND number > 0 AND state = 0 ORDER BY number DESC LIMIT ?2"
        );
        let mut list = self.conn.prepare_cached(&sql)?;
        list.query_and_then(params![number, limit as i64], TeamRow::read)?.collect()
    }
}
