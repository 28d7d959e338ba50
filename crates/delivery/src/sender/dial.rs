//! Opening a connection. SEC-1: the only place that dials, and it takes nothing but a vetted address.

use std::io;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::Trace;
use super::connection::Connection;
use super::failure::{Failure, Stage};
use super::stream::Stream;
use super::tls;
use crate::target::{Target, Vetted};

/// Connects to the first of the addresses that takes it, with TLS if the target says so.
pub(super) async fn dial(
    tls: &TlsConnector,
    target: &Target,
    vetted: &[Vetted],
    deadline: Instant,
    trace: &mut Trace,
) -> Result<Connection, Failure> {
    trace.stage = Stage::Connecting;
    let tcp = connect(vetted, deadline, trace).await?;
    let stream = if target.url().scheme() == "https" {
        trace.stage = Stage::Handshaking;
        let name = tls::server_name(target.host()).ok_or(Failure::Tls(None))?;
        Stream::tls(tls.connect(name, tcp).await.map_err(|error| Failure::handshaking(&error))?)
    } else {
        Stream::plain(tcp)
    };
    trace.stage = Stage::Answering;
    Connection::over(stream).await
}

/// Each address gets an equal share of the time that is left, so that one that swallows packets does not hide one that
/// answers.
async fn connect(vetted: &[Vetted], deadline: Instant, trace: &mut Trace) -> Result<TcpStream, Failure> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for (left, vetted) in (1..=vetted.len()).rev().zip(vetted) {
        trace.address = Some(vetted.address());
        let share =
            deadline.saturating_duration_since(Instant::now()) / u32::try_from(left).unwrap_or(u32::MAX);
        match timeout_at(Instant::now() + share, TcpStream::connect(vetted.address())).await {
            Ok(Ok(stream)) => {
                // Requests are written whole; waiting to fill a packet would only delay them.
                stream.set_nodelay(true).map_err(Failure::connecting)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    if last.kind() == io::ErrorKind::TimedOut {
        return Err(Failure::Timeout(Stage::Connecting));
    }
    Err(Failure::connecting(last))
}
