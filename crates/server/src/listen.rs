//! Serving HTTP on connections.

mod door;
mod linger;
mod lookout;
mod sock_diag;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use cstar_api::Peer;
use cstar_realtime::HangUp;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use door::Door;
use linger::Lingering;
use sock_diag::Ends;

/// A request's head must be there within this time of the connection's or the previous answer's start. It is longer than
/// the 60 s for which common proxies and clients keep an idle connection: whoever closes first must not be the server, or
/// their next request is lost on its way and they answer 502.
const HEAD_DEADLINE: Duration = Duration::from_secs(75);
/// The largest request head; browsers and proxies send at most about 16 KiB.
const HEAD_MAX_BYTES: usize = 32 * 1024;
/// Streams and requests at once on one HTTP/2 connection: a browser shares one for all tabs of an origin.
const HTTP2_MAX_STREAMS: u32 = 256;
/// A TLS handshake must end within this time.
const TLS_DEADLINE: Duration = Duration::from_secs(10);
/// A peer that acknowledges nothing for this long is gone (half-open connections).
const UNACKNOWLEDGED: Duration = Duration::from_secs(45);
/// How often an HTTP/2 peer with open requests is pinged, so that there is something to acknowledge even where its streams
/// have no room.
const PING_EVERY: Duration = Duration::from_secs(15);
/// A peer that is there but does not read answers no ping. It is given as long as a stream may stand still.
const PONG_DEADLINE: Duration = Duration::from_secs(600);
/// How long open requests may go on after a shutdown began.
pub(crate) const DRAIN_DEADLINE: Duration = Duration::from_secs(12);

/// Serves `router` on `listener` until told to stop, then lets what was begun end, and cuts off what does not.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    if let Err(error) = Ends::are_known(&listener) {
        tracing::warn!(
            %error,
            "the system does not say how connections stand (netlink, sock_diag), so that a peer which is gone is \
             noticed after minutes: allow AF_NETLINK to the server"
        );
    }
    let limits = Limits { connections: connections_max(), unacknowledged: UNACKNOWLEDGED };
    serve_within(limits, listener, tls, router, stop).await;
    Ok(())
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    connections: usize,
    unacknowledged: Duration,
}

/// Connections take three quarters of the descriptors at most: were they to take all, no webhook could be sent.
fn connections_max() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(descriptors / 4 * 3).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS)
}

async fn serve_within(
    limits: Limits,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    stop: CancellationToken,
) {
    let server = Arc::new(http_server());
    let (draining, cut) = (GracefulShutdown::new(), CancellationToken::new());
    let mut door = Door::new(listener, limits.connections);
    while let Some((stream, peer, place)) = stop.run_until_cancelled(door.next()).await {
        let Some(ends) = prepare(&stream) else { continue };
        let connection = Connection {
            server: Arc::clone(&server),
            router: router.clone(),
            cut: cut.child_token(),
            peer: Peer(peer),
            ends,
            unacknowledged: limits.unacknowledged,
            _place: place,
        };
        tokio::spawn(connection.run(stream, tls.clone(), draining.watcher()));
    }
    drop(door);
    if timeout(DRAIN_DEADLINE, draining.shutdown()).await.is_err() {
        cut.cancel();
        tracing::warn!("some requests did not end in time and were cut off");
    }
}

fn http_server() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE).max_buf_size(HEAD_MAX_BYTES);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_MAX_STREAMS)
        .max_header_list_size(HEAD_MAX_BYTES as u32)
        .keep_alive_interval(Some(PING_EVERY))
        .keep_alive_timeout(PONG_DEADLINE);
    server
}

/// Has small frames leave at once, and tells the connection's ends; `None` where the peer has left already.
fn prepare(stream: &TcpStream) -> Option<Ends> {
    let ends = stream.set_nodelay(true).and_then(|()| Ends::of(stream));
    ends.inspect_err(|error| tracing::debug!(%error, "a connection broke before it was served")).ok()
}

struct Connection {
    server: Arc<auto::Builder<TokioExecutor>>,
    router: Router,
    /// Ends it at once.
    cut: CancellationToken,
    peer: Peer,
    ends: Ends,
    unacknowledged: Duration,
    _place: OwnedSemaphorePermit,
}

type Watcher = hyper_util::server::graceful::Watcher;

