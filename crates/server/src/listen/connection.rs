//! One connection, from its first byte.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use cstar_api::{Answering, Handover, Peer};
use cstar_realtime::{HangUp, Subscription};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::begin::{Begun, begin};
use super::head_deadline::{HEAD_DEADLINE, HeadDeadline};
use super::linger::Lingering;
use super::lookout::Lookout;
use super::plain::Plain;
use super::stream::{Line, Pumps};
use super::unread::Unread;
use super::written::Written;

/// The largest request head; browsers and proxies send at most about 16 KiB.
const HEAD_MAX_BYTES: usize = 32 * 1024;
/// Streams and requests at once on one HTTP/2 connection: a browser shares one for all tabs of an origin.
const HTTP2_MAX_STREAMS: u32 = 256;
/// A TLS handshake must end within this time.
const TLS_DEADLINE: Duration = Duration::from_secs(10);
/// How often an HTTP/2 peer with open requests is pinged, so that there is something to acknowledge even where its streams
/// have no room.
const PING_EVERY: Duration = Duration::from_secs(15);
/// A peer that is there but does not read answers no ping. It is given as long as a stream may stand still.
const PONG_DEADLINE: Duration = Duration::from_secs(600);
/// What an HTTP/2 connection begins with; no HTTP/1 method does.
pub(super) const HTTP2_PREFACE: &[u8] = b"PRI";

/// What all connections of a listener are served with.
pub(super) struct Service {
    either: auto::Builder<TokioExecutor>,
    http1: http1::Builder,
    api: cstar_api::Service,
    tls: Option<TlsAcceptor>,
    /// No further request is taken from then on.
    stop: CancellationToken,
    pumps: Arc<Pumps>,
    /// The runtime of everything but streams.
    main: Handle,
}

impl Service {
    pub(super) fn new(
        api: cstar_api::Service,
        tls: Option<TlsAcceptor>,
        stop: CancellationToken,
        unacknowledged: Duration,
        main: Handle,
    ) -> Arc<Self> {
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE).max_buf_size(HEAD_MAX_BYTES);
        let pumps = Pumps::new(unacknowledged);
        Arc::new(Self { either: either(), http1, api, tls, stop, pumps, main })
    }
}

