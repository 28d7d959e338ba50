//! PostgreSQL's programs, run as somebody who is not root: they refuse to be.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian keeps what a version brings.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Nobody's user and group.
const NOBODY: u32 = 65_534;

/// The directory of the newest version that is installed.
#[derive(Debug, Clone)]
pub(super) struct Programs(PathBuf);

impl Programs {
    pub(super) fn find() -> Option<Self> {
        let versions = fs::read_dir(VERSIONS).ok()?.flatten();
        let numbered = versions
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
        let newest = numbered.max().map(|(_, path)| path.join("bin"))?;
        newest.join("initdb").exists().then_some(Self(newest))
    }

    pub(super) fn command(&self, program: &str) -> Command {
        as_nobody(Command::new(self.0.join(program)))
    }

    /// By a shell that runs this script, with the program as its arguments.
    pub(super) fn kept(&self, program: &str, script: &str) -> Command {
        let mut shell = as_nobody(Command::new("sh"));
        shell.args(["-c", script, "sh"]).arg(self.0.join(program));
        shell
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// If there is anybody else to be.
pub(crate) fn as_nobody(mut command: Command) -> Command {
    if is_root() {
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
    }
    command
}

/// Gives a file to whoever runs the programs.
pub(crate) fn hand_over(path: &Path) {
    if is_root() {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("root gives it away");
    }
}
