//! `cargo xtask test`: every check of the project, in order, each with its time.

use std::process::Command;

use crate::error::Result;
use crate::promises::Mode;
use crate::steps::Steps;
use crate::tree::Tree;
use crate::wanted::{Lints, Servers, Wanted};
use crate::{count, lints, needs, process, promises, tidy};

/// Where the checks that run in Node live.
const NODE_PROJECT: &str = "tests/node";
const CLIENT: &str = "sdk/typescript";
const CLIENT_LIVE: &str = "sdk/typescript/test/live";
const PAGE: &str = "web";

/// An environment of its own for what comes from PyPI: nothing of the machine's is touched.
const PYTHON: &str = "target/python";
const PIP: &str = "target/python/bin/pip";

/// A step of the run: its name and what it does.
struct Step {
    name: &'static str,
    action: Action,
}

enum Action {
    Do(fn(&Tree) -> Result<()>),
    Run(Line),
    /// Side by side: for what waits more than it works.
    Together(&'static [Line]),
    LeaveOut {
        reason: &'static str,
    },
}

/// Words to run in a directory below the root.
#[derive(Clone, Copy)]
struct Line {
    directory: &'static str,
    words: &'static [&'static str],
}

/// Tools that make the run better and that it can do without.
struct Extras {
    nextest: bool,
    deny: bool,
    wanted: Wanted,
}

/// Runs every step and stops at the first that fails.
pub(crate) fn run(tree: &Tree, wanted: Wanted) -> Result<()> {
    let driver = match wanted.lints {
        Lints::First => None,
        Lints::InTheBuild => Some(lints::driver(tree)?),
    };
    let prepared = |tree: &Tree, line: Line| {
        let mut command = prepared(tree, line);
        if wanted.servers == Servers::LeftOut {
            command.env("CSTAR_WITHOUT_SERVERS", "1");
        }
        if let Some(driver) = driver.as_ref().filter(|_| line.words[0] == "cargo") {
            lints::into_build(&mut command, driver);
        }
        command
    };
    let extras = Extras {
        wanted,
        nextest: process::succeeds(&["cargo", "nextest", "--version"]),
        deny: process::succeeds(&["cargo", "deny", "--version"]),
    };
    let mut steps = Steps::begin();
    for step in plan(&extras) {
        match step.action {
            Action::Do(work) => steps.run(step.name, || work(tree))?,
            Action::Run(line) => steps.run(step.name, || process::run(&mut prepared(tree, line)))?,
            Action::Together(lines) => steps.run(step.name, || {
                process::run_together(lines.iter().map(|line| prepared(tree, *line)).collect())
            })?,
            Action::LeaveOut { reason } => steps.leave_out(step.name, reason),
        }
    }
    println!("\n{}", steps.summary());
    Ok(())
}

/// The order is cheapest first, so that a slip is heard of early.
fn plan(extras: &Extras) -> Vec<Step> {
    let run = |name, directory, words| Step { name, action: Action::Run(Line { directory, words }) };
    let plain = |name, words| run(name, ".", words);
    let client = |name, words| run(name, CLIENT, words);
    vec![
        Step { name: "needs", action: Action::Do(needs(extras)) },
        plain("format", &["cargo", "fmt", "--all", "--check"]),
        Step { name: "tidy", action: Action::Do(tidy::run) },
        Step { name: "promises", action: Action::Do(|tree| promises::run(tree, Mode::Check)) },
        licences(extras),
        plain("python environment", &["python3", "-m", "venv", PYTHON]),
        Step { name: "packages", action: Action::Together(&PACKAGES) },
        client("client check", &["npm", "run", "check"]),
        client("client build", &["npm", "run", "build"]),
        client("client tests", &["npm", "test"]),
        // Before the server, which takes it in. Types are checked by it, too.
        run("page build", PAGE, &["npm", "run", "build"]),
        clippy(extras),
        // As the tests will want it, binary included: building the binary alone would build most of it twice.
        plain("build", &["cargo", "build", "--workspace", "--all-targets"]),
        counts(),
        plain("rust tests", rust_tests(extras)),
        plain("doc tests", &["cargo", "test", "--doc", "--workspace", "--quiet"]),
        Step { name: "live tests", action: Action::Together(&LIVE_TESTS) },
    ]
}

/// As the lock files have them: each project waits for its registry.
const PACKAGES: [Line; 5] = [
    packages(NODE_PROJECT),
    packages(CLIENT),
    packages(CLIENT_LIVE),
    packages(PAGE),
    Line {
        directory: ".",
        words: &[PIP, "install", "--quiet", "--requirement", "tests/openapi/requirements.txt"],
    },
];

