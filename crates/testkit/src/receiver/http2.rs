//! One connection of a receiver over HTTP/2, where no byte of the answer needs to be in our hands.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Received, Script, Seen};

/// A stream that is reset instead of answered.
#[derive(Debug)]
struct HungUp;

impl std::fmt::Display for HungUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("hung up")
    }
}

impl std::error::Error for HungUp {}

/// Serves requests, several at a time, until the other side has had enough.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: usize,
    script: Arc<Script>,
    seen: Arc<Seen>,
) {
    let service =
        service_fn(move |request| answer(request, connection, Arc::clone(&script), Arc::clone(&seen)));
    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    // How a connection ends is the other side's business.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    connection: usize,
    script: Arc<Script>,
    seen: Arc<Seen>,
) -> Result<Response<Full<Bytes>>, HungUp> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| HungUp)?.to_bytes();
    let request = Received {
        connection,
        method: head.method.to_string(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: head.headers,
        body,
    };
    let reply = script(&request);
    seen.note(request);
    if let Some(gate) = &reply.behind {
        gate.pass().await;
    }
    let (status, headers) = reply.parts().ok_or(HungUp)?;
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Full::from(reply.body.clone())).map_err(|_: hyper::http::Error| HungUp)
}
