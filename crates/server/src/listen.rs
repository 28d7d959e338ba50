//! Accepting connections and serving HTTP on them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use cstar_realtime::HangUp;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A request's head must be there within this time of the connection's or the previous answer's start.
const HEAD_DEADLINE: Duration = Duration::from_secs(15);
/// The largest request head; browsers and proxies send at most about 16 KiB.
const HEAD_MAX_BYTES: usize = 32 * 1024;
/// Streams and requests at once on one HTTP/2 connection: a browser shares one for all tabs of an origin.
const HTTP2_MAX_STREAMS: u32 = 256;
/// A TLS handshake must end within this time.
const TLS_DEADLINE: Duration = Duration::from_secs(10);
/// A peer that acknowledges nothing for this long is gone (half-open connections).
const UNACKNOWLEDGED: Duration = Duration::from_secs(45);
/// Rest after a failed accept, such as when descriptors run out: others may be freed meanwhile.
const ACCEPT_REST: Duration = Duration::from_millis(50);
/// How long open requests may go on after a shutdown began.
const DRAIN_DEADLINE: Duration = Duration::from_secs(12);

/// Serves `router` on `listener` until told to stop, then lets what was begun end.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    stop: CancellationToken,
) -> Result<(), std::io::Error> {
    let server = Arc::new(http_server());
    let draining = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                prepare(&stream);
                let connection = Connection { server: Arc::clone(&server), router: router.clone() };
                tokio::spawn(connection.run(stream, tls.clone(), draining.watcher()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_DEADLINE, draining.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
    Ok(())
}

fn http_server() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE).max_buf_size(HEAD_MAX_BYTES);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_MAX_STREAMS)
        .max_header_list_size(HEAD_MAX_BYTES as u32)
        .keep_alive_interval(Some(UNACKNOWLEDGED / 3))
        .keep_alive_timeout(UNACKNOWLEDGED / 3);
    server
}

/// Small frames leave at once, and a silent peer is noticed. Either failing costs comfort, not correctness.
fn prepare(stream: &TcpStream) {
    let millis = u32::try_from(UNACKNOWLEDGED.as_millis()).unwrap_or(u32::MAX);
    let set = stream
        .set_nodelay(true)
        .and_then(|()| rustix::net::sockopt::set_tcp_user_timeout(stream, millis).map_err(Into::into));
    if let Err(error) = set {
        tracing::debug!(%error, "a socket option could not be set");
    }
}

struct Connection {
    server: Arc<auto::Builder<TokioExecutor>>,
    router: Router,
}

type Watcher = hyper_util::server::graceful::Watcher;

impl Connection {
    async fn run(self, stream: TcpStream, tls: Option<TlsAcceptor>, watcher: Watcher) {
        let Some(tls) = tls else { return self.speak(stream, watcher).await };
        match tokio::time::timeout(TLS_DEADLINE, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.speak(stream, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn speak<S>(self, stream: S, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (cut, is_cut) = scissors();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(cut.clone());
            self.router.clone().oneshot(request)
        });
        let connection = self.server.serve_connection(TokioIo::new(stream), service).into_owned();
        tokio::select! {
            ended = watcher.watch(connection) => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
            }
            () = is_cut.cancelled() => tracing::debug!("cut a connection whose stream nobody read"),
        }
    }
}

/// What cuts a connection from within: the hub, when nobody takes what a stream has to send. Over HTTP/2 the streams
/// beside it on the same connection are cut with it, and reconnect.
fn scissors() -> (HangUp, CancellationToken) {
    let is_cut = CancellationToken::new();
    let cut = is_cut.clone();
    (HangUp::new(move || cut.cancel()), is_cut)
}
