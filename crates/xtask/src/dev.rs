//! `cargo xtask dev`: build the settings page and the binary, and run `cstar dev` in the foreground.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::error::{Error, Result};
use crate::tree::Tree;
use crate::{page, process};

/// Becomes `cstar dev`, so that Ctrl-C and the exit status are its own. It says itself what to do next.
pub(crate) fn run(tree: &Tree, arguments: &[String]) -> Result<()> {
    page::build(tree)?;
    process::run(&mut process::command(tree.root(), &["cargo", "build", "--package", "cstar-cli"]))?;
    let mut dev = Command::new(tree.binary());
    dev.arg("dev").args(arguments);
    let source = dev.exec();
    Err(Error::Start { line: process::describe(&dev), source })
}
