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
        Teams::Get { id } => output.thing(&teams.get(id).await?),
        Teams::Create { name, id } => output.thing(&teams.create(&CreateTeam { name, id }).await?),
        Teams::Delete { id } => {
            let what = format!("team {id} and everything of it will be deleted for good");
            ask::confirm(what, global.yes).await?;
            teams.delete(id).await?;
            output.note(&format!("deleted {id}"));
            Ok(())
        }
    }
}

fn row(team: &Team) -> Vec<String> {
    vec![team.id.to_string(), harmless(&team.name), team.created_at.to_seconds_string()]
}
