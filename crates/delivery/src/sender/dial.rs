//! Opening a connection. SEC-1: the only place that dials, and it takes nothing but a vetted address.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::Trace;
use super::connection::Connection;
use super::failure::{Failure, Stage};
use super::proxy::Tunnels;
use super::stream::Stream;
use super::tls;
use crate::target::{Target, Vetted};

/// How long an address may take to be connected to while others are left: a lost packet is sent again after a second, and
/// one that swallows all of them must not hide the next.
const NEXT_AFTER: Duration = Duration::from_secs(2);

/// Opens connections.
pub(super) struct Dialler {
    pub(super) tls: TlsConnector,
    /// How long the other end may leave unacknowledged what was sent to it, before the connection counts as dead.
    pub(super) silence_max: Duration,
    /// The way through the operator's proxy, if there is one.
    pub(super) tunnels: Option<Tunnels>,
}

impl Dialler {
    /// Connects to the first of the addresses that takes it, with TLS if the target says so.
    pub(super) async fn dial(
        &self,
        target: &Target,
        vetted: &[Vetted],
        deadline: Instant,
        trace: &mut Trace,
    ) -> Result<(SocketAddr, Connection), Failure> {
        let (address, tcp) = self.connect(vetted, deadline, trace).await?;
        let stream = if target.url().scheme() == "https" {
            trace.stage = Stage::Handshaking;
            let name = tls::server_name(target.host()).ok_or(Failure::Tls(None))?;
            let stream = self.tls.connect(name, tcp).await.map_err(|error| Failure::handshaking(&error))?;
            Stream::Tls(Box::new(stream))
        } else {
            Stream::Plain(tcp)
        };
        trace.stage = Stage::Answering;
        Ok((address, Connection::over(stream).await?))
    }

    /// Each address gets its share of the time that is left.
    async fn connect(
        &self,
        vetted: &[Vetted],
        deadline: Instant,
        trace: &mut Trace,
    ) -> Result<(SocketAddr, TcpStream), Failure> {
        let mut last = Failure::Unresolved;
        for (left, vetted) in (1..=vetted.len()).rev().zip(vetted) {
            let address = vetted.address();
            (trace.address, trace.stage) = (Some(address), self.connecting());
            let until = share(Instant::now(), deadline, left);
            match timeout_at(until, self.connect_to(address, &mut trace.stage)).await {
                Ok(Ok(stream)) => return Ok((address, stream)),
                Ok(Err(failure)) => last = failure,
                Err(_) => last = Failure::Timeout(trace.stage),
            }
        }
        Err(last)
    }

    /// A connection to a vetted address, directly or through the operator's proxy.
    async fn connect_to(&self, address: SocketAddr, stage: &mut Stage) -> Result<TcpStream, Failure> {
        if let Some(tunnels) = &self.tunnels {
            return tunnels.open(address, stage, |stream| self.prepare(stream)).await;
        }
        let connected = async {
            let stream = TcpStream::connect(address).await?;
            self.prepare(&stream)?;
            Ok(stream)
        };
        connected.await.map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::TimedOut => Failure::Timeout(Stage::Connecting),
            _ => Failure::connecting(error, address),
        })
    }

    /// The stage that dialling begins with.
    pub(super) fn connecting(&self) -> Stage {
        if self.tunnels.is_some() { Stage::ReachingProxy } else { Stage::Connecting }
    }

    fn prepare(&self, stream: &TcpStream) -> io::Result<()> {
        // Requests are written whole; waiting to fill a packet would only delay them.
        stream.set_nodelay(true)?;
        #[cfg(target_os = "linux")]
        {
            let silence_ms = self.silence_max.as_millis().try_into().unwrap_or(u32::MAX);
            rustix::net::sockopt::set_tcp_user_timeout(stream, silence_ms)?;
        }
        Ok(())
    }
}

/// Until when an address is tried while so many are `left`, itself among them.
fn share(now: Instant, deadline: Instant, left: usize) -> Instant {
    let time = deadline.saturating_duration_since(now) / u32::try_from(left).unwrap_or(u32::MAX);
    now + if left > 1 { time.min(NEXT_AFTER) } else { time }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_not_waited_for_while_others_are_left() {
        let now = Instant::now();
        let tried = |seconds, left| (share(now, now + Duration::from_secs(seconds), left) - now).as_secs();
        assert_eq!((tried(10, 8), tried(10, 3), tried(10, 2), tried(10, 1)), (1, 2, 2, 10));
    }
}
