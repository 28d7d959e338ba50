//! Runs one of the counted functions so many times: `count NAME RUNS`. Without arguments it prints the names.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it speaks to `cargo xtask count`")]

use std::process::ExitCode;

/// Runs that are not counted: what is built lazily is built in the first, and buffers have their size after a few.
const WARM_UP: usize = 16;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => {
            cstar_count::cases().iter().for_each(|(name, _)| println!("{name}"));
            ExitCode::SUCCESS
        }
        [name, runs] => run(name, runs),
        _ => usage(),
    }
}

fn run(name: &str, runs: &str) -> ExitCode {
    let found = cstar_count::cases().into_iter().find(|(known, _)| *known == name);
    let Some(((_, ready), runs)) = found.zip(runs.parse::<usize>().ok()) else { return usage() };
    let mut case = ready();
    (0..WARM_UP).for_each(|_| case());
    (0..runs).for_each(|_| counted_run(&mut *case));
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("count NAME RUNS; count alone prints the names");
    ExitCode::FAILURE
}

/// The counter is on while this runs: it is found by its name.
#[inline(never)]
fn counted_run(case: &mut dyn FnMut()) {
    case();
}
