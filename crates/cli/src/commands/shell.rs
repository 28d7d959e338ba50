//! `cstar completions` and `cstar man`: made from the command line's own definition, so that they are never out of date.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::args::Cli;
use crate::exit::CliError;

/// What lets a shell complete commands and flags.
pub(crate) fn completions(shell: Shell) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cstar", &mut script);
    print(&script)
}

/// The manual page of the command that these words lead to, in roff.
pub(crate) fn man(words: &[String]) -> Result<(), CliError> {
    let mut command = Cli::command();
    command.build();
    for word in words {
        let inner = command.find_subcommand(word).cloned();
        command = inner.ok_or_else(|| {
            CliError::usage(format!("`cstar {}` is no command", words.join(" ")))
                .hint("`cstar --help` lists the commands")
        })?;
    }
    let examples = examples(&command);
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    examples.to_writer(&mut page)?;
    print(&page)
}

/// What the help opens with, which the page would leave out.
fn examples(command: &clap::Command) -> Roff {
    let text = command.get_before_help().map(ToString::to_string).unwrap_or_default();
    let mut section = Roff::new();
    section.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in text.lines().skip(1) {
        section.text([roman(line.trim_start())]);
    }
    section.control("fi", []);
    section
}

/// As it is: a script or a page has no colours to be taken out.
fn print(text: &[u8]) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text)?;
    Ok(stdout.flush()?)
}
