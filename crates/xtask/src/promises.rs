//! `cargo xtask promises`: which tests hold which promise, kept true by reading the tests.
//!
//! A test cites a number in the comment directly above it or in its name; the table's last column is written from
//! that. The sentences are written by hand and stay as they are.

mod citation;
mod node_tests;
mod rust_tests;
mod table;

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::tree::{TextFile, Tree};

use self::citation::Id;

pub(crate) const INVARIANTS: &str = "docs/invariants.md";
const PROMISES: &str = "docs/promises.md";

/// The tests of this crate cite numbers as examples and hold nothing.
const NOT_SCANNED: &str = "crates/xtask/";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    Check,
}

/// A test and the numbers that it cites.
#[derive(Debug)]
struct Test {
    path: String,
    /// Empty where a file of tests cites for all that is in it.
    name: String,
    cites: BTreeSet<Id>,
}

/// Writes or compares the last column of both documents.
pub(crate) fn run(tree: &Tree, mode: Mode) -> Result<()> {
    let tests = all_tests(&tree.files()?);
    for path in [PROMISES, INVARIANTS] {
        let before = tree.read(path)?;
        let after = table::fill(&before, &tests);
        match mode {
            Mode::Check if before != after => return Err(Error::Stale(path)),
            Mode::Write if before != after => tree.write(path, &after)?,
            Mode::Check | Mode::Write => {}
        }
    }
    let unheld = table::unheld(&tree.read(PROMISES)?);
    match (unheld.as_slice(), mode) {
        ([], _) => println!("promises: {} tests cite a promise or an invariant", tests.len()),
        (ids, Mode::Write) => println!("without a test and without a reason: {}", ids.join(", ")),
        (ids, Mode::Check) => return Err(Error::Unheld(ids.join(", "))),
    }
    Ok(())
}

/// The rows of a table of invariants that no test in `files` cites.
pub(crate) fn without_test(list: &str, files: &[TextFile]) -> Vec<String> {
    table::uncited(list, &all_tests(files))
}

fn all_tests(files: &[TextFile]) -> Vec<Test> {
    let suite = rust_tests::Suite::read(files);
    let scanned = files.iter().filter(|file| !file.path.starts_with(NOT_SCANNED));
    scanned
        .flat_map(|file| if file.is_rust() { rust_tests::find(file, &suite) } else { node_tests::find(file) })
        .collect()
}
