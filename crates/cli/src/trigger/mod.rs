//! `cstar trigger`: a test event (W56, T20).

mod edit;
mod wait;

use cstar_client::{Client, PublishOptions, Published};
use cstar_types::EventType;
use cstar_types::catalog::{Catalog, nearest};
use cstar_wire::Publish;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::args::{Global, Trigger};
use crate::context::Context;
use crate::exit::CliError;
use crate::output::{GOOD, Output};
use crate::{ask, data};

pub(crate) use edit::Edit;

/// Publishes test events.
pub(crate) async fn run(global: &Global, arguments: Trigger, output: Output) -> Result<(), CliError> {
    let context = Context::find(global)?;
    let client = context.client()?;
    let event_type = known_type(&client, &arguments.event_type).await?;
    let data = event_data(&client, &event_type, &arguments).await?;
    if !context.is_local() && !arguments.listeners_only {
        let question =
            format!("{} is not on this machine; its webhooks will get a test event. Go on?", context.url);
        ask::confirm(&question, global.yes)?;
    }
    let team = context.team_client()?;
    let publish = Publish { event_type, data, webhooks: arguments.listeners_only.then_some(false) };
    let mut published = Vec::new();
    for _ in 0..arguments.count {
        let options = PublishOptions { idempotency_key: None, test: true };
        let one = team.events().publish(&publish, options).await?;
        tell(output, &one)?;
        published.push(one);
    }
    if arguments.wait {
        wait::until_delivered(&team, &published, output).await?;
    }
    Ok(())
}

fn tell(output: Output, published: &Published) -> Result<(), CliError> {
    if output.json {
        return output.line(published.envelope.as_str());
    }
    let fields = published.envelope.fields().map_err(std::io::Error::other)?;
    output.line(&format!(
        "{GOOD}published{GOOD:#} {} {} at {}",
        fields.event_type, fields.id, published.position
    ))
}

/// The type, if the catalog or the server knows it.
async fn known_type(client: &Client, text: &str) -> Result<EventType, CliError> {
    let Ok(event_type) = text.parse::<EventType>() else { return Err(unknown_type(text)) };
    if Catalog::find(&event_type).is_some() {
        return Ok(event_type);
    }
    match client.event_types().get(&event_type).await {
        Ok(_) => Ok(event_type),
        Err(error) if error.status() == Some(404) => Err(unknown_type(text)),
        Err(error) => Err(error.into()),
    }
}

fn unknown_type(text: &str) -> CliError {
    let known = || Catalog::builtin().iter().map(|entry| entry.event_type.as_str());
    let near = nearest(text, known());
    let hint = match near.is_empty() {
        true => format!("the types are {}", known().collect::<Vec<_>>().join(", ")),
        false => format!("did you mean {}?", near.join(", ")),
    };
    CliError::usage(format!("there is no event type `{text}`")).hint(hint)
}

/// What was given, or the type's example, with every `--set` applied. Without a `--set` the bytes stay as they are.
async fn event_data(
    client: &Client,
    event_type: &EventType,
    arguments: &Trigger,
) -> Result<Box<RawValue>, CliError> {
    let data = match (&arguments.data, Catalog::find(event_type)) {
        (Some(source), _) => data::read(source)?,
        (None, Some(entry)) => {
            RawValue::from_string(entry.example.to_string()).map_err(std::io::Error::other)?
        }
        (None, None) => client.event_types().get(event_type).await?.example,
    };
    if arguments.set.is_empty() {
        return Ok(data);
    }
    let mut value: Value =
        serde_json::from_str(data.get()).map_err(|error| CliError::usage(error.to_string()))?;
    for edit in &arguments.set {
        edit.apply(&mut value, arguments.add).map_err(|error| CliError::usage(format!("--set: {error}")))?;
    }
    Ok(RawValue::from_string(value.to_string()).map_err(std::io::Error::other)?)
}
