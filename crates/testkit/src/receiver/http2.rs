//! One connection of a receiver over HTTP/2, where no byte of the answer needs to be in our hands.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;

use super::{Received, Script, Seen};

/// A stream that is reset instead of answered.
#[derive(Debug)]
struct NoAnswer;

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no answer")
    }
}

impl std::error::Error for NoAnswer {}

/// One connection.
struct Door {
    connection: usize,
    script: Arc<Script>,
    seen: Arc<Seen>,
    /// The connection is to be closed without a word.
    hang_up: Notify,
}

/// Serves requests, several at a time, until one side has had enough.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: usize,
    script: Arc<Script>,
    seen: Arc<Seen>,
) {
    let door = Arc::new(Door { connection, script, seen, hang_up: Notify::new() });
    let at_door = Arc::clone(&door);
    let service = service_fn(move |request| answer(request, Arc::clone(&at_door)));
    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    tokio::select! {
        // How a connection ends is the other side's business.
        _ = server.serve_connection(TokioIo::new(stream), service) => {}
        () = door.hang_up.notified() => {}
    }
}

async fn answer(request: Request<Incoming>, door: Arc<Door>) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| NoAnswer)?.to_bytes();
    let mut request = Received {
        connection: door.connection,
        at: Instant::now(),
        method: head.method.to_string(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: head.headers,
        body,
        hung_up_on: false,
    };
    let reply = (door.script)(&request);
    request.hung_up_on = reply.hangs_up();
    door.seen.note(request);
    if let Some(gate) = &reply.behind {
        gate.pass().await;
    }
    let Some((status, headers)) = reply.parts() else {
        if reply.body.is_empty() {
            door.hang_up.notify_one();
            std::future::pending::<()>().await; // the end of the connection is the end of this
        }
        return Err(NoAnswer);
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Full::from(reply.body.clone())).map_err(|_: hyper::http::Error| NoAnswer)
}
