//! Making, renaming and deleting teams.

use cstar_types::{AuditAction, Team, TeamId};
use tokio_postgres::types::Type;

use super::fault::Fault;
use super::locks::Lock;
use super::tx::Tx;
use crate::directory::is_expected;
use crate::stored::place::TEAM_NUMBER_MAX;
use crate::{Change, StoreError};

/// Makes a team. The id of a deleted one stays taken: its positions were given (LOG-2).
pub(super) async fn create(tx: &mut Tx, team: &Team) -> Result<Team, Fault> {
    tx.hold(Lock::Teams).await?;
    if tx.team_number(team.id).await?.is_some() {
        return Err(StoreError::Conflict("the team's id is taken").into());
    }
    let last = tx.row("SELECT max(number) FROM teams", &[]).await?;
    let number = last.and_then(|row| row.get::<_, Option<i64>>(0)).unwrap_or_default() + 1;
    if number > TEAM_NUMBER_MAX {
        return Err(StoreError::TooMany { limit: TEAM_NUMBER_MAX as usize }.into());
    }
    tx.run(
        "WITH made AS (
             INSERT INTO teams (number, id, state, name, version, created_ms, webhooks, removed_events)
             VALUES ($1, $2, 0, $3, $4, $5, 0, 0) RETURNING number
         ) INSERT INTO heads (team, version, seq, delivery, last_ms) SELECT number, 0, 0, 0, 0 FROM made",
        &[
            (&number, Type::INT8),
            (team.id.as_uuid(), Type::UUID),
            (&team.name.as_bytes(), Type::BYTEA),
            (&(team.version as i64), Type::INT8),
            (&team.created_at.as_millis(), Type::INT8),
        ],
    )
    .await?;
    tx.record(AuditAction::TeamCreated, Some(team.id), team.id).await?;
    Ok(team.clone())
}

/// Renames a team.
pub(super) async fn rename(
    tx: &mut Tx,
    team: TeamId,
    name: &str,
    expected: Option<u64>,
) -> Result<Team, Fault> {
    let number = tx.lock(team).await?.number;
    let mut renamed = tx.team(team).await?;
    is_expected(renamed.version, expected)?;
    name.clone_into(&mut renamed.name);
    renamed.version += 1;
    tx.run(
        "UPDATE teams SET name = $2, version = $3 WHERE number = $1",
        &[(&number, Type::INT8), (&name.as_bytes(), Type::BYTEA), (&(renamed.version as i64), Type::INT8)],
    )
    .await?;
    tx.record(AuditAction::TeamUpdated, Some(team), team).await?;
    Ok(renamed)
}

/// Deletes a team: from now on nothing of it is found, and nothing of it is sent. Its rows are removed in slices (see
/// `retention`).
pub(super) async fn delete(tx: &mut Tx, team: TeamId, expected: Option<u64>) -> Result<(), Fault> {
    let number = tx.lock(team).await?.number;
    is_expected(tx.team(team).await?.version, expected)?;
    tx.run("UPDATE teams SET state = 1 WHERE number = $1", &[(&number, Type::INT8)]).await?;
    tx.record(AuditAction::TeamDeleted, Some(team), team).await?;
    tx.effects.teams.push(team);
    tx.effects.told.push(Change::TeamDeleted(team));
    Ok(())
}
