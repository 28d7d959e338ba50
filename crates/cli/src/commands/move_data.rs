//! `cstar move`.

use std::path::Path;
use std::sync::{Arc, Mutex};

use cstar_server::moving::{self, Moved, Moving};
use serde::Serialize;

use crate::args::{Global, Move};
use crate::exit::CliError;
use crate::output::Output;
use crate::progress::Progress;

/// What was moved.
#[derive(Serialize)]
struct Everything<'a> {
    data: &'a Path,
    teams: u64,
    events: u64,
    deliveries: u64,
    attempts: u64,
}

/// Moves a data directory into a database.
pub(crate) async fn run(global: &Global, asked: Move, output: Output) -> Result<(), CliError> {
    let (place, to) = asked.place_and_destination(global, output)?;
    let progress = Arc::new(Mutex::new(Progress::of("moved")));
    let shown = Arc::clone(&progress);
    let told =
        Arc::new(move |moving| show(&mut shown.lock().unwrap_or_else(|held| held.into_inner()), moving));
    let moved = moving::move_to(&place, &to, told).await;
    progress.lock().unwrap_or_else(|held| held.into_inner()).clear();
    let Moved { teams, events, deliveries, attempts } = moved?;
    output.thing(&Everything { data: &place.data, teams, events, deliveries, attempts })?;
    for line in [
        "All of it was read back and is what was sent. Positions, ids and secrets are as they were: streams go on where they stood.",
        "Start the nodes on the database, each with the master key of the directory and one platform key for all: `cstar serve --store …`",
        "The directory is as it was, and no server starts on it any more. Keep it until you have a backup of the database.",
    ] {
        output.note(line);
    }
    Ok(())
}

fn show(progress: &mut Progress, moving: Moving) {
    match moving {
        Moving::Checking(rows) => progress.show(|_| format!("looked at {rows} rows")),
        Moving::Sent(table, rows) => progress.show(|what| format!("{what} {rows} rows of {table}")),
        Moving::Compared(table) => progress.show(|_| format!("compared {table}")),
    }
}
