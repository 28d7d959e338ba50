//! A developer's home, and commands that run in it.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use cstar_testkit::until;
use tempfile::TempDir;

use crate::CSTAR;
use crate::redact::redact;
use crate::running::Running;

/// A home with nothing in it but what a test puts there; it is the working directory, too.
pub(crate) struct Home {
    directory: TempDir,
    /// What has a name in snapshots.
    known: Mutex<Vec<(String, String)>>,
}

/// A command to be run.
pub(crate) struct Invocation<'a> {
    home: &'a Home,
    command: Command,
    stdin: Typed,
}

/// What a command reads.
pub(crate) enum Typed {
    Nothing,
    Text(String),
    /// Nothing comes, and no end either.
    Silence,
}

/// How a command ended, and all that it said.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    known: Vec<(String, String)>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let home = Self { known: Mutex::default(), directory };
        home.call(&home.path("").display().to_string(), "HOME/");
        home
    }

    /// A file or directory in it.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// Where the profiles stand.
    pub(crate) fn profiles(&self) -> PathBuf {
        self.path(".config/cstar/profiles.toml")
    }

    /// Writes a file.
    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().expect("below the home")).expect("our own directory");
        std::fs::write(path, text).expect("our own directory");
    }

    /// Snapshots show `name` in place of `what`.
    pub(crate) fn call(&self, what: &str, name: &str) {
        self.known.lock().expect("nobody panics with it").push((what.to_owned(), name.to_owned()));
    }

    /// `text` as snapshots show it.
    pub(crate) fn shown(&self, text: &str) -> String {
        redact(text, &self.known.lock().expect("nobody panics with it"))
    }

    /// `cstar` with what is typed behind it, not run yet.
    pub(crate) fn cstar(&self, line: &str) -> Invocation<'_> {
        let words = words(line);
        self.program(CSTAR, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Any program in this home.
    pub(crate) fn program(&self, program: &str, words: &[&str]) -> Invocation<'_> {
        let mut command = Command::new(program);
        command.args(words).env_clear().current_dir(self.directory.path());
        command.env("HOME", self.directory.path()).env("TZ", "UTC");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        Invocation { home: self, command, stdin: Typed::Nothing }
    }

    /// Runs `cstar` with what is typed behind it to its end.
    pub(crate) async fn run(&self, line: &str) -> Ended {
        self.cstar(line).run().await
    }

    /// The same, which must succeed; its standard output.
    pub(crate) async fn stdout(&self, line: &str) -> String {
        let ended = self.run(line).await;
        assert_eq!(ended.code, Some(0), "{line}: {ended}");
        ended.stdout
    }

    /// Starts `cstar` with what is typed behind it.
    pub(crate) fn start(&self, line: &str) -> Running {
        self.cstar(line).start()
    }

    pub(crate) fn ended(&self, code: Option<i32>, stdout: String, stderr: String) -> Ended {
        Ended { code, stdout, stderr, known: self.known.lock().expect("nobody panics with it").clone() }
    }
}

impl Invocation<'_> {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What it reads; nothing unless said.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = Typed::Text(text.to_owned());
        self
    }

    /// Its input stays open, and nothing comes.
    pub(crate) fn silent_stdin(mut self) -> Self {
        self.stdin = Typed::Silence;
        self
    }

    /// Starts it.
    pub(crate) fn start(mut self) -> Running {
        let stdin = if matches!(self.stdin, Typed::Nothing) { Stdio::null() } else { Stdio::piped() };
        self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::spawn(&mut self.command, self.stdin)
    }

    /// Runs it to its end.
    pub(crate) async fn run(self) -> Ended {
        let home = self.home;
        self.start().ended(home).await
    }
}

/// The words of a line as a shell reads them: blanks part them, single quotes hold them together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    assert!(!quoted, "a quote is left open in {line}");
    words.extend(word);
    words
}

/// Waits until a file is there.
pub(crate) async fn until_there(path: &std::path::Path) -> String {
    until(&format!("{} to be written", path.display()), async || std::fs::read_to_string(path).ok()).await
}

/// As a snapshot shows it.
impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => writeln!(f, "exit {code}")?,
            None => writeln!(f, "killed")?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "--- {name}\n{}", redact(text, &self.known))?;
            }
        }
        Ok(())
    }
}
