//! `cstar event-types`.

use cstar_wire::{EventTypeEntry, PutEventType};

use super::rows;
use crate::args::{EventTypes, Global};
use crate::context::Context;
use crate::exit::CliError;
use crate::output::{Output, harmless};
use crate::{ask, data};

pub(crate) async fn run(global: &Global, command: EventTypes, output: Output) -> Result<(), CliError> {
    let client = Context::find(global)?.client()?;
    let types = client.event_types();
    match command {
        EventTypes::List(rows) => {
            let found = rows::collect(types.list(), &rows, output).await?;
            output.list(&["TYPE", "FIRES"], &found, row)
        }
        EventTypes::Get { event_type } => output.thing(&types.get(&event_type).await?),
        EventTypes::Put { event_type, file } => {
            output.thing(&types.put(&event_type, &read(file).await?).await?)
        }
        EventTypes::Delete { event_type } => {
            ask::confirm(format!("{event_type} will be deleted, and new events of it refused"), global.yes)
                .await?;
            types.delete(&event_type).await?;
            output.note(&format!("deleted {event_type}"));
            Ok(())
        }
    }
}

/// What `get` shows is taken as well: members that are not put are passed over.
async fn read(file: String) -> Result<PutEventType, CliError> {
    let text = data::read("--file", file).await?;
    serde_json::from_str(text.get()).map_err(|error| {
        CliError::usage(format!("--file: {error}"))
            .hint("write {description, fires_on, schema, example}; `cstar event-types get ticket.created` shows one")
    })
}

fn row(entry: &EventTypeEntry) -> Vec<String> {
    vec![entry.event_type.to_string(), harmless(&entry.fires_on)]
}
