//! Every fault in random order under load, for as long as one likes; ends at the first breach with the seed that repeats it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it speaks to its terminal")]

mod calls;
mod episode;
mod shared;

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use cstar_testkit::{Servers, Sums};
use episode::{Episode, Played};
use shared::SharedEpisode;

/// `cargo xtask soak` builds the binary and calls this.
#[derive(Debug, Parser)]
struct Arguments {
    /// The server.
    #[arg(long)]
    bin: PathBuf,
    /// Goes on until so many are over; the first episode is played to its end in any case.
    #[arg(long, default_value_t = 5)]
    minutes: u64,
    /// The seed of the first episode; the next ones count on from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Instead: a fault at each of the first calls of each kind.
    #[arg(long)]
    each_call: bool,
    /// From this call on.
    #[arg(long, default_value_t = 1, requires = "each_call")]
    first: usize,
    /// Up to this call, counted from the server's start, or from the moment at which the disk begins to count.
    #[arg(long, default_value_t = 500, requires = "each_call")]
    last: usize,
}

fn main() -> ExitCode {
    let Arguments { bin, minutes, seed, each_call, first, last } = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let begun = Instant::now();
    if each_call {
        println!("\n{}", summary(runtime.block_on(calls::play(first..=last, &bin)), begun.elapsed()));
        return ExitCode::SUCCESS;
    }
    let mut all = Played::default();
    let with_servers = Servers::are_there();
    if !with_servers {
        println!("left out: what befalls several nodes needs PostgreSQL and NATS");
    }
    for seed in seed.. {
        let played =
            std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(play(seed, &bin, with_servers))));
        match played {
            Ok(played) => all = all.plus(played),
            // What was broken stands above, by the panic's own words.
            Err(_) => {
                eprintln!(
                    "\nbroken in the episode of seed {seed}; `cargo xtask soak --minutes 0 --seed {seed}` plays it again"
                );
                return ExitCode::FAILURE;
            }
        }
        if begun.elapsed() >= Duration::from_secs(60 * minutes) {
            break;
        }
    }
    println!("\n{}", summary(all, begun.elapsed()));
    ExitCode::SUCCESS
}

/// One server's life, and that of nodes that share a database.
async fn play(seed: u64, bin: &Path, with_servers: bool) -> Played {
    let alone = Episode::of(seed).play(bin.to_owned()).await;
    if !with_servers {
        return alone;
    }
    let together = SharedEpisode::of(seed).play(bin.to_owned()).await;
    alone.plus(together)
}

fn summary(Played { cycles, sums }: Played, took: Duration) -> String {
    let Sums { published, acknowledged, refused, requests, streamed, crashes, took: most } = sums;
    format!(
        "{cycles} faults in {} s, {crashes} crashes among them: {published} events published, {acknowledged} acknowledged and \
         found again, {refused} refused and absent, {requests} requests to webhooks, {streamed} events streamed; at most {} MiB \
         of memory, {} descriptors, {} MiB of disk",
        took.as_secs(),
        most.memory_bytes >> 20,
        most.descriptors,
        most.disk_bytes >> 20
    )
}
