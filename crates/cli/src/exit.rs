//! How a command ends: its exit code, and what is said on stderr.

use std::fmt::Write;
use std::io::ErrorKind;
use std::process::ExitCode;

use cstar_client::{Refusal, StreamEnd};
use cstar_server::{SettingsError, StartError, StopError};

/// Why a command did not do what was asked. The number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Whoever read the output has gone, as `head` does: nothing is wrong, and nobody is there to be told.
    NobodyReads = 0,
    /// Something that nobody foresaw.
    Unexpected = 1,
    /// The command line, a file or a variable is not as it should be.
    Usage = 2,
    /// The key is wrong, or may not do this.
    NotAllowed = 3,
    /// The server was not reached.
    Unreachable = 4,
    /// The server refused the request.
    Refused = 5,
    /// A forward or a wait failed, or what was checked is not as it should be.
    NotDelivered = 6,
}

/// Interrupted twice: the first interrupt asks for an orderly end, the second does not wait for it.
pub(crate) const INTERRUPTED_TWICE: u8 = 130;

/// A failure, in words: what is wrong, and what to do about it where that is known.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) failure: Failure,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl CliError {
    pub(crate) fn new(failure: Failure, message: impl Into<String>) -> Self {
        Self { failure, message: message.into(), hint: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Failure::Usage, message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.failure as u8)
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        let failure = match error.kind() {
            ErrorKind::BrokenPipe => Failure::NobodyReads,
            _ => Failure::Unexpected,
        };
        Self::new(failure, error.to_string())
    }
}

impl From<SettingsError> for CliError {
    fn from(error: SettingsError) -> Self {
        Self::usage(error.to_string())
            .hint("`cstar serve --help` lists the settings, `--print-config` shows them")
    }
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Settings(error) => error.into(),
            StartError::Unusable(what) => Self::usage(what),
            StartError::Unreachable(what) => Self::new(Failure::Unreachable, what),
            other => Self::new(Failure::Unexpected, other.to_string()),
        }
    }
}

impl From<StopError> for CliError {
    fn from(error: StopError) -> Self {
        Self::new(Failure::Unexpected, error.to_string()).hint("nothing acknowledged is lost: start it again")
    }
}

/// By what the reader can do about it.
impl From<cstar_client::Error> for CliError {
    fn from(error: cstar_client::Error) -> Self {
        use cstar_client::Error;
        let failure = match &error {
            Error::Api(refusal) if matches!(refusal.status, 401 | 403) => Failure::NotAllowed,
            Error::Stream(StreamEnd::Unauthorized { .. }) => Failure::NotAllowed,
            Error::Api(refusal) if refusal.problem.is_some() => Failure::Refused,
            // Something answered, but not cStar.
            Error::Api(_) | Error::Network(_) | Error::Timeout(_) | Error::Protocol(_) => {
                Failure::Unreachable
            }
            _ => Failure::Unexpected,
        };
        let message = error.refusal().and_then(bad_fields).unwrap_or_else(|| error.to_string());
        Self { failure, message, hint: hint(&error).map(str::to_owned) }
    }
}

/// A line for each bad field, if it is fields that are bad.
fn bad_fields(refusal: &Refusal) -> Option<String> {
    let problem = refusal.problem.as_ref()?;
    if problem.errors.is_empty() {
        return None;
    }
    let width = problem.errors.iter().map(|field| field.pointer.chars().count()).max().unwrap_or(0);
    let mut message = format!("{}: {}", problem.code, problem.title);
    for field in &problem.errors {
        let _ = write!(message, "\n  {:<width$}  {}", field.pointer, field.detail);
    }
    let _ = write!(message, "\n  (request {})", problem.request_id);
    Some(message)
}

/// What the command line can say beyond the server's own words.
fn hint(error: &cstar_client::Error) -> Option<&'static str> {
    match error.code()? {
        "unauthenticated" | "key_revoked" | "token_expired" => {
            Some("the key is the one of --key, else of CSTAR_KEY, else of the profile")
        }
        "wrong_team" => Some("--team (CSTAR_TEAM_ID) and --key (CSTAR_KEY) have to belong together"),
        _ => None,
    }
}

impl From<cstar_client::ConfigError> for CliError {
    fn from(error: cstar_client::ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}
