//! Faults in the calls of a process to its kernel, by `strace`.

use std::ffi::OsString;
use std::path::Path;

/// What a process is run under: which calls are noted, and what is done to them.
#[derive(Debug, Clone, Default)]
pub struct Strace {
    options: Vec<String>,
}

impl Strace {
    /// Notes these calls, separated by commas.
    #[must_use]
    pub fn noting(calls: &str) -> Self {
        Self::default().option(&["-e", &format!("trace={calls}")])
    }

    /// Does `fault` to these calls: `error=EIO:when=3`, `signal=KILL:when=7`. Each thread counts for itself.
    #[must_use]
    pub fn injecting(calls: &str, fault: &str) -> Self {
        Self::noting(calls).inject(calls, fault)
    }

    /// One more fault.
    #[must_use]
    pub fn inject(self, calls: &str, fault: &str) -> Self {
        self.option(&["-e", &format!("inject={calls}:{fault}")])
    }

    /// Shows the file or the connection behind each descriptor.
    #[must_use]
    pub fn with_paths(self) -> Self {
        self.option(&["-yy"])
    }

    fn option(mut self, words: &[&str]) -> Self {
        self.options.extend(words.iter().map(ToString::to_string));
        self
    }

    /// What to put in front of the command line.
    ///
    /// `-D` makes the server our child and `strace` the stranger, so that process ids, signals and exit codes are the
    /// server's own. Without `--seccomp-bpf`: it is quicker, but some kernels then lose the injection.
    pub(crate) fn prefix(&self, trace: &Path) -> Vec<OsString> {
        let mut words: Vec<OsString> = ["strace", "-D", "-f", "-q", "-o"].map(OsString::from).into();
        words.push(trace.into());
        words.extend(self.options.iter().map(OsString::from));
        words
    }
}
