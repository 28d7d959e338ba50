//! Running other programs, with their output on our terminal.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

/// A command in `directory`, from words.
pub(crate) fn command(directory: &Path, words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().expect("a command has a program");
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory);
    command
}

/// Runs to the end; anything but success is an error that names the command line.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = describe(command);
    let status = command.status().map_err(|source| Error::Start { line: line.clone(), source })?;
    if status.success() { Ok(()) } else { Err(Error::Ended { line, status }) }
}

/// What the command prints on stdout.
pub(crate) fn capture(command: &mut Command) -> Result<Vec<u8>> {
    let line = describe(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| Error::Start { line: line.clone(), source })?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Error::Ended { line, status: output.status })
    }
}

/// Whether the words run and succeed; their output is dropped.
pub(crate) fn succeeds(words: &[&str]) -> bool {
    let (program, arguments) = words.split_first().expect("a command has a program");
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command line as one could type it.
pub(crate) fn describe(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_named_with_its_status() {
        let error = run(&mut command(Path::new("."), &["false", "--now"])).unwrap_err().to_string();
        assert!(error.contains("`false --now` ended with exit status: 1"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut command(Path::new("."), &["no-such-program"])).unwrap_err().to_string();
        assert!(error.contains("cannot start `no-such-program`"), "{error}");
        assert!(!succeeds(&["no-such-program"]));
    }
}
