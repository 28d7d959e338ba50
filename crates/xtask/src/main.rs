//! Build, test and tidy tasks of the workspace: `cargo xtask <command>`.
//!
//! Links no product crate, so that a tree which does not compile can still be tidied and described.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task runner speaks to its terminal")]

mod bench;
mod count;
mod dev;
mod error;
mod lints;
mod mutants;
mod needs;
mod page;
mod process;
mod promises;
mod soak;
mod steps;
mod test;
mod tidy;
mod tree;
mod wanted;

use std::process::ExitCode;

use crate::error::{Error, Result};
use crate::tree::Tree;
use crate::wanted::Wanted;

const HELP: &str = "\
cargo xtask <command>

  dev [ARGUMENT...]     build the settings page and the binary, and run `cstar dev` with these arguments
  bench [ARGUMENT...]   build in release and measure: names of rows, --quick for under a minute, --json, --against
  count [--write]       count the instructions of the hot functions and hold them to their budgets;
                        with --write, write the budgets anew
  test [--without-servers] [--in-one-build]
                        every check of the project, in order; what CI runs. Without servers, the tests that need
                        PostgreSQL are left out. In one build, clippy looks while the tests are built, which is the
                        least work where nothing is built yet; builds without it then begin anew
  mutants [NAME...]     break the product on purpose, in a copy of the tree, once for each invariant and more: a test must
                        fail; minutes
  soak [--minutes N] [--seed S]
                        every fault in random order under load; ends at the first breach with the seed that repeats it
  tidy                  the rules of the house: floors, boundaries, manifests, documents
  promises [--check]    write the tests that hold each promise into docs/promises.md and
                        docs/invariants.md; with --check, fail if they are out of date
";

#[derive(Debug, PartialEq)]
enum Command {
    Dev { arguments: Vec<String> },
    Bench { arguments: Vec<String> },
    Count(count::Mode),
    Test(Wanted),
    Mutants { names: Vec<String> },
    Soak { arguments: Vec<String> },
    Tidy,
    Promises(promises::Mode),
    Help,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match parse(&arguments).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<Command> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["dev", ..] => Ok(Command::Dev { arguments: arguments[1..].to_vec() }),
        ["bench", ..] => Ok(Command::Bench { arguments: arguments[1..].to_vec() }),
        ["count"] => Ok(Command::Count(count::Mode::Check)),
        ["count", "--write"] => Ok(Command::Count(count::Mode::Write)),
        ["test", flags @ ..] => match Wanted::read(flags) {
            Some(wanted) => Ok(Command::Test(wanted)),
            None => Err(Error::Usage(words.join(" "))),
        },
        ["mutants", ..] => Ok(Command::Mutants { names: arguments[1..].to_vec() }),
        ["soak", ..] => Ok(Command::Soak { arguments: arguments[1..].to_vec() }),
        ["tidy"] => Ok(Command::Tidy),
        ["promises"] => Ok(Command::Promises(promises::Mode::Write)),
        ["promises", "--check"] => Ok(Command::Promises(promises::Mode::Check)),
        [] | ["help" | "--help" | "-h", ..] => Ok(Command::Help),
        _ => Err(Error::Usage(words.join(" "))),
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Dev { arguments } => dev::run(&Tree::find()?, &arguments),
        Command::Bench { arguments } => bench::run(&Tree::find()?, &arguments),
        Command::Mutants { names } => mutants::run(&Tree::find()?, &names),
        Command::Soak { arguments } => soak::run(&Tree::find()?, &arguments),
        Command::Count(mode) => count::run(&Tree::find()?, mode),
        Command::Test(wanted) => test::run(&Tree::find()?, wanted),
        Command::Tidy => tidy::run(&Tree::find()?),
        Command::Promises(mode) => promises::run(&Tree::find()?, mode),
        Command::Help => {
            print!("{HELP}");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wanted::{Lints, Servers};

    fn check(line: &str) -> Result<Command> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn every_command_of_the_help_is_understood() {
        assert_eq!(check("test").unwrap(), Command::Test(Wanted::default()));
        let less = Wanted { servers: Servers::LeftOut, lints: Lints::InTheBuild };
        assert_eq!(check("test --in-one-build --without-servers").unwrap(), Command::Test(less));
        assert_eq!(check("tidy").unwrap(), Command::Tidy);
        assert_eq!(check("promises").unwrap(), Command::Promises(promises::Mode::Write));
        assert_eq!(check("promises --check").unwrap(), Command::Promises(promises::Mode::Check));
        assert_eq!(
            check("dev --listen 127.0.0.1:0").unwrap(),
            Command::Dev { arguments: vec!["--listen".into(), "127.0.0.1:0".into()] }
        );
        assert_eq!(check("bench --quick").unwrap(), Command::Bench { arguments: vec!["--quick".into()] });
        assert_eq!(check("mutants").unwrap(), Command::Mutants { names: vec![] });
        assert_eq!(
            check("soak --minutes 30").unwrap(),
            Command::Soak { arguments: vec!["--minutes".into(), "30".into()] }
        );
        assert_eq!(check("count").unwrap(), Command::Count(count::Mode::Check));
        assert_eq!(check("count --write").unwrap(), Command::Count(count::Mode::Write));
        assert_eq!(check("").unwrap(), Command::Help);
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        let refusal = check("promises --chekc").unwrap_err().to_string();
        assert!(refusal.contains("promises --chekc"), "{refusal}");
        assert!(check("test --fast").is_err(), "an argument that does nothing is not taken quietly");
    }
}
