//! `cstar teams`, with the platform key.

use cstar_wire::{CreateTeam, Team};

use super::rows;
use crate::args::{Global, Teams};
use crate::ask;
use crate::context::Context;
use crate::exit::CliError;
use crate::output::{Output, harmless};

pub(crate) async fn run(global: &Global, command: Teams, output: Output) -> Result<(), CliError> {
    let client = Context::find(global)?.client()?;
    let teams = client.teams();
    match command {
        Teams::List(rows) => {
            let found = rows::collect(teams.list(), &rows, output).await?;
            output.list(&["ID", "NAME", "CREATED"], &found, row)
        }
        Teams::Get { team } => output.thing(&teams.get(team).await?),
        Teams::Create { name, id } => output.thing(&teams.create(&CreateTeam { name, id }).await?),
        Teams::Delete { team } => {
            ask::confirm(
                &format!("Delete team {team} and everything of it? This cannot be undone."),
                global.yes,
            )?;
            teams.delete(team).await?;
            output.note(&format!("deleted {team}"));
            Ok(())
        }
    }
}

fn row(team: &Team) -> Vec<String> {
    vec![team.id.to_string(), harmless(&team.name), team.created_at.to_seconds_string()]
}
