//! Clippy in the build itself: it compiles what it looks at, so that nothing is looked at apart from being built.

use std::path::PathBuf;
use std::process::Command;

use crate::error::Result;
use crate::process;
use crate::tree::Tree;

/// How `cargo clippy` passes `-D warnings` on.
const DENY: &str = "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__";

/// Has cargo compile the workspace with clippy. Every later command must, too, or it compiles anew.
pub(crate) fn into_build(command: &mut Command, driver: &PathBuf) {
    command.env("RUSTC_WORKSPACE_WRAPPER", driver).env("CLIPPY_ARGS", DENY);
}

/// The compiler that lints, of the toolchain that is used here.
pub(crate) fn driver(tree: &Tree) -> Result<PathBuf> {
    let root = process::capture(&mut process::command(tree.root(), &["rustc", "--print", "sysroot"]))?;
    Ok(PathBuf::from(String::from_utf8_lossy(&root).trim()).join("bin/clippy-driver"))
}
