//! Building the settings page, which the server takes in when it is built: the TypeScript client that it speaks by, then
//! the page.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::error::Result;
use crate::tree::Tree;
use crate::{needs, process};

const CLIENT: &str = "sdk/typescript";
const PAGE: &str = "web";
/// What the build makes, and what it makes that from.
const MADE: &str = "web/dist/index.html";
const SOURCES: [&str; 6] = [
    "sdk/typescript/src",
    "sdk/typescript/package-lock.json",
    "web/src",
    "web/index.html",
    "web/vite.config.ts",
    "web/package-lock.json",
];

/// Builds the page unless it is newer than all that it is made from. Without Node the server is built all the same, and
/// says at `/` what is missing.
pub(crate) fn build(tree: &Tree) -> Result<()> {
    if is_fresh(tree.root()) {
        return Ok(());
    }
    if let Err(error) = needs::ensure_node() {
        println!("the settings page is left out: {error}");
        return Ok(());
    }
    for project in [CLIENT, PAGE] {
        let directory = tree.root().join(project);
        if !is_installed(&directory) {
            process::run(&mut process::command(&directory, &["npm", "ci"]))?;
        }
        process::run(&mut process::command(&directory, &["npm", "run", "--silent", "build"]))?;
    }
    Ok(())
}

fn is_fresh(root: &Path) -> bool {
    let Some(made) = newest(&root.join(MADE)) else { return false };
    SOURCES.iter().all(|source| newest(&root.join(source)).is_none_or(|source| source < made))
}

/// Whether the packages are those of the lock file: npm writes down what it installed.
fn is_installed(project: &Path) -> bool {
    let installed = newest(&project.join("node_modules/.package-lock.json"));
    installed.is_some_and(|installed| newest(&project.join("package-lock.json")) <= Some(installed))
}

/// When a file, or the newest of those below, last changed.
fn newest(path: &Path) -> Option<SystemTime> {
    let own = fs::metadata(path).and_then(|found| found.modified()).ok()?;
    let below = fs::read_dir(path).into_iter().flatten().flatten().filter_map(|entry| newest(&entry.path()));
    below.chain([own]).max()
}
