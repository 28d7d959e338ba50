//! `cargo xtask mutants`: tests the tests. For each invariant the product is broken on purpose, in a copy of the tree, and a test must
//! fail. Nothing of it is in the product, and the tree itself is left alone.

mod list;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};
use crate::process;
use crate::tree::Tree;
use list::{MUTANTS, Mutant};

/// Breaks what is named, or everything, one at a time.
pub(crate) fn run(tree: &Tree, names: &[String]) -> Result<()> {
    if let Some(name) = names.iter().find(|name| MUTANTS.iter().all(|mutant| mutant.name != **name)) {
        return Err(Error::UnknownMutant(name.clone()));
    }
    let copy = Copy::of(tree)?;
    let is_chosen = |mutant: &&Mutant| names.is_empty() || names.iter().any(|name| name == mutant.name);
    let chosen: Vec<&Mutant> = MUTANTS.iter().filter(is_chosen).collect();
    // As it is, each test must pass: else its failure would say nothing. All of them first, since they share one build.
    for mutant in &chosen {
        process::run(&mut copy.test(mutant))?;
    }
    let mut survived = Vec::new();
    for mutant in chosen {
        let (failed, said) = copy.broken_by(mutant)?;
        let Mutant { name, breaks, test: (_, test), .. } = mutant;
        println!("{} {breaks:<6} {name:<34} {test}", if failed { "found   " } else { "SURVIVED" });
        println!("{}", why(&said));
        if !failed {
            survived.push(mutant.name);
        }
    }
    if survived.is_empty() { Ok(()) } else { Err(Error::Survived(survived.join(", "))) }
}

/// What a failed test said first.
fn why(said: &str) -> String {
    let mut lines = said.lines().skip_while(|line| !line.contains("panicked at")).skip(1);
    lines
        .by_ref()
        .take(3)
        .map(|line| format!("         {}\n", &line[..line.floor_char_boundary(140)]))
        .collect()
}

impl Mutant {
    /// The text with the change, if it can be made in one place.
    fn apply(&self, text: &str) -> Option<String> {
        (text.matches(self.from).count() == 1).then(|| text.replacen(self.from, self.to, 1))
    }
}

/// A copy of what git tracks, which is built in a place of its own.
struct Copy {
    root: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn of(tree: &Tree) -> Result<Self> {
        let mutants = tree.debug().with_file_name("mutants");
        let copy = Self { root: mutants.join("tree"), target: mutants.join("target") };
        for path in tree.paths()? {
            copy.take(tree.root(), &path)?;
        }
        Ok(copy)
    }

    /// A file that is as it was keeps its time, so that it is not built again.
    fn take(&self, from: &Path, path: &str) -> Result<()> {
        let (from, to) = (from.join(path), self.root.join(path));
        let failed = |source| Error::File { path: to.clone(), source };
        let Ok(bytes) = fs::read(from) else { return Ok(()) };
        if fs::read(&to).is_ok_and(|present| present == bytes) {
            return Ok(());
        }
        fs::create_dir_all(to.parent().expect("below the root")).map_err(failed)?;
        fs::write(&to, bytes).map_err(failed)
    }

    /// Whether the test of a mutant fails with it, and what it said. The mutant is undone, and not built without it: the next
    /// one changes as much again.
    fn broken_by(&self, mutant: &Mutant) -> Result<(bool, String)> {
        let sound = self.read(mutant)?;
        let broken = mutant.apply(&sound).ok_or(Error::StaleMutant(mutant.name))?;
        self.write(mutant, &broken)?;
        let built = process::run(self.test(mutant).arg("--no-run"));
        let output = built.and_then(|()| {
            let output = self.test(mutant).output();
            output.map_err(|source| Error::Start { line: mutant.name.to_owned(), source })
        });
        self.write(mutant, &sound)?;
        let output = output?;
        Ok((!output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    fn read(&self, mutant: &Mutant) -> Result<String> {
        let path = self.root.join(mutant.file);
        fs::read_to_string(&path).map_err(|source| Error::File { path, source })
    }

    fn write(&self, mutant: &Mutant, text: &str) -> Result<()> {
        let path = self.root.join(mutant.file);
        fs::write(&path, text).map_err(|source| Error::File { path, source })
    }

    /// With the features of the whole workspace, so that all mutants share what is built of others.
    fn test(&self, mutant: &Mutant) -> Command {
        let (target, test) = mutant.test;
        let words = ["cargo", "test", "--quiet", "--workspace", "--test", target, test];
        let mut command = process::command(&self.root, &words);
        command.env("CARGO_TARGET_DIR", &self.target).env("INSTA_UPDATE", "no");
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mutant whose place has moved would be found out only when somebody runs it.
    #[test]
    fn every_mutant_finds_its_place_and_its_test() {
        let tree = Tree::find().unwrap();
        let files = tree.files().unwrap();
        for mutant in MUTANTS {
            let text = tree.read(mutant.file).unwrap();
            assert!(mutant.apply(&text).is_some(), "{} no longer fits {}", mutant.name, mutant.file);
            let (_, test) = mutant.test;
            let is_there =
                files.iter().any(|file| file.is_rust() && file.text.contains(&format!("fn {test}")));
            assert!(is_there, "{}: there is no test {test}", mutant.name);
        }
    }

    #[test]
    fn every_invariant_is_broken_by_a_mutant() {
        let invariants = Tree::find().unwrap().read("docs/invariants.md").unwrap();
        let ids = invariants.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
        for id in ids.filter(|id| id.contains('-') && !id.starts_with('-')) {
            assert!(MUTANTS.iter().any(|mutant| mutant.breaks == id), "nothing breaks {id}");
        }
    }
}
