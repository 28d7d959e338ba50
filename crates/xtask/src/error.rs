//! What stops a task, each with what the reader can do next.

use std::path::PathBuf;

use thiserror::Error;

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// The cause that ends a task with a failing exit status.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("`cargo xtask {0}` is no command; `cargo xtask help` lists them")]
    Usage(String),
    #[error("cannot read the workspace: {0}")]
    Metadata(#[from] cargo_metadata::Error),
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("cannot start `{line}`: {source}")]
    Start { line: String, source: std::io::Error },
    #[error("`{line}` ended with {status}")]
    Ended { line: String, status: std::process::ExitStatus },
    #[error("{missing} missing; install with:\n  {install}")]
    Missing { missing: String, install: String },
    #[error(
        "{tool} {found} is too old: {least} or later is needed; its own site has packages of newer versions"
    )]
    TooOld { tool: &'static str, found: String, least: String },
    #[error("step `{step}` failed after {seconds:.1} s: {cause}")]
    Step { step: String, seconds: f64, cause: Box<Error> },
    #[error("the rules of the house are broken, as listed above: {count} in all")]
    Untidy { count: usize },
    #[error("{0} is out of date: run `cargo xtask promises` and commit the result")]
    Stale(&'static str),
    #[error(
        "instructions outside of their budgets (docs/performance/instructions.md; `cargo xtask count --write` writes new ones):\n  {0}"
    )]
    Instructions(String),
    #[error(
        "callgrind counted nothing of `{0}`: is `counted_run` still the function that the counter is on in?"
    )]
    Uncounted(String),
    #[error("there is no mutant `{0}`; crates/xtask/src/mutants/list.rs has them all")]
    UnknownMutant(String),
    #[error("the mutant `{0}` no longer fits its file: crates/xtask/src/mutants/list.rs")]
    StaleMutant(&'static str),
    #[error("nothing fails although the product is broken: {0}")]
    Survived(String),
    #[error(
        "promises without a test and without a reason: {0}; cite the number above a test, or write why after the dash"
    )]
    Unheld(String),
}
