//! Deliveries through the operator's proxy.
//!
//! SEC-1 holds with it: the name is resolved and judged here, and the proxy is asked for a tunnel to the vetted address,
//! never for a name, for plain HTTP targets too. TLS is spoken through the tunnel with the endpoint itself, so the proxy
//! reads nothing of it. Where the proxy stands is the operator's choice, and no target: it may be a private address.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::str::FromStr;
use std::task::Poll;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::{Host, Url};

use super::failure::{Failure, Stage};
use crate::shortage;

/// The largest head of a proxy's answer, in bytes: it has little to say. The least that hyper takes.
const HEAD_MAX_BYTES: usize = 8 * 1024;

/// How long the proxy's name is taken to lead where it did.
const NAME_KEPT: Duration = Duration::from_secs(30);

/// The operator's proxy: `http://user:password@proxy.internal:3128`. Its credentials do not print (SEC-3).
#[derive(Clone, PartialEq, Eq)]
pub struct EgressProxy {
    host: String,
    port: u16,
    authorization: Option<HeaderValue>,
}

/// The text names no proxy. It does not repeat the text, which may hold a password (SEC-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write http:// with the proxy's host, its port, and user:password@ in front if it asks for them")]
pub struct NotAProxy;

impl FromStr for EgressProxy {
    type Err = NotAProxy;

    fn from_str(text: &str) -> Result<Self, NotAProxy> {
        let url = Url::parse(text).map_err(|_| NotAProxy)?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if url.scheme() != "http" || !is_bare {
            return Err(NotAProxy);
        }
        let host = match url.host().ok_or(NotAProxy)? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let authorization = (!url.username().is_empty() || url.password().is_some()).then(|| basic(&url));
        Ok(Self { host, port: url.port().unwrap_or(80), authorization })
    }
}

fn basic(url: &Url) -> HeaderValue {
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let mut pair = decoded(url.username());
    pair.push(b':');
    pair.extend(decoded(url.password().unwrap_or_default()));
    let text = format!("Basic {}", STANDARD.encode(pair));
    let mut value = HeaderValue::from_str(&text).expect("base64 is visible ASCII");
    value.set_sensitive(true);
    value
}

impl fmt::Debug for EgressProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressProxy")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Why there is no tunnel.
#[derive(Debug)]
pub(crate) enum NoTunnel {
    /// The proxy has no address, or takes no connection.
    Unreachable,
    /// It answered, and not with a tunnel.
    Refused(StatusCode),
    /// What it answered is no HTTP, is too long, or ended early.
    Garbled,
    /// It opened the tunnel, and something came through before anything was asked: that may have been the endpoint.
    SpokenFirst,
}

/// Opens tunnels.
pub(super) struct Tunnels {
    proxy: EgressProxy,
    /// Where the proxy's name led. Who asks while it is being looked up waits: there is one lookup at a time, or a name
    /// server that does not answer would take a thread for each attempt.
    addresses: Mutex<Option<(Instant, Vec<SocketAddr>)>>,
}

impl Tunnels {
    pub(super) fn through(proxy: EgressProxy) -> Self {
        Self { proxy, addresses: Mutex::default() }
    }

    /// A connection to a vetted address, through the proxy; `stage` tells when the proxy is reached. `prepare` is done to the
    /// socket first.
    pub(super) async fn open(
        &self,
        to: SocketAddr,
        stage: &mut Stage,
        prepare: impl FnOnce(&TcpStream) -> io::Result<()>,
    ) -> Result<TcpStream, Failure> {
        let addresses = self.addresses().await.map_err(|error| unreachable(error, None, "resolved"))?;
        // What is told is the error of the last one.
        let last = addresses.last().copied();
        let stream = TcpStream::connect(addresses.as_slice()).await;
        let stream = stream.map_err(|error| unreachable(error, last, "reached"))?;
        prepare(&stream).map_err(|error| unreachable(error, last, "prepared"))?;
        *stage = Stage::Tunnelling;
        ask(stream, self.request(to)).await.map_err(Failure::NoTunnel)
    }

    async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let mut known = self.addresses.lock().await;
        if let Some((since, addresses)) = &*known
            && since.elapsed() < NAME_KEPT
        {
            return Ok(addresses.clone());
        }
        let found: Vec<SocketAddr> =
            lookup_host((self.proxy.host.as_str(), self.proxy.port)).await?.collect();
        *known = Some((Instant::now(), found.clone()));
        Ok(found)
    }

    fn request(&self, to: SocketAddr) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        let authority = to.to_string();
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = authority.parse::<Uri>().expect("an address and a port are an authority");
        let host = HeaderValue::from_str(&authority).expect("an address is visible ASCII");
        request.headers_mut().insert(HOST, host);
        if let Some(authorization) = &self.proxy.authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        request
    }
}

