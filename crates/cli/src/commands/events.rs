//! `cstar events`.

use cstar_client::{EventQuery, Order, PublishOptions, RealtimeOptions, StreamEvent};
use cstar_types::{Cursor, Patterns};
use cstar_wire::{Envelope, Publish};

use super::rows;
use crate::args::{Events, Global};
use crate::ask;
use crate::context::Context;
use crate::data;
use crate::exit::CliError;
use crate::output::{Output, missed};

pub(crate) async fn run(global: &Global, command: Events, output: Output) -> Result<(), CliError> {
    let team = Context::find(global)?.team_client()?;
    match command {
        Events::List { rows, period, types, oldest_first } => {
            let order = if oldest_first { Order::Ascending } else { Order::Descending };
            let query = EventQuery { types, since: period.since, until: period.until, order };
            let events = rows::collect(team.events().list(&query), &rows, output).await?;
            output.list(&["ID", "TYPE", "CREATED"], &events, row)
        }
        Events::Get { event } => output.line(team.events().get(event).await?.as_str()),
        Events::Publish { event_type, data, idempotency_key, no_webhooks } => {
            let publish = Publish {
                event_type,
                data: data::read("--data", data).await?,
                webhooks: no_webhooks.then_some(false),
            };
            let options = PublishOptions { idempotency_key, test: false };
            let published = team.events().publish(&publish, options).await?;
            output.note(&format!(
                "at {}{}",
                published.position,
                if published.replayed { ", published before" } else { "" }
            ));
            output.line(published.envelope.as_str())
        }
        Events::Resend { event, webhook } => {
            output.thing(&team.deliveries().resend_event(event, webhook).await?)
        }
        Events::Erase { event } => {
            let what = format!("the data of {event} will be erased for good, and what waits of it cancelled");
            ask::confirm(what, global.yes).await?;
            team.events().erase(event).await?;
            output.note(&format!("erased {event}"));
            Ok(())
        }
        Events::Tail { types, after, until_head } => tail(&team, types, after, until_head, output).await,
    }
}

fn row(envelope: &Envelope) -> Vec<String> {
    envelope.fields().map_or_else(
        |error| vec![error.to_string(), String::new(), String::new()],
        |fields| {
            vec![fields.id.to_string(), fields.event_type.to_string(), fields.created_at.to_seconds_string()]
        },
    )
}

/// Envelopes on stdout, byte for byte; what becomes of the connection on stderr.
async fn tail(
    team: &cstar_client::TeamClient,
    types: Option<Patterns>,
    after: Option<Cursor>,
    until_head: bool,
    output: Output,
) -> Result<(), CliError> {
    let mut realtime = team.realtime(RealtimeOptions { types, after, until_head });
    while let Some(told) = realtime.next().await {
        match told {
            StreamEvent::Event(event) => output.line(event.envelope.as_str())?,
            StreamEvent::Gap(gap) => output.note(&format!("gap: {}", missed(&gap))),
            StreamEvent::State(cstar_client::State::Disconnected(gone)) if !gone.will_retry() => {
                return Err(gone.error.into());
            }
            StreamEvent::State(state) => output.note(&state.to_string()),
        }
    }
    Ok(())
}