impl Connection {
    async fn run(self, stream: TcpStream, tls: Option<TlsAcceptor>, watcher: Watcher) {
        let Some(tls) = tls else { return self.speak(stream, watcher).await };
        match timeout(TLS_DEADLINE, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.speak(stream, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn speak<S>(self, stream: S, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (hang_up, router, asked) = (scissors(&self.cut), self.router, Arc::new(Notify::new()));
        let peer = self.peer;
        let asking = Arc::clone(&asked);
        let service = service_fn(move |mut request: Request<Incoming>| {
            asking.notify_one();
            request.extensions_mut().insert(hang_up.clone());
            request.extensions_mut().insert(peer);
            router.clone().oneshot(request)
        });
        let connection =
            self.server.serve_connection(TokioIo::new(Lingering::new(stream)), service).into_owned();
        tokio::select! {
            ended = watcher.watch(connection) => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
            }
            () = self.cut.cancelled() => tracing::debug!("a connection was cut"),
            () = silence(&asked) => tracing::debug!("closed a connection that asked for nothing"),
            () = lookout::gone(self.ends, self.unacknowledged) => {
                tracing::debug!("closed a connection whose peer acknowledges nothing");
            }
        }
    }
}

/// Completes if no request comes. Until a peer has said which HTTP it speaks, no deadline of hyper's holds.
async fn silence(asked: &Notify) {
    if timeout(HEAD_DEADLINE, asked.notified()).await.is_ok() {
        std::future::pending::<()>().await;
    }
}

/// What cuts a connection from within: the hub, when nobody takes what a stream has to send. Over HTTP/2 the streams
/// beside it on the same connection are cut with it, and reconnect.
fn scissors(cut: &CancellationToken) -> HangUp {
    let cut = cut.clone();
    HangUp::new(move || cut.cancel())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use axum::body::Body;
    use axum::routing::get;
    use futures_util::stream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::mpsc;

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    /// Every answer of these tests ends so: its body is `true` or `false`.
    const ENDS: [&[u8]; 2] = [b"true", b"false"];

    async fn ask(stream: &mut TcpStream) -> String {
        stream.write_all(REQUEST).await.unwrap();
        answer(stream).await
    }

    async fn answer(stream: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        while !ENDS.iter().any(|end| bytes.ends_with(end)) {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "{bytes:?}");
        }
        String::from_utf8(bytes).unwrap()
    }

    /// One connection more than there are places for waits until one is closed, and is served then.
    #[tokio::test]
    async fn connections_are_as_many_as_there_are_places() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (first_left, stop) = (Arc::new(AtomicBool::new(false)), CancellationToken::new());
        let left = Arc::clone(&first_left);
        let router = Router::new()
            .route("/", get(move || std::future::ready(left.load(Ordering::SeqCst).to_string())));
        let limits = Limits { connections: 1, unacknowledged: UNACKNOWLEDGED };
        let serving = tokio::spawn(serve_within(limits, listener, None, router, stop.clone()));

        let mut first = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut first).await.ends_with("false"));
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(REQUEST).await.unwrap();
        for _ in 0..20 {
            // Round trips in which the second would be answered if it were served.
            assert!(ask(&mut first).await.ends_with("false"));
        }
        first_left.store(true, Ordering::SeqCst);
        drop(first);
        assert!(answer(&mut second).await.ends_with("true"), "it was served while there was no place");
        stop.cancel();
        serving.await.unwrap();
    }

    /// A body without an end, and word of its end all the same.
    fn endless(ended: mpsc::UnboundedSender<()>) -> Body {
        struct Tells(mpsc::UnboundedSender<()>);
        impl Drop for Tells {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let tells = Tells(ended);
        Body::from_stream(stream::repeat_with(move || {
            let _ = &tells;
            Ok::<_, Infallible>([b'x'; 16 * 1024].to_vec())
        }))
    }

    /// A peer that acknowledges nothing is gone, and its connection is closed; one that acknowledges, and does not read,
    /// is slow and keeps it for longer.
    #[tokio::test]
    async fn a_peer_that_is_gone_is_told_from_one_that_is_slow() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (slow_ended, mut of_slow) = mpsc::unbounded_channel();
        let (gone_ended, mut of_gone) = mpsc::unbounded_channel();
        let router = Router::new()
            .route("/slow", get(move || std::future::ready(endless(slow_ended.clone()))))
            .route("/gone", get(move || std::future::ready(endless(gone_ended.clone()))));
        let limits = Limits { connections: 9, unacknowledged: Duration::from_secs(1) };
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve_within(limits, listener, None, router, stop.clone()));
        let open = async |path| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
            stream.read_exact(&mut [0; 100]).await.unwrap();
            stream
        };

        let mut slow = open("/slow").await;
        for _ in 0..3 {
            let gone = open("/gone").await;
            drop_all_packets_to(&gone);
            timeout(Duration::from_secs(60), of_gone.recv()).await.expect("its connection is closed");
        }
        assert!(of_slow.try_recv().is_err(), "it has stood still for as long as three that are gone");
        let mut piece = vec![0; 1 << 20];
        for _ in 0..32 {
            slow.read_exact(&mut piece).await.expect("the stream goes on, behind what the sockets held");
        }
        drop(slow);
        stop.cancel();
        serving.await.unwrap();
    }

    /// From now on the peer's kernel sees nothing of this connection, as behind a cable that was pulled.
    fn drop_all_packets_to(peer: &TcpStream) {
        const RETURN: u16 = 0x06;
        socket2::SockRef::from(peer).attach_filter(&[socket2::SockFilter::new(RETURN, 0, 0, 0)]).unwrap();
    }
}
