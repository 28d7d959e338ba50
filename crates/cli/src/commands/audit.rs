//! `cstar audit`.

use cstar_client::AuditQuery;
use cstar_wire::AuditEntry;

use super::rows;
use crate::args::{Audit, Global};
use crate::context::Context;
use crate::exit::CliError;
use crate::output::{Output, harmless};

pub(crate) async fn run(global: &Global, command: Audit, output: Output) -> Result<(), CliError> {
    let Audit::List { rows, period, action, actor, all_teams } = command;
    let context = Context::find(global)?;
    let query = AuditQuery { action, actor, since: period.since, until: period.until };
    let pages = if all_teams {
        context.client()?.audit().list(&query)
    } else {
        context.team_client()?.audit().list(&query)
    };
    let found = rows::collect(pages, &rows, output).await?;
    output.list(&["AT", "ACTION", "BY", "FROM", "WHAT"], &found, row)
}

fn row(entry: &AuditEntry) -> Vec<String> {
    let by = entry.actor.id.map_or_else(|| "platform".to_owned(), |key| key.to_string());
    let from = entry.address.map_or_else(String::new, |address| address.to_string());
    vec![entry.at.to_seconds_string(), entry.action.to_string(), by, from, harmless(&entry.resource)]
}
