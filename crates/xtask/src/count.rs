//! `cargo xtask count`: the instructions of the hot pure functions, held to the budgets in [`TABLE`].
//!
//! A time says as much of the machine as of the code; a count of instructions is the same on a busy machine and an idle one. So it
//! can stand among the tests, where it tells of a copy or an allocation too many before anybody has to look for it in a profile.

mod budget;
mod callgrind;
mod toolchain;

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::process;
use crate::tree::Tree;
use budget::{Counted, Table};
use toolchain::{Judgement, Toolchain};

/// Where the budgets stand.
const TABLE: &str = "docs/performance/instructions.md";
/// What is counted is built into the directory of the development build, by these settings: see there.
const BUILD: &[&str] =
    &["cargo", "build", "--workspace", "--example", EXAMPLE, "--config", "crates/count/optimised.toml"];
const EXAMPLE: &str = "count";
/// Runs of each function: the first ones differ a little from each other, as buffers and trees grow.
const RUNS: u64 = 100;

/// Whether the budgets are held, or written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Check,
    Write,
}

/// Counts everything, prints it beside its budget, and fails where one is not held. With another compiler, or on another
/// architecture, than the budgets are of, nothing is judged.
pub(crate) fn run(tree: &Tree, mode: Mode) -> Result<()> {
    // As CI builds: incrementally, the compiler inlines otherwise.
    process::run(process::command(tree.root(), BUILD).env("CARGO_INCREMENTAL", "0"))?;
    let text = tree.read(TABLE)?;
    let (table, toolchain) = (Table::parse(&text), Toolchain::here(tree)?);
    let mut counted = Vec::new();
    for name in names(tree)? {
        let instructions = count(tree, &name)?;
        println!("    {}", table.line(&name, instructions));
        counted.push(Counted { name, instructions });
    }
    match mode {
        Mode::Write => tree.write(TABLE, &toolchain.written_into(&budget::rewritten(&text, &counted))),
        Mode::Check => match toolchain.judgement(&text) {
            Judgement::Holds => hold(&table, &counted),
            Judgement::Shows(why) => {
                println!("    {why}");
                Ok(())
            }
        },
    }
}

fn hold(table: &Table<'_>, counted: &[Counted]) -> Result<()> {
    let breaches = table.breaches(counted);
    if breaches.is_empty() { Ok(()) } else { Err(Error::Instructions(breaches.join("\n  "))) }
}

fn program(tree: &Tree) -> PathBuf {
    tree.debug().join("examples").join(EXAMPLE)
}

fn names(tree: &Tree) -> Result<Vec<String>> {
    let listing = process::capture(&mut std::process::Command::new(program(tree)))?;
    Ok(String::from_utf8_lossy(&listing).lines().map(str::to_owned).collect())
}

/// The instructions of one run.
fn count(tree: &Tree, name: &str) -> Result<u64> {
    let out = tree.debug().join(format!("callgrind.{name}"));
    process::capture(&mut callgrind::command(&program(tree), name, RUNS, &out))?;
    let report = std::fs::read_to_string(&out).map_err(|source| Error::File { path: out.clone(), source })?;
    let total = callgrind::total(&report).ok_or_else(|| Error::Uncounted(name.to_owned()))?;
    Ok(total / RUNS)
}
