//! Every fault in random order under load, for as long as one likes; ends at the first breach with the seed that repeats it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it speaks to its terminal")]

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
}

fn main() -> ExitCode {
    let Arguments { bin, minutes, seed } = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let begun = Instant::now();
    let mut sums = Sums::default();
    let mut cycles = 0;
    let with_servers = Servers::are_there();
    if !with_servers {
        println!("left out: what befalls several nodes needs PostgreSQL and NATS");
    }
    for seed in seed.. {
        let played =
            std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(play(seed, &bin, with_servers))));
        match played {
            Ok(played) => {
                cycles += played.cycles;
                sums = sums.plus(played.sums);
            }
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
    println!("\n{}", summary(cycles, begun.elapsed(), sums));
    ExitCode::SUCCESS
}

/// One server's life, and that of nodes that share a database.
async fn play(seed: u64, bin: &Path, with_servers: bool) -> Played {
    let alone = Episode::of(seed).play(bin.to_owned()).await;
    if !with_servers {
        return alone;
    }
    let together = SharedEpisode::of(seed).play(bin.to_owned()).await;
    Played { cycles: alone.cycles + together.cycles, sums: alone.sums.plus(together.sums) }
}

fn summary(cycles: usize, took: Duration, sums: Sums) -> String {
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
