//! Serving HTTP on connections.

mod begin;
mod connection;
mod door;
mod head_deadline;
mod linger;
mod lookout;
mod plain;
mod sock_diag;
mod stream;
mod unread;
mod written;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use cstar_api::Peer;
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use connection::{Connection, Held, Service};
use door::Door;
use head_deadline::HeadDeadline;
use lookout::Lookout;
use sock_diag::Ends;

/// A peer that acknowledges nothing for this long is gone (half-open connections).
const UNACKNOWLEDGED: Duration = Duration::from_secs(45);
/// How long open requests may go on after a shutdown began.
pub(crate) const DRAIN_DEADLINE: Duration = Duration::from_secs(12);

/// Serves `api` on `listener` until told to stop, then lets what was begun end, and cuts off what does not. Streams are served on the
/// present runtime, connections that begin otherwise on `main`.
///
/// # Errors
/// When the present runtime cannot take the listener over.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    api: cstar_api::Service,
    main: Handle,
    stop: CancellationToken,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener.into_std()?)?;
    if let Err(error) = Ends::are_known(&listener) {
        tracing::warn!(
            %error,
            "the system does not say how connections stand (netlink, sock_diag), so that a peer which is gone is \
             noticed after minutes: allow AF_NETLINK to the server"
        );
    }
    let limits = Limits { connections: connections_max(), unacknowledged: UNACKNOWLEDGED };
    serve_within(limits, listener, tls, api, main, stop).await;
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
    api: cstar_api::Service,
    main: Handle,
    stop: CancellationToken,
) {
    let service = Service::new(api, tls, stop.clone(), limits.unacknowledged, main);
    let (open, cut) = (TaskTracker::new(), CancellationToken::new());
    let mut door = Door::new(listener, limits.connections);
    while let Some((stream, peer, place)) = stop.run_until_cancelled(door.next()).await {
        let Some(ends) = prepare(&stream) else { continue };
        let connection = Connection {
            service: Arc::clone(&service),
            peer: Peer(peer),
            deadline: Arc::new(HeadDeadline::new()),
            lookout: Lookout::new(ends, limits.unacknowledged),
            held: Held { cut: cut.child_token(), _place: place, _open: open.token() },
        };
        tokio::spawn(connection.run(stream));
    }
    drop(door);
    open.close();
    if timeout(DRAIN_DEADLINE, open.wait()).await.is_err() {
        cut.cancel();
        tracing::warn!("some requests did not end in time and were cut off");
    }
}

/// Has small frames leave at once, and tells the connection's ends; `None` where the peer has left already.
fn prepare(stream: &TcpStream) -> Option<Ends> {
    let ends = stream.set_nodelay(true).and_then(|()| Ends::of(stream));
    ends.inspect_err(|error| tracing::debug!(%error, "a connection broke before it was served")).ok()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicBool, Ordering};

    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use futures_util::stream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::mpsc;
    use tokio::task::JoinHandle;

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    /// Every answer of these tests ends so: its body is `true` or `false`.
    const ENDS: [&[u8]; 2] = [b"true", b"false"];

    fn serving(
        limits: Limits,
        listener: TcpListener,
        router: Router,
        stop: &CancellationToken,
    ) -> JoinHandle<()> {
        tokio::spawn(serve_within(limits, listener, None, router.into(), Handle::current(), stop.clone()))
    }

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
        let serving = serving(limits, listener, router, &stop);

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

    /// A peer that has connected and said nothing does not hold up the server's end.
    #[tokio::test]
    async fn a_silent_peer_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(|| std::future::ready("true")));
        let limits = Limits { connections: 2, unacknowledged: UNACKNOWLEDGED };
        let stop = CancellationToken::new();
        let serving = serving(limits, listener, router, &stop);
        let _silent = TcpStream::connect(address).await.unwrap();
        let mut other = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut other).await.ends_with("true"), "both are taken");
        stop.cancel();
        timeout(DRAIN_DEADLINE / 2, serving).await.expect("it waits for nobody").unwrap();
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
        let serving = serving(limits, listener, router, &stop);
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
    pub(super) fn drop_all_packets_to(peer: &TcpStream) {
        const RETURN: u16 = 0x06;
        socket2::SockRef::from(peer).attach_filter(&[socket2::SockFilter::new(RETURN, 0, 0, 0)]).unwrap();
    }
}
