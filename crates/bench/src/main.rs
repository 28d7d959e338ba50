//! Load for a real server on this machine, over loopback, bounded in count and time.
//!
//! `cargo xtask bench` builds everything in release and runs this. Generator, receiver and server share the machine's
//! cores; every acknowledged event is synced.

mod cpu;
mod http;
mod publish;
mod report;
mod server;
mod streams;
mod webhook;

use std::path::PathBuf;

use clap::Parser;

use crate::report::Report;
use crate::server::Server;

#[derive(Parser)]
#[command(about = "Measures a cStar server on this machine")]
struct Arguments {
    /// The `cstar` binary, built in release.
    #[arg(long, env = "CSTAR_BIN")]
    bin: PathBuf,
    /// Where the server keeps its data while it is measured: choose the disk that is to be measured.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Shorter runs, under a minute in all.
    #[arg(long)]
    quick: bool,
    /// Only those whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Write the figures here as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let mut report = Report::default();
    let scale = if arguments.quick { 1 } else { 4 };
    let wanted = |name: &str| name.contains(&arguments.only);
    if wanted("sync") {
        report.add(publish::sync_floor(arguments.data.as_deref())?);
    }
    if wanted("publish_batches") {
        let server = Server::start(&arguments.bin, arguments.data.as_deref()).await?;
        report.add(publish::batches(&server, 100_000 * scale).await?);
    }
    if wanted("publish_single") {
        let server = Server::start(&arguments.bin, arguments.data.as_deref()).await?;
        report.add(publish::single(&server, 40_000 * scale).await?);
    }
    if wanted("webhook") {
        let server = Server::start(&arguments.bin, arguments.data.as_deref()).await?;
        report.add(webhook::one_endpoint(&server, 20_000 * scale).await?);
    }
    if wanted("streams") {
        let server = Server::start(&arguments.bin, arguments.data.as_deref()).await?;
        report.add(streams::fan_out(&server, 5_000, 20, 10 * scale as u32).await?);
    }
    report.print();
    if let Some(path) = arguments.json {
        std::fs::write(path, report.to_json())?;
    }
    Ok(())
}
