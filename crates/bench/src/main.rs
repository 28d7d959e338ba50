//! Load for a real server on this machine, over loopback, bounded in count and time, and the floors that it is held against.
//!
//! `cargo xtask bench` builds everything in release and runs this. Generator, receiver and server share the machine's
//! cores; every acknowledged event is synced, and looked for in the log after the server was killed.

mod database;
mod floors;
mod history;
mod http;
mod load;
mod number;
mod process;
mod readers;
mod receiver;
mod report;
mod rows;
mod server;
mod sinks;
mod stolen;

use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;

use crate::report::{Report, Row, compare};
use crate::rows::{Run, dead, growth, latency, nodes, publish, reconnect, replay, storm, streams, webhook};
use crate::server::Place;
use crate::stolen::{BEARABLE_PERCENT, Ticks};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(about = "Measures a cStar server on this machine, and holds it against the machine itself")]
struct Arguments {
    /// Only these rows; all of them unless given.
    #[arg(value_parser = ROWS.map(|(name, _)| name))]
    rows: Vec<String>,
    /// The `cstar` binary, built in release.
    #[arg(long, env = "CSTAR_BIN")]
    bin: PathBuf,
    /// Where the server keeps its data while it is measured: choose the disk that is to be measured.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The rows of several nodes, which need PostgreSQL and NATS on this machine; they are left out unless named.
    #[arg(long)]
    nodes: bool,
    /// Shorter runs, under a minute in all.
    #[arg(long)]
    quick: bool,
    /// Events and deliveries that are stored for `growth`: about 1 kB of disk each. 20 million unless given, 100,000 with --quick.
    #[arg(long)]
    growth_events: Option<u64>,
    /// Write the figures here as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Compare with the figures that an earlier run wrote here.
    #[arg(long)]
    against: Option<PathBuf>,
}

/// Rows that take long, however little is asked of them.
const LONG: [&str; 2] = ["growth", "storm"];

/// Rows that need servers beside this one.
const OF_NODES: [&str; 3] = ["nodes_batches", "nodes_webhook", "nodes_stream"];

/// Stored for `growth` with `--quick`.
const GROWTH_QUICK: u64 = 100_000;

/// Measures one row.
type Measure = fn(&Run) -> Result<Row, Failure>;

const ROWS: [(&str, Measure); 15] = [
    ("batches", publish::batches),
    ("single", publish::single),
    ("webhook", webhook::one),
    ("ten_webhooks", webhook::ten),
    ("latency", latency::measure),
    ("dead_endpoints", dead::measure),
    ("streams_1000", streams::thousand),
    ("streams_10000", streams::ten_thousand),
    ("replay", replay::measure),
    ("reconnect", reconnect::measure),
    ("growth", growth::measure),
    ("storm", storm::measure),
    ("nodes_batches", nodes::batches::measure),
    ("nodes_webhook", nodes::webhook::measure),
    ("nodes_stream", nodes::stream::measure),
];

/// Whether a row is to be measured.
enum Wanted {
    Yes,
    No,
    /// Not unless it is asked for, and why.
    ByName(&'static str),
}

impl Arguments {
    fn wants(&self, name: &str) -> Wanted {
        let of_nodes = OF_NODES.contains(&name);
        if self.rows.iter().any(|row| row == name) || (self.nodes && of_nodes) {
            Wanted::Yes
        } else if self.nodes || !self.rows.is_empty() {
            Wanted::No
        } else if of_nodes {
            Wanted::ByName("it needs PostgreSQL and NATS")
        } else if self.quick && LONG.contains(&name) {
            Wanted::ByName("--quick")
        } else {
            Wanted::Yes
        }
    }
}

#[expect(clippy::print_stdout, reason = "the table is this program's answer")]
fn main() -> Result<(), Failure> {
    if std::env::args().nth(1).is_some_and(|argument| argument == floors::send::ARGUMENT) {
        return floors::send::serve();
    }
    let arguments = Arguments::parse();
    let earlier = arguments.against.as_deref().map(std::fs::read_to_string).transpose()?;
    let earlier: Option<serde_json::Value> = earlier.as_deref().map(serde_json::from_str).transpose()?;
    process::raise_descriptors()?;

    let place = Place { bin: arguments.bin.clone(), data: arguments.data.clone() };
    let mut report = Report::default();
    let sync = floors::sync::measure(&place)?;
    let mut floor = Row::new("sync");
    floor.figure("sync_p50_ms", sync.p50_ms);
    floor.figure("sync_p99_ms", sync.p99_ms);
    println!("{}", floor.told());
    report.rows.push(floor);

    let usual = if arguments.quick { GROWTH_QUICK } else { growth::WHOLE };
    let growth_events = arguments.growth_events.unwrap_or(usual);
    let run = Run { place, sync, quick: arguments.quick, growth_events };
    for (name, measure) in &ROWS {
        match arguments.wants(name) {
            Wanted::Yes => {}
            Wanted::No => continue,
            Wanted::ByName(why) => {
                println!("{name}\n  (left out: {why}; ask for it by name)\n");
                continue;
            }
        }
        let (began, before) = (Instant::now(), Ticks::now()?);
        let mut row = measure(&run).map_err(|failure| format!("{name}: {failure}"))?;
        row.figure("took_s", began.elapsed().as_secs_f64());
        let stolen = Ticks::now()?.stolen_percent_since(before);
        row.figure("stolen_percent", stolen);
        if stolen > BEARABLE_PERCENT {
            row.notes
                .push(format!("others had {stolen:.0} % of this machine's processors: measure it again"));
        }
        println!("{}", row.told());
        report.rows.push(row);
    }
    println!("{}", report.table());
    let report = report.to_json();
    if let Some(earlier) = earlier {
        println!("{}", compare(&earlier, &report));
    }
    if let Some(path) = arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}
