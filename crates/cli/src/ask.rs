//! Asking: before something that cannot be taken back, and for what nobody else may see.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

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

/// Far longer than any key; an endless input must end.
const SECRET_MAX_BYTES: u64 = 4096;

/// A line from standard input. At a terminal it is asked for, and what is typed is not shown.
pub(crate) async fn secret(what: &str) -> Result<String, CliError> {
    let hidden = Hidden::begin()?;
    if hidden.is_some() {
        let _ = write!(anstream::stderr(), "{what}: ");
    }
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().take(SECRET_MAX_BYTES).read_line(&mut line).map(|_| line)
    });
    let line = read.await.map_err(std::io::Error::other)??;
    if hidden.is_some() {
        let _ = writeln!(anstream::stderr());
    }
    match line.trim() {
        "" => Err(CliError::usage("nothing was given")),
        text => Ok(text.to_owned()),
    }
}

/// A terminal that does not show what is typed, until this is dropped: at the end of the question, and when an interrupt
/// ends it.
struct Hidden {
    terminal: OwnedFd,
    before: Termios,
}

impl Hidden {
    /// `None` where standard input is no terminal.
    fn begin() -> std::io::Result<Option<Self>> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return Ok(None);
        }
        let terminal = stdin.as_fd().try_clone_to_owned()?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Some(Self { terminal, before }))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}
