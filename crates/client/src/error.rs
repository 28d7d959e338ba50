//! What can go wrong, by what the caller can do about it.

use std::fmt;
use std::io;
use std::time::Duration;

use cstar_wire::Code;
use thiserror::Error;

use crate::Refusal;

/// Any error, of a [`crate::KeySource`] that fails.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The result of a call.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call or a stream failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The server, or something before it, answered and refused: the refusal says what to change.
    #[error(transparent)]
    Api(#[from] Box<Refusal>),
    /// The server was not reached, or the connection broke: see to the network, and try again.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// No answer in time. Whether the request was carried out is not known.
    #[error("no answer within {0:?}: try again, or see whether the server is overloaded")]
    Timeout(Duration),
    /// What came is not what cStar answers: see to the address, or to a proxy between.
    #[error("{0}: check that the address is cStar's, and that no proxy changes its answers")]
    Protocol(String),
    /// The function that gives the key failed.
    #[error("the key could not be had: {0}")]
    Key(#[source] BoxError),
    /// A stream that stood has ended.
    #[error(transparent)]
    Stream(#[from] StreamEnd),
}

/// The server was not reached, or the connection broke.
#[derive(Debug, Error)]
pub struct NetworkError {
    pub(crate) url: String,
    pub(crate) sent: bool,
    #[source]
    pub(crate) source: BoxError,
}

/// Why a stream that stood has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StreamEnd {
    /// The server, or a proxy before it, closed the connection.
    #[error("the stream was closed")]
    Closed,
    /// The server said that it is about to close, and when to come back.
    #[error("the server is about to close and asks to reconnect")]
    Reconnect,
    /// Nothing came for two and a half heartbeats: the connection is dead, although nobody said so.
    #[error("nothing came for {0:?}, not even a heartbeat")]
    Silent(Duration),
    /// The key or token that the stream was opened with opens nothing any more.
    #[error("{}", unauthorized(*.code))]
    Unauthorized {
        /// Why, if the server said something that this client knows: [`Code::TokenExpired`] and [`Code::KeyRevoked`] ask for
        /// another key, after [`Code::NotFound`] there is none, because the team was deleted.
        code: Option<Code>,
    },
}

impl Error {
    /// The refusal, if there was one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Api(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The status of the answer, if it was a refusal.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.refusal().map(|refusal| refusal.status)
    }

    /// The problem code of the refusal, or of a stream's end, such as `not_found`, if there is one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Stream(StreamEnd::Unauthorized { code }) => code.map(Code::as_str),
            _ => self.refusal()?.problem.as_ref().map(|problem| &*problem.code),
        }
    }

    pub(crate) fn protocol(what: impl Into<String>) -> Self {
        Self::Protocol(what.into())
    }
}

fn unauthorized(code: Option<Code>) -> &'static str {
    match code {
        Some(Code::NotFound) => "the team was deleted",
        Some(Code::KeyRevoked) => "the key was revoked: another one is needed",
        Some(Code::TokenExpired) => "the key or token has expired: another one is needed",
        _ => "the key is not taken any more: another one is needed",
    }
}

impl NetworkError {
    /// Whether the request may have reached the server. If not, nothing was carried out.
    #[must_use]
    pub const fn may_have_reached(&self) -> bool {
        self.sent
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, sent, source } = self;
        let cause = root_cause(&**source);
        if was_cut_off(cause) {
            write!(f, "the connection to {url} broke: it was cut off")
        } else if *sent {
            write!(f, "the connection to {url} broke: {cause}")
        } else {
            write!(f, "cannot reach {url}: {cause}; check the address, and that the server runs")
        }
    }
}

/// The innermost cause says what happened; those around it, only that something did.
fn root_cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause
}

/// Whether the other side went away in the middle of what it said: how far the parser had come says nothing to a reader.
fn was_cut_off(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
}
