//! Asking before something that cannot be taken back.

use std::io::{IsTerminal, Write};

use crate::exit::CliError;

/// Says what will happen and asks whether it shall, unless `yes` was said. Where nobody can answer, nothing is done.
pub(crate) async fn confirm(what: String, yes: bool) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(CliError::usage(what).hint("nobody is there to be asked: say --yes if it shall be done"));
    }
    let _ = write!(anstream::stderr(), "{what}. Go on? [y/N] ");
    // On a thread of its own, so that an interrupt at the question ends the command.
    let answered = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = answered.await.map_err(std::io::Error::other)??;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(CliError::usage("nothing was done")) }
}
