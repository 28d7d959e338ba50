//! A webhook's endpoint that notes every request and answers as it is told, well or badly.

mod connection;
mod http2;
mod reply;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use hyper::header::HeaderMap;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::authority::Identity;
use crate::wait::until;

pub use reply::{Gate, Reply};

/// What decides on the answer to each request.
type Script = dyn Fn(&Received) -> Reply + Send + Sync;

/// An endpoint on loopback, over HTTP/1.1 or, behind TLS, HTTP/2. Dropped, it closes its port and all connections.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

/// What came so far.
#[derive(Debug, Default)]
struct Seen {
    requests: Mutex<Vec<Received>>,
    connections: AtomicUsize,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// On which connection, from 0.
    pub connection: usize,
    /// When its last byte was here.
    pub at: Instant,
    /// The method.
    pub method: String,
    /// The path with the query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Whether the connection was closed on it without a byte.
    pub hung_up_on: bool,
}

impl Receiver {
    /// An endpoint that answers each request as `script` says.
    ///
    /// # Panics
    /// Without a free port.
    pub async fn new(script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), script).await
    }

    /// The same in this place, which may be of the other family.
    ///
    /// # Panics
    /// When it is taken.
    pub async fn at(
        address: SocketAddr,
        script: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(address, None, script).await
    }

    /// The same behind TLS, with this certificate; HTTP/2 if the identity offers it.
    ///
    /// # Panics
    /// Without a free port.
    pub async fn over_tls(
        identity: &Identity,
        script: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start((Ipv4Addr::LOCALHOST, 0).into(), Some(identity.acceptor()), script).await
    }

    async fn start(
        address: SocketAddr,
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let seen = Arc::new(Seen::default());
        let door = Door { tls, script: Arc::new(script), seen: Arc::clone(&seen) };
        Self { address, scheme, seen, task: tokio::spawn(accept(listener, door)) }
    }

    /// An endpoint that takes everything with a 200.
    pub async fn ok() -> Self {
        Self::new(|_| Reply::status(200)).await
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path of its own.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The same under a name that a test's resolver leads here.
    #[must_use]
    pub fn url_at(&self, host: &str, path: &str) -> String {
        format!("{}://{host}:{}{path}", self.scheme, self.address.port())
    }

    /// Every request that came whole, in the order of arrival.
    ///
    /// # Panics
    /// When a script has panicked.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.seen.requests.lock().expect("no script has panicked").clone()
    }

    /// The requests to a path.
    #[must_use]
    pub fn received_at(&self, path: &str) -> Vec<Received> {
        self.received().into_iter().filter(|request| request.path == path).collect()
    }

    /// How many connections were made.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    /// Waits until so many requests have come.
    pub async fn until_received(&self, count: usize) -> Vec<Received> {
        until(&format!("{count} requests at the receiver"), async || {
            let received = self.received();
            (received.len() >= count).then_some(received)
        })
        .await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What each connection comes through.
#[derive(Clone)]
struct Door {
    tls: Option<TlsAcceptor>,
    script: Arc<Script>,
    seen: Arc<Seen>,
}

async fn accept(listener: TcpListener, door: Door) {
    // Dropped with this task, and the connections with it.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let number = door.seen.connections.fetch_add(1, Ordering::Relaxed);
        connections.spawn(enter(stream, number, door.clone()));
    }
}

async fn enter(stream: TcpStream, number: usize, door: Door) {
    let Some(tls) = &door.tls else { return connection::serve(stream, number, door.script, door.seen).await };
    // A client that refuses the certificate ends here.
    let Ok(stream) = tls.accept(stream).await else { return };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        http2::serve(stream, number, door.script, door.seen).await;
    } else {
        connection::serve(stream, number, door.script, door.seen).await;
    }
}

impl Seen {
    fn note(&self, request: Received) {
        self.requests.lock().expect("no script has panicked").push(request);
    }
}

impl Received {
    /// A header's value; empty where there is none, or more than one.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).into_iter();
        let value = values.next().and_then(|value| value.to_str().ok());
        value.filter(|_| values.next().is_none()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Http;

    #[tokio::test]
    async fn requests_are_noted_and_answered_as_told() {
        let receiver = Receiver::new(|request| match request.path.as_str() {
            "/teapot" => Reply::status(418).header("x-kind", "pot").body("short and stout"),
            _ => Reply::hang_up(),
        })
        .await;
        let http = Http::new(receiver.address(), "key");
        let answer = http.post("/teapot", "tea").await;
        assert_eq!(
            (answer.status, answer.header("x-kind"), &answer.body[..]),
            (418, "pot", &b"short and stout"[..])
        );
        assert!(http.try_get("/other").await.is_err());
        let received = receiver.until_received(2).await;
        assert_eq!((received[0].header("authorization"), &received[0].body[..]), ("Bearer key", &b"tea"[..]));
        assert_eq!((received[1].method.as_str(), receiver.connections()), ("GET", 2));
    }

    #[tokio::test]
    async fn a_gate_holds_answers_back() {
        let gate = Gate::closed();
        let held = gate.clone();
        let receiver = Receiver::new(move |_| Reply::status(204).behind(&held)).await;
        let http = Http::new(receiver.address(), "key");
        let asking = tokio::spawn(async move { http.get("/").await.status });
        receiver.until_received(1).await;
        assert!(!asking.is_finished());
        gate.open();
        assert_eq!(asking.await.unwrap(), 204);
    }
}
