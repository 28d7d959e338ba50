//! `cstar event-types`.

use cstar_wire::EventTypeEntry;

use super::rows;
use crate::args::{EventTypes, Global};
use crate::context::Context;
use crate::exit::CliError;
use crate::output::{Output, harmless};

pub(crate) async fn run(global: &Global, command: EventTypes, output: Output) -> Result<(), CliError> {
    let client = Context::find(global)?.client()?;
    match command {
        EventTypes::List(rows) => {
            let found = rows::collect(client.event_types().list(), &rows, output).await?;
            output.list(&["TYPE", "FIRES"], &found, row)
        }
        EventTypes::Get { event_type } => output.thing(&client.event_types().get(&event_type).await?),
    }
}

fn row(entry: &EventTypeEntry) -> Vec<String> {
    vec![entry.event_type.to_string(), harmless(&entry.fires_on)]
}
