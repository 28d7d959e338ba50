//! `cstar trigger`: a test event (W56, T20).

mod edit;
mod tree;
mod wait;

use cstar_client::{Client, PublishOptions, Published};
use cstar_types::EventType;
use cstar_types::catalog::{Catalog, nearest};
use cstar_types::limits::PAGE_MAX_ROWS;
use cstar_wire::Publish;
use serde_json::value::RawValue;

use crate::args::{Global, Trigger};
use crate::context::Context;
use crate::exit::CliError;
use crate::output::{GOOD, Output};
use crate::{ask, data};

pub(crate) use edit::Edit;
use tree::Tree;

/// Publishes test events.
pub(crate) async fn run(global: &Global, arguments: Trigger, output: Output) -> Result<(), CliError> {
    let context = Context::find(global)?;
    let team = context.team_client()?;
    let client = context.client()?;
    let Ok(event_type) = arguments.event_type.parse::<EventType>() else {
        return Err(unknown_type(&client, &arguments.event_type).await);
    };
    if !context.is_local() {
        ask::confirm(who_is_met(&context, &arguments), global.yes).await?;
    }
    let data = event_data(&client, &event_type, &arguments).await?;
    let publish = Publish { event_type, data, webhooks: arguments.listeners_only.then_some(false) };
    let mut published = Vec::new();
    for _ in 0..arguments.count {
        let options = PublishOptions { idempotency_key: None, test: true };
        let one = team.events().publish(&publish, options).await?;
        tell(output, &one)?;
        published.push(one);
    }
    if arguments.wait {
        wait::until_delivered(&team, &published, arguments.timeout, output).await?;
    }
    Ok(())
}

/// What a test event does on a server that others use, too.
fn who_is_met(context: &Context, arguments: &Trigger) -> String {
    let whom = if arguments.listeners_only { "streams" } else { "streams and webhooks" };
    let what = match arguments.count {
        1 => "a test event".to_owned(),
        count => format!("{count} test events"),
    };
    format!("{} is not on this machine, and its {whom} will get {what}", context.url)
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

async fn unknown_type(client: &Client, text: &str) -> CliError {
    let known = known_types(client).await;
    let near = nearest(text, known.iter().map(String::as_str));
    let hint = match near.is_empty() {
        true => format!("the types are {}", known.join(", ")),
        false => format!("did you mean {}?", near.join(", ")),
    };
    CliError::usage(format!("there is no event type `{text}`")).hint(hint)
}

/// The types that the server knows; where it does not say, those that every server knows.
async fn known_types(client: &Client) -> Vec<String> {
    let mut pages = client.event_types().list().limit(PAGE_MAX_ROWS);
    let mut known = Vec::new();
    while let Ok(Some(page)) = pages.next_page().await {
        known.extend(page.data.iter().map(|entry| entry.event_type.to_string()));
    }
    if known.is_empty() {
        known.extend(Catalog::builtin().iter().map(|entry| entry.event_type.to_string()));
    }
    known
}

/// What was given, or the type's example, with every `--set` applied; what no `--set` names stays as it is.
async fn event_data(
    client: &Client,
    event_type: &EventType,
    arguments: &Trigger,
) -> Result<Box<RawValue>, CliError> {
    let example = example(client, event_type).await?;
    let data = match &arguments.data {
        Some(source) => data::read("--data", source.clone()).await?,
        None => example,
    };
    let mut tree = Tree::from(data);
    for edit in &arguments.set {
        edit.apply(&mut tree, arguments.add).map_err(|error| CliError::usage(format!("--set: {error}")))?;
    }
    Ok(tree.into_raw().map_err(std::io::Error::other)?)
}

/// The type's example, by which the type is known to be one.
async fn example(client: &Client, event_type: &EventType) -> Result<Box<RawValue>, CliError> {
    if let Some(entry) = Catalog::find(event_type) {
        return Ok(RawValue::from_string(entry.example.to_string()).map_err(std::io::Error::other)?);
    }
    match client.event_types().get(event_type).await {
        Ok(entry) => Ok(entry.example),
        Err(error) if error.status() == Some(404) => Err(unknown_type(client, event_type.as_str()).await),
        Err(error) => Err(error.into()),
    }
}