fn either() -> auto::Builder<TokioExecutor> {
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

/// What a connection holds for as long as it lives, whoever serves it.
pub(super) struct Held {
    /// Ends it at once.
    pub(super) cut: CancellationToken,
    pub(super) _place: OwnedSemaphorePermit,
    /// The server waits for it before it ends.
    pub(super) _open: TaskTrackerToken,
}

/// A connection that was accepted.
pub(super) struct Connection {
    pub(super) service: Arc<Service>,
    pub(super) peer: Peer,
    pub(super) deadline: Arc<HeadDeadline>,
    pub(super) lookout: Lookout,
    pub(super) held: Held,
}

/// What is told to those who answer a connection's requests.
#[derive(Clone)]
struct Guide {
    peer: Peer,
    hang_up: HangUp,
    deadline: Arc<HeadDeadline>,
    handover: Option<Handover>,
}

/// A stream that has left hyper.
struct Taken {
    socket: TcpStream,
    subscription: Subscription,
}

impl Connection {
    /// Serves it here if it may be a stream, and on the runtime of everything else if not.
    pub(super) async fn run(mut self, stream: TcpStream) {
        if self.service.tls.is_some() {
            return self.serve(stream, Bytes::new()).await;
        }
        let begins =
            begin(stream, &self.service.stop).map(|begun| begun.inspect_err(tell_broken).ok().flatten());
        let begun = until_ended(begins, &self.held, &self.deadline, &mut self.lookout).await;
        let Some(Begun { stream, read, may_be_stream }) = begun else { return };
        if may_be_stream {
            return self.serve(stream, read).await;
        }
        if let Ok(stream) = stream.into_std().inspect_err(tell_broken) {
            self.service.main.clone().spawn(self.serve_plain(stream, read));
        }
    }

    /// Answers publishes, and serves what comes behind them.
    async fn serve_plain(mut self, stream: std::net::TcpStream, read: Bytes) {
        let Ok(stream) = TcpStream::from_std(stream).inspect_err(tell_broken) else { return };
        let Service { api, stop, .. } = self.service.as_ref();
        let plain = Plain { api, peer: self.peer, stop, deadline: &self.deadline };
        let rest = until_ended(plain.serve(stream, read), &self.held, &self.deadline, &mut self.lookout);
        if let Some((stream, read)) = rest.await {
            self.serve(stream, read).await;
        }
    }

    /// Speaks what the peer speaks, and hands a stream to the pumps.
    async fn serve(mut self, stream: TcpStream, read: Bytes) {
        let guide = Guide {
            peer: self.peer,
            hang_up: scissors(&self.held.cut),
            deadline: Arc::clone(&self.deadline),
            handover: None,
        };
        let spoken = self.service.speak(stream, read, guide);
        let taken = until_ended(spoken, &self.held, &self.deadline, &mut self.lookout).await;
        if let Some(Taken { socket, subscription }) = taken {
            self.service.pumps.serve(Line::new(socket, subscription, self.lookout, self.held));
        }
    }
}

fn tell_broken(error: &io::Error) {
    tracing::debug!(%error, "a connection broke before it was served");
}

/// Serves a connection until something comes of it, or until it is over.
async fn until_ended<T>(
    serving: impl Future<Output = Option<T>>,
    held: &Held,
    deadline: &HeadDeadline,
    lookout: &mut Lookout,
) -> Option<T> {
    let ended = async {
        tokio::select! {
            () = held.cut.cancelled() => "it was cut",
            () = deadline.missed() => "it asked for nothing",
            () = lookout.gone() => "its peer acknowledges nothing",
        }
    };
    // Alone in a set, it is looked at when it was woken, and not with every request.
    let mut ended = FuturesUnordered::from_iter([ended]);
    tokio::select! {
        biased;
        came = serving => came,
        Some(why) = ended.next() => {
            tracing::debug!(why, "a connection was closed");
            None
        }
    }
}

impl Service {
    /// Speaks what the peer speaks, of whom so much was read, until the connection ends or is a stream.
    async fn speak(&self, stream: TcpStream, read: Bytes, guide: Guide) -> Option<Taken> {
        if let Some(tls) = &self.tls {
            match timeout(TLS_DEADLINE, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.speak_either(stream, guide).await,
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
            return None;
        }
        let may_be_http2 = read.starts_with(HTTP2_PREFACE) || HTTP2_PREFACE.starts_with(&read);
        let stream = Unread::new(stream, read);
        if may_be_http2 {
            self.speak_either(stream, guide).await;
            return None;
        }
        self.speak_http1(stream, guide).await
    }

    async fn speak_either<S>(&self, stream: S, guide: Guide)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let api = self.api.clone();
        let service = service_fn(move |request| answer(&api, request, &guide));
        let connection = pin!(self.either.serve_connection(TokioIo::new(Lingering::new(stream)), service));
        tell(drive(&self.stop, connection, |it, cx| it.poll(cx), |it| it.graceful_shutdown()).await);
    }

    /// Speaks HTTP/1.1 until the connection ends, or until all that it carries is a stream.
    async fn speak_http1(&self, stream: Unread<TcpStream>, mut guide: Guide) -> Option<Taken> {
        let handover = Handover::default();
        guide.handover = Some(handover.clone());
        let api = self.api.clone();
        let service = service_fn(move |request| answer(&api, request, &guide));
        let io = TokioIo::new(Written::new(Lingering::new(stream), handover.clone()));
        let mut connection = self.http1.serve_connection(io, service);
        let poll = |it: Pin<&mut http1::Connection<_, _>>, cx: &mut Context<'_>| match it.poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Err(ended)),
            Poll::Pending => {
                handover.take().map_or(Poll::Pending, |subscription| Poll::Ready(Ok(subscription)))
            }
        };
        match drive(&self.stop, Pin::new(&mut connection), poll, |it| it.graceful_shutdown()).await {
            Ok(subscription) => {
                let socket = connection.into_parts().io.into_inner().into_inner().into_inner().into_inner();
                Some(Taken { socket, subscription })
            }
            Err(ended) => {
                tell(ended);
                None
            }
        }
    }
}

/// Polls a connection until something comes of it; once the server stops, it takes no further request.
async fn drive<C, T>(
    stop: &CancellationToken,
    mut connection: Pin<&mut C>,
    poll: impl Fn(Pin<&mut C>, &mut Context<'_>) -> Poll<T>,
    take_no_more: impl Fn(Pin<&mut C>),
) -> T {
    let mut stopped = pin!(stop.cancelled());
    let mut stops = false;
    loop {
        tokio::select! {
            biased; // what was read before the stop is answered
            ended = poll_fn(|cx| poll(connection.as_mut(), cx)) => return ended,
            () = &mut stopped, if !stops => {
                stops = true;
                take_no_more(connection.as_mut());
            }
        }
    }
}

fn answer(api: &cstar_api::Service, mut request: Request<Incoming>, guide: &Guide) -> Answering {
    guide.deadline.met();
    // What HTTP/1.0 makes of an answer without a length, and what is behind a body that nobody reads, hyper knows best.
    let is_plain = request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && request.body().is_end_stream();
    let handover = guide.handover.clone().filter(|_| is_plain);
    let extensions = request.extensions_mut();
    extensions.insert(guide.hang_up.clone());
    extensions.insert(guide.peer);
    handover.map(|handover| extensions.insert(handover));
    api.answer(request)
}

fn tell<E: std::fmt::Display>(ended: Result<(), E>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// What cuts a connection from within: the hub, when nobody takes what a stream has to send. Over HTTP/2 the streams
/// beside it on the same connection are cut with it, and reconnect.
fn scissors(cut: &CancellationToken) -> HangUp {
    let cut = cut.clone();
    HangUp::new(move || cut.cancel())
}
