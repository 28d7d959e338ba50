//! `cargo xtask tidy`: the rules of the house, each a pure function from what is there to its breaches.

mod boundaries;
mod catalogue;
mod documents;
mod floors;
mod manifests;
mod sources;
mod tracked;

use std::fmt;

use crate::error::{Error, Result};
use crate::tree::Tree;

/// One breach: where, and what to do about it.
#[derive(Debug, PartialEq)]
struct Violation {
    place: String,
    problem: String,
}

impl Violation {
    fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

/// Checks every rule and prints every breach before failing.
pub(crate) fn run(tree: &Tree) -> Result<()> {
    let files = tree.files()?;
    let mut violations = floors::check(&floors::edges(&tree.metadata));
    violations.extend(manifests::check(&manifests::read(&tree.metadata, &files)));
    violations.extend(sources::check(&files));
    violations.extend(boundaries::check(&files));
    violations.extend(documents::check(&files));
    violations.extend(tracked::check(&files));
    violations.extend(catalogue::check(&files));
    for violation in &violations {
        eprintln!("{violation}");
    }
    match violations.len() {
        0 => {
            println!("tidy: {} files follow the rules", files.len());
            Ok(())
        }
        count => Err(Error::Untidy { count }),
    }
}

/// Files for the rules' own tests.
#[cfg(test)]
fn tree(files: &[(&str, &str)]) -> Vec<crate::tree::TextFile> {
    let file =
        |(path, text): &(&str, &str)| crate::tree::TextFile { path: (*path).into(), text: (*text).into() };
    files.iter().map(file).collect()
}