/// The running server: two that wait much, as a kill or a retry does, the page in a browser, and requests generated from the API's
/// description.
const LIVE_TESTS: [Line; 4] = [
    tests(NODE_PROJECT),
    tests(CLIENT_LIVE),
    tests(PAGE),
    Line { directory: ".", words: &["target/python/bin/python", "tests/openapi/run.py"] },
];

const fn tests(directory: &'static str) -> Line {
    Line { directory, words: &["npm", "test"] }
}

const fn packages(directory: &'static str) -> Line {
    Line { directory, words: &["npm", "ci"] }
}

fn needs(extras: &Extras) -> fn(&Tree) -> Result<()> {
    match extras.wanted.servers {
        Servers::All => |_| needs::ensure(),
        Servers::LeftOut => |_| needs::ensure_without_servers(),
    }
}

fn licences(extras: &Extras) -> Step {
    let words = &["cargo", "deny", "check", "licenses", "bans", "sources"];
    let action = if extras.deny {
        Action::Run(Line { directory: ".", words })
    } else {
        Action::LeaveOut { reason: "cargo-deny is not installed" }
    };
    Step { name: "licences", action }
}

fn clippy(extras: &Extras) -> Step {
    let words = &["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    let action = match extras.wanted.lints {
        Lints::First => Action::Run(Line { directory: ".", words }),
        Lints::InTheBuild => Action::LeaveOut { reason: "the build does it" },
    };
    Step { name: "clippy", action }
}

/// The budgets are of x86-64's instructions.
fn counts() -> Step {
    let action = if cfg!(target_arch = "x86_64") {
        Action::Do(|tree| count::run(tree, count::Mode::Check))
    } else {
        Action::LeaveOut { reason: "the budgets are of another processor's instructions" }
    };
    Step { name: "instructions", action }
}

fn rust_tests(extras: &Extras) -> &'static [&'static str] {
    if extras.nextest {
        &["cargo", "nextest", "run", "--workspace"]
    } else {
        &["cargo", "test", "--workspace", "--all-targets"]
    }
}

/// Tests find the binary under `CSTAR_BIN`; snapshots are compared, never written.
fn prepared(tree: &Tree, line: Line) -> Command {
    let mut command = process::command(&tree.root().join(line.directory), line.words);
    command.env("CSTAR_BIN", tree.binary()).env("INSTA_UPDATE", "no");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(extras: &Extras) -> Vec<(&'static str, String)> {
        let shown = |action: &Action| match action {
            Action::Do(_) => "task".to_owned(),
            Action::Run(line) => line.words.join(" "),
            Action::Together(lines) => {
                lines.iter().map(|line| line.words.join(" ")).collect::<Vec<_>>().join(" & ")
            }
            Action::LeaveOut { reason } => (*reason).to_owned(),
        };
        plan(extras).iter().map(|step| (step.name, shown(&step.action))).collect()
    }

    #[test]
    fn the_binary_is_built_before_whatever_runs_it() {
        let names: Vec<&str> = check(&Extras { nextest: true, deny: true, wanted: Wanted::default() })
            .iter()
            .map(|(name, _)| *name)
            .collect();
        let place = |name| names.iter().position(|other| *other == name).unwrap();
        assert!(place("needs") < place("format"), "{names:?}");
        assert!(place("build") < place("rust tests"), "{names:?}");
        assert!(place("build") < place("instructions"), "it uses what is built of others: {names:?}");
        assert!(place("python environment") < place("packages"), "{names:?}");
        assert!(place("packages") < place("client check"), "{names:?}");
        assert!(place("client build") < place("live tests"), "{names:?}");
        assert!(place("build") < place("live tests"), "{names:?}");
        assert!(place("client build") < place("page build"), "{names:?}");
        assert!(place("page build") < place("clippy"), "{names:?}");
    }

    #[test]
    fn without_nextest_the_same_tests_run_under_cargo() {
        let lines = check(&Extras { nextest: false, deny: true, wanted: Wanted::default() });
        assert!(
            lines.contains(&("rust tests", "cargo test --workspace --all-targets".to_owned())),
            "{lines:?}"
        );
    }

    #[test]
    fn in_one_build_clippy_has_no_step_of_its_own() {
        let wanted = Wanted { lints: Lints::InTheBuild, ..Wanted::default() };
        let lines = check(&Extras { nextest: true, deny: true, wanted });
        assert!(lines.contains(&("clippy", "the build does it".to_owned())), "{lines:?}");
    }

    #[test]
    fn without_cargo_deny_the_step_is_named_as_left_out() {
        let lines = check(&Extras { nextest: true, deny: false, wanted: Wanted::default() });
        assert!(lines.contains(&("licences", "cargo-deny is not installed".to_owned())), "{lines:?}");
    }
}
