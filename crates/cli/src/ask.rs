//! Asking before something that cannot be taken back.

use std::io::{BufRead, IsTerminal, Write};

use crate::exit::CliError;

/// Asks, unless `yes` was said. Where nobody can answer, nothing is done.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(CliError::usage(question).hint("say --yes: there is nobody to ask"));
    }
    let _ = write!(anstream::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(CliError::usage("nothing was done")) }
}
