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

/// Runs all side by side, to the end of each; what each printed is shown as one piece. The first failure counts.
pub(crate) fn run_together(commands: Vec<Command>) -> Result<()> {
    let finished = std::thread::scope(|scope| {
        let running: Vec<_> =
            commands.into_iter().map(|command| scope.spawn(|| run_quietly(command))).collect();
        running.into_iter().map(|thread| thread.join().expect("a command's thread does not panic")).collect()
    });
    let finished: Vec<Result<()>> = finished;
    finished.into_iter().collect()
}

fn run_quietly(mut command: Command) -> Result<()> {
    // Side by side the same words run in several directories.
    let directory = command.get_current_dir().unwrap_or(Path::new(".")).display();
    let line = format!("{} in {directory}", describe(&command));
    let output = command.output().map_err(|source| Error::Start { line: line.clone(), source })?;
    let said = [output.stdout, output.stderr].concat();
    println!("    {line}\n{}", String::from_utf8_lossy(&said).trim_end());
    if output.status.success() { Ok(()) } else { Err(Error::Ended { line, status: output.status }) }
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
    fn all_are_run_and_the_one_that_fails_is_named() {
        let words = |words: &[&str]| command(Path::new("."), words);
        assert!(run_together(vec![words(&["true"]), words(&["true", "--now"])]).is_ok());
        let error = run_together(vec![words(&["true"]), words(&["false"])]).unwrap_err().to_string();
        assert!(error.contains("`false in .` ended"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut command(Path::new("."), &["no-such-program"])).unwrap_err().to_string();
        assert!(error.contains("cannot start `no-such-program`"), "{error}");
        assert!(!succeeds(&["no-such-program"]));
    }
}
