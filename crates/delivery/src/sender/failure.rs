//! Why an attempt got no answer.

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;

use http::StatusCode;

use super::proxy::NoTunnel;
use crate::shortage;

/// How far an attempt had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stage {
    /// Looking the name up.
    #[default]
    Resolving,
    /// Opening the connection.
    Connecting,
    /// The same, to the operator's proxy.
    ReachingProxy,
    /// Waiting for what the proxy answers, which may be waiting for the endpoint.
    Tunnelling,
    /// Agreeing on TLS.
    Handshaking,
    /// Writing the request and waiting for the head of the answer.
    Answering,
}

/// Why there was no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The target rule refused the address (SEC-1).
    Blocked,
    /// The name has no address.
    Unresolved,
    /// No connection.
    Connect(io::Error),
    /// No way through the operator's proxy.
    NoTunnel(NoTunnel),
    /// No TLS; `None` where the connection ended during the handshake.
    Tls(Option<rustls::Error>),
    /// The deadline passed in this stage.
    Timeout(Stage),
    /// The connection broke before the answer.
    Broken,
    /// The answer was no HTTP, or its head was larger than is read.
    NotHttp,
    /// This process ran out of something: not the endpoint's failure, and no attempt.
    RanOut(io::Error),
    /// Too many names were being looked up: no attempt either.
    NoRoom,
}

impl Failure {
    /// Whether the operator's proxy failed, and not the way from there to the endpoint: no attempt. Whatever the endpoint
    /// itself can bring about is none of these, or its deliveries would be tried for ever.
    pub(crate) fn is_of_the_proxy(&self) -> bool {
        match self {
            Self::NoTunnel(NoTunnel::Unreachable | NoTunnel::Garbled)
            | Self::Timeout(Stage::ReachingProxy) => true,
            Self::NoTunnel(NoTunnel::Refused(status)) => *status == StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            _ => false,
        }
    }

    /// From an error while connecting.
    pub(super) fn connecting(error: io::Error, to: SocketAddr) -> Self {
        let ours = shortage::ran_out_connecting(&error, to).is_some();
        if ours { Self::RanOut(error) } else { Self::Connect(error) }
    }

    /// From an error in the TLS handshake.
    pub(super) fn handshaking(error: &io::Error) -> Self {
        Self::Tls(tls_error(error).cloned())
    }

    /// From an error of a connection that stood.
    pub(super) fn answering_io(error: &io::Error) -> Self {
        tls_error(error).map_or(Self::Broken, |error| Self::Tls(Some(error.clone())))
    }

    /// The same of an exchange over HTTP/2.
    pub(super) fn answering(error: &hyper::Error) -> Self {
        if error.is_parse() {
            return Self::NotHttp;
        }
        for cause in causes(error) {
            if let Some(error) = cause.downcast_ref::<io::Error>().and_then(tls_error) {
                return Self::Tls(Some(error.clone()));
            }
            if let Some(error) = cause.downcast_ref::<h2::Error>() {
                return Self::of_http2(error);
            }
        }
        Self::Broken
    }

    fn of_http2(error: &h2::Error) -> Self {
        let spoken_badly = error.is_library() && !error.is_go_away() && !error.is_reset();
        let violation = matches!(
            error.reason(),
            Some(h2::Reason::PROTOCOL_ERROR | h2::Reason::FRAME_SIZE_ERROR | h2::Reason::COMPRESSION_ERROR)
        );
        if spoken_badly || violation && error.is_library() { Self::NotHttp } else { Self::Broken }
    }
}

/// Whether the connection itself is gone, rather than this one exchange refused.
pub(super) fn lost_connection(error: &hyper::Error) -> bool {
    let reset_alone = |cause: &(dyn StdError + 'static)| {
        cause
            .downcast_ref::<h2::Error>()
            .is_some_and(|error| error.is_reset() && error.reason() != Some(h2::Reason::REFUSED_STREAM))
    };
    !error.is_parse() && !causes(error).any(reset_alone)
}

fn causes(error: &hyper::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// rustls reports through `io::Error`.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}
