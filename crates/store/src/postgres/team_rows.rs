//! The rows of teams, as they are shown. What counts their logs is read by `head`.

use cstar_types::{Team, TeamId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::columns::{at, team_id, written};
use super::fault::Fault;
use super::tx::Tx;
use crate::StoreError;

const SELECT: &str = "SELECT number, id, name, version, created_ms FROM teams";

fn read(row: &Row) -> Result<Team, Fault> {
    Ok(Team {
        id: team_id(row, "id"),
        name: written(row, "name").ok_or_else(|| Fault::damaged("teams", row.get::<_, i64>("number")))?,
        version: row.get::<_, i64>("version") as u64,
        created_at: at(row, "created_ms"),
    })
}

impl Tx {
    /// A team that was not deleted, if it is not the operator.
    pub(super) async fn team(&self, team: TeamId) -> Result<Team, Fault> {
        let sql = format!("{SELECT} WHERE id = $1 AND state = 0 AND number > 0");
        let row = self.row(&sql, &[(team.as_uuid(), Type::UUID)]).await?;
        read(&row.ok_or(StoreError::NotFound)?)
    }

    /// The number of a team in any state.
    pub(super) async fn team_number(&self, team: TeamId) -> Result<Option<i64>, Fault> {
        let row = self.row("SELECT number FROM teams WHERE id = $1", &[(team.as_uuid(), Type::UUID)]).await?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Teams with a smaller number, newest first. The operator is none of them.
    pub(super) async fn teams_before(&self, number: i64, limit: usize) -> Result<Vec<Team>, Fault> {
        let sql =
            format!("{SELECT} WHERE number < $1 AND number > 0 AND state = 0 ORDER BY number DESC LIMIT $2");
        let bounds = [(&number as _, Type::INT8), (&(limit as i64) as _, Type::INT8)];
        self.rows(&sql, &bounds).await?.iter().map(read).collect()
    }
}
