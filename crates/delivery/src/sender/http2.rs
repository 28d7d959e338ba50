//! HTTP/2: several exchanges share a connection, so it has a task of its own, which ends when nobody holds it.

use bytes::Bytes;
use cstar_types::limits::RESPONSE_READ_MAX_BYTES;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::time::Instant;

use super::connection::{Broken, HEAD_MAX_BYTES};
use super::failure::{Failure, lost_connection};
use super::stream::Stream;

/// What one answer may send before it is read: as much as is ever read of it.
const STREAM_WINDOW_BYTES: u32 = RESPONSE_READ_MAX_BYTES as u32;

/// What all answers on a connection may send before they are read.
const CONNECTION_WINDOW_BYTES: u32 = 16 * STREAM_WINDOW_BYTES;

/// A share in a connection.
#[derive(Clone)]
pub(super) struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    pub(super) opened: Instant,
}

impl Http2 {
    pub(super) async fn over(stream: Stream) -> Result<Self, Failure> {
        let handshake = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(HEAD_MAX_BYTES as u32)
            .handshake(TokioIo::new(stream));
        let (sender, driver) = handshake.await.map_err(|error| Failure::answering(&error))?;
        tokio::spawn(async move {
            // Why it ended is told to the exchanges that it broke.
            let _ended = driver.await;
        });
        Ok(Self { sender, opened: Instant::now() })
    }

    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Broken> {
        self.sender
            .send_request(request)
            .await
            .map_err(|error| Broken { failure: Failure::answering(&error), unheard: lost_connection(&error) })
    }

    pub(super) fn is_open(&self) -> bool {
        self.sender.is_ready()
    }
}

pub(super) async fn frame(body: &mut Incoming) -> Option<hyper::Result<Frame<Bytes>>> {
    body.frame().await
}
