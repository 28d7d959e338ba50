//! `cargo xtask soak`: simulations with thousands of seeds, then every fault in random order under load, for as long as one likes.

use crate::error::Result;
use crate::process;
use crate::tree::Tree;

/// Random histories of the lanes and of the streams, which tests of every day play some hundreds of.
const SIMULATIONS: [&str; 10] = [
    "cargo",
    "test",
    "--quiet",
    "--workspace",
    "--lib",
    "--test",
    "simulation",
    "--",
    "every_history_keeps_the_invariants",
    "nothing_is_lost_or_repeated_untold",
];
const HISTORIES: &str = "5000";

/// Random histories of the embedded store against its model, with a synced commit for each operation.
const STORE: [&str; 7] =
    ["cargo", "test", "--quiet", "--workspace", "--test", "conformance", "plays_like_the_model"];
const HISTORIES_OF_STORE: &str = "500";

/// In the development profile: overflows and broken assumptions are found by their assertions.
pub(crate) fn run(tree: &Tree, arguments: &[String]) -> Result<()> {
    // Who asks for the calls of a server has no use for histories.
    if !arguments.iter().any(|argument| argument.starts_with("--each-call")) {
        process::run(process::command(tree.root(), &SIMULATIONS).env("PROPTEST_CASES", HISTORIES))?;
        process::run(process::command(tree.root(), &STORE).env("PROPTEST_CASES", HISTORIES_OF_STORE))?;
    }
    process::run(&mut process::command(tree.root(), &["cargo", "build", "--workspace", "--bins"]))?;
    let mut soak = std::process::Command::new(tree.debug().join("cstar-soak"));
    soak.arg("--bin").arg(tree.binary()).args(arguments).current_dir(tree.root());
    process::run(&mut soak)
}
