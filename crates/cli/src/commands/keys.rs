//! `cstar keys`.

use cstar_types::{Scope, Timestamp};
use cstar_wire::{CreateKey, Key};

use super::rows;
use crate::args::{Global, Keys};
use crate::ask;
use crate::context::Context;
use crate::exit::CliError;
use crate::output::{Output, harmless};

pub(crate) async fn run(global: &Global, command: Keys, output: Output) -> Result<(), CliError> {
    let team = Context::find(global)?.team_client()?;
    let keys = team.keys();
    match command {
        Keys::List(rows) => {
            let found = rows::collect(keys.list(), &rows, output).await?;
            output.list(&["ID", "NAME", "SCOPES", "TYPES", "LAST USED", "STATE"], &found, row)
        }
        Keys::Create { name, scopes, types, expires_at } => {
            let created = keys.create(&CreateKey { name, scopes, types, expires_at }).await?;
            output.note("The key is shown this once: keep it where your application finds it.");
            output.thing(&created)
        }
        Keys::Revoke { id } => {
            let what = format!("{id} will be revoked for good, and its streams end");
            ask::confirm(what, global.yes).await?;
            keys.revoke(id).await?;
            output.note(&format!("revoked {id}"));
            Ok(())
        }
    }
}

fn row(key: &Key) -> Vec<String> {
    let used = key.last_used_at.map_or_else(|| "never".to_owned(), Timestamp::to_seconds_string);
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {}", at.to_seconds_string()),
        (None, Some(at)) => format!("until {}", at.to_seconds_string()),
        (None, None) => "valid".to_owned(),
    };
    vec![key.id.to_string(), harmless(&key.name), scopes(&key.scopes), key.types.to_string(), used, state]
}

fn scopes(scopes: &[Scope]) -> String {
    if Scope::ALL.iter().all(|scope| scopes.contains(scope)) {
        return "all".to_owned();
    }
    scopes.iter().copied().map(Scope::as_str).collect::<Vec<_>>().join(",")
}
