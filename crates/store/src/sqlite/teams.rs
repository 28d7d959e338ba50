//! Making, renaming and deleting teams.

use cstar_types::{AuditAction, Team, TeamId};

use super::fault::Fault;
use super::team_rows::{TeamRow, TeamState};
use super::tx::Tx;
use crate::directory::is_expected;
use crate::stored::place::TEAM_NUMBER_MAX;
use crate::{Change, StoreError};

/// Makes a team. The id of a deleted one stays taken: its positions were given (LOG-2).
pub(super) fn create(tx: &mut Tx<'_>, team: &Team) -> Result<Team, Fault> {
    let look = tx.look();
    if look.any_team(team.id)?.is_some() {
        return Err(StoreError::Conflict("the team's id is taken").into());
    }
    let last =
        look.conn.query_row("SELECT max(number) FROM teams", (), |row| row.get::<_, Option<i64>>(0))?;
    let number = last.unwrap_or_default() + 1;
    if number > TEAM_NUMBER_MAX {
        return Err(StoreError::TooMany { limit: TEAM_NUMBER_MAX as usize }.into());
    }
    let row = TeamRow::new(number, team.clone());
    row.save(look)?;
    tx.record(AuditAction::TeamCreated, Some(team.id), team.id)?;
    Ok(row.team)
}

/// Renames a team.
pub(super) fn rename(
    tx: &mut Tx<'_>,
    team: TeamId,
    name: &str,
    expected: Option<u64>,
) -> Result<Team, Fault> {
    let look = tx.look();
    let mut row = look.someones_team(team)?;
    is_expected(row.team.version, expected)?;
    name.clone_into(&mut row.team.name);
    row.team.version += 1;
    row.save(look)?;
    tx.record(AuditAction::TeamUpdated, Some(team), team)?;
    Ok(row.team)
}

/// Deletes a team: from now on nothing of it is found. Its rows are removed in slices (see `retention`).
pub(super) fn delete(tx: &mut Tx<'_>, team: TeamId, expected: Option<u64>) -> Result<(), Fault> {
    let look = tx.look();
    let mut row = look.someones_team(team)?;
    is_expected(row.team.version, expected)?;
    row.state = TeamState::Erasing;
    row.save(look)?;
    tx.record(AuditAction::TeamDeleted, Some(team), team)?;
    tx.memory.forget_all_of(team);
    tx.effects.teams.push(team);
    tx.effects.told.push(Change::TeamDeleted(team));
    Ok(())
}