/// `at` is where it was to be connected to, if it came to that.
fn unreachable(error: io::Error, at: Option<SocketAddr>, was_not: &str) -> Failure {
    let ran_out = match at {
        Some(at) => shortage::ran_out_connecting(&error, at),
        None => shortage::ran_out(&error),
    };
    if ran_out.is_some() {
        return Failure::RanOut(error);
    }
    // Each attempt meets it: the warning that comes now and then is word enough.
    tracing::debug!(%error, "the egress proxy was not {was_not}");
    Failure::NoTunnel(NoTunnel::Unreachable)
}

/// Asks for the tunnel, and gives the connection back once it is one.
async fn ask(stream: TcpStream, request: Request<Empty<Bytes>>) -> Result<TcpStream, NoTunnel> {
    let handshake =
        http1::Builder::new().max_buf_size(HEAD_MAX_BYTES).handshake::<_, Empty<Bytes>>(TokioIo::new(stream));
    let (mut sender, mut connection) = handshake.await.map_err(|_| NoTunnel::Garbled)?;
    let mut ended = false;
    let response = {
        let mut answer = pin!(sender.send_request(request));
        poll_fn(|cx| {
            if !ended {
                // Why it ended is told to the exchange that it broke.
                ended = connection.poll_without_shutdown(cx).is_ready();
            }
            answer.as_mut().poll(cx)
        })
        .await
    };
    let status = response.map_err(|_| NoTunnel::Garbled)?.status();
    if !status.is_success() {
        return Err(NoTunnel::Refused(status));
    }
    if !ended {
        poll_fn(|cx| match connection.poll_without_shutdown(cx) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        })
        .await;
    }
    let parts = connection.into_parts();
    // Whoever is at the other end speaks only once it was spoken to.
    if parts.read_buf.is_empty() { Ok(parts.io.into_inner()) } else { Err(NoTunnel::SpokenFirst) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEC-3: neither the proxy nor what is wrong with its text prints a password.
    #[test]
    fn a_proxy_is_read_and_its_credentials_do_not_print() {
        let proxy: EgressProxy = "http://us%20er:pa%3Ass@proxy.internal:3128".parse().unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.internal", 3128));
        let authorization = proxy.authorization.clone().unwrap();
        assert_eq!(authorization, format!("Basic {}", STANDARD.encode("us er:pa:ss")));
        assert!(!format!("{proxy:?} {authorization:?}").contains("pa"), "{proxy:?}");
        let plain: EgressProxy = "http://[fd00::1]".parse().unwrap();
        assert_eq!((plain.host.as_str(), plain.port, plain.authorization), ("fd00::1", 80, None));
        for wrong in [
            "proxy.internal:3128",
            "https://proxy.internal:3128",
            "socks5://proxy.internal",
            "http://proxy.internal/path",
            "http://proxy.internal/?q",
            "http://user:secret@",
            "",
        ] {
            assert_eq!(wrong.parse::<EgressProxy>(), Err(NotAProxy), "{wrong}");
        }
        assert!(!NotAProxy.to_string().contains("secret"));
    }

    /// On the way to the proxy, too, this side can run out of ports.
    #[test]
    fn running_out_of_ports_is_our_own_failure() {
        let error = || io::Error::from(rustix::io::Errno::ADDRNOTAVAIL);
        let of = |at: Option<&str>| unreachable(error(), at.map(|at| at.parse().unwrap()), "reached");
        assert!(matches!(of(Some("10.0.0.1:3128")), Failure::RanOut(_)));
        for at in [None, Some("[fd00::1]:3128")] {
            assert!(matches!(of(at), Failure::NoTunnel(NoTunnel::Unreachable)), "{at:?}");
        }
    }

    #[test]
    fn the_proxy_is_asked_for_the_address_alone() {
        let tunnels = Tunnels::through("http://proxy.internal".parse().unwrap());
        for address in ["93.184.215.14:443", "[2606:4700::1111]:8443"] {
            let request = tunnels.request(address.parse().unwrap());
            assert_eq!(request.uri().to_string(), address);
            assert_eq!(request.headers()[HOST], address);
        }
    }
}
