//! `cargo xtask bench`: build in release and measure a real server on this machine.

use crate::error::Result;
use crate::process;
use crate::tree::Tree;

/// Figures of a debug build would mislead, so both the server and its load are built in release.
pub(crate) fn run(tree: &Tree, arguments: &[String]) -> Result<()> {
    let build = ["cargo", "build", "--release", "--package", "cstar-cli", "--package", "cstar-bench"];
    process::run(&mut process::command(tree.root(), &build))?;
    let release = tree.release();
    let (bench, cstar) = (release.join("cstar-bench"), release.join("cstar"));
    let mut measure = std::process::Command::new(bench);
    measure.arg("--bin").arg(cstar).args(arguments).current_dir(tree.root());
    process::run(&mut measure)
}
