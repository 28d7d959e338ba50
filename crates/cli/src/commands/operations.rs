//! `cstar operations`, and staying with one until it ends.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use cstar_client::TeamClient;
use cstar_types::{OperationFailure, OperationStatus};
use cstar_wire::Operation;
use tokio::time::sleep;

use super::rows;
use crate::args::{Global, Operations, Wait};
use crate::context::Context;
use crate::exit::{CliError, Failure};
use crate::output::Output;

/// Between two looks at an operation …
const LOOK_FIRST: Duration = Duration::from_millis(100);
/// … which become rarer, up to this: long ones need no closer watch.
const LOOK_LAST: Duration = Duration::from_secs(2);

pub(crate) async fn run(global: &Global, command: Operations, output: Output) -> Result<(), CliError> {
    let team = Context::find(global)?.team_client()?;
    let operations = team.operations();
    match command {
        Operations::List(rows) => {
            let found = rows::collect(operations.list(), &rows, output).await?;
            output.list(&["ID", "KIND", "STATUS", "DONE", "SKIPPED", "CREATED"], &found, row)
        }
        Operations::Get { operation } => output.thing(&operations.get(operation).await?),
        Operations::Cancel { operation } => {
            operations.cancel(operation).await?;
            output.note(&format!("cancelled {operation}: what was done stays done"));
            Ok(())
        }
    }
}

fn row(operation: &Operation) -> Vec<String> {
    vec![
        operation.id.to_string(),
        operation.kind.as_str().to_owned(),
        operation.status.as_str().to_owned(),
        operation.done.to_string(),
        operation.skipped.to_string(),
        operation.created_at.to_string(),
    ]
}

/// Stays with an operation until it ends, unless told otherwise, and shows it. An interrupt ends the watch alone.
pub(crate) async fn follow(
    team: &TeamClient,
    begun: Operation,
    wait: Wait,
    output: Output,
) -> Result<(), CliError> {
    if wait.no_wait {
        return output.thing(&begun);
    }
    let id = begun.id;
    output.note(&format!("{id} goes on by itself; `cstar operations cancel {id}` ends it"));
    let mut operation = begun;
    let mut look_after = LOOK_FIRST;
    while operation.status == OperationStatus::Running {
        let progress = Progress::of(&operation);
        sleep(look_after).await;
        look_after = (look_after * 2).min(LOOK_LAST);
        let looked = team.operations().get(id).await;
        drop(progress);
        operation = looked?;
    }
    output.thing(&operation)?;
    match failure(&operation) {
        None => Ok(()),
        Some(why) => Err(CliError::new(Failure::NotDelivered, why)
            .hint(format!("{} are done and stay so; `cstar operations get {id}` shows it", operation.done))),
    }
}

fn failure(operation: &Operation) -> Option<&'static str> {
    match operation.status {
        OperationStatus::Running | OperationStatus::Done => None,
        OperationStatus::Cancelled => Some("the operation was cancelled"),
        OperationStatus::Failed => Some(match operation.failure {
            Some(OperationFailure::WebhookDisabled) => "the webhook was disabled meanwhile",
            Some(OperationFailure::WebhookDeleted) => "the webhook was deleted meanwhile",
            Some(OperationFailure::Damaged) | None => "stored bytes are damaged; the server's log says which",
        }),
    }
}

/// A line of a terminal's that says how far it is, for as long as this lives. Nothing where stderr is no terminal.
struct Progress;

impl Progress {
    fn of(operation: &Operation) -> Option<Self> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let skipped =
            if operation.skipped == 0 { String::new() } else { format!(", {} skipped", operation.skipped) };
        let _ = write!(anstream::stderr(), "\r{} done{skipped} …", operation.done);
        Some(Self)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        /// Back to the beginning of the line, and all of it gone.
        const CLEAR: &str = "\r\u{1b}[K";
        let _ = write!(std::io::stderr(), "{CLEAR}");
    }
}
