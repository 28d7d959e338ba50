//! HTTP/2: several exchanges share a connection, so it has a task of its own, which ends when nobody holds it.

use bytes::Bytes;
use cstar_types::limits::RESPONSE_READ_MAX_BYTES;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::time::Instant;

use super::connection::{Broken, HEAD_MAX_BYTES, Kept};
use super::failure::{Failure, lost_connection};
use super::head::Head;
use super::stream::Stream;

/// What one answer may send before it is read: as much as is ever read of it.
const STREAM_WINDOW_BYTES: u32 = RESPONSE_READ_MAX_BYTES as u32;

/// What all answers on a connection may send before they are read.
const CONNECTION_WINDOW_BYTES: u32 = 16 * STREAM_WINDOW_BYTES;

/// A share in a connection.
pub(super) struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    /// What is left to be read of the answer to this share's request.
    body: Option<Incoming>,
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
        Ok(Self { sender, body: None, opened: Instant::now() })
    }

    /// Another share, for another request.
    pub(super) fn share(&self) -> Self {
        Self { sender: self.sender.clone(), body: None, opened: self.opened }
    }

    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Head, Broken> {
        let broken = |error| Broken { failure: Failure::answering(&error), unheard: lost_connection(&error) };
        let (head, body) = self.sender.send_request(request).await.map_err(broken)?.into_parts();
        self.body = Some(body);
        Ok(Head::of_map(head.status, &head.headers))
    }

    /// See [`Connection::read`](super::connection::Connection::read).
    pub(super) async fn read(&mut self, kept: &mut Kept) -> bool {
        // Dropped before its end, it resets its own stream alone.
        let Some(mut body) = self.body.take() else { return self.is_open() };
        while !body.is_end_stream() {
            match body.frame().await {
                None => break,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => {
                    if frame.into_data().is_ok_and(|data| kept.is_full_with(&data, data.len())) {
                        return true;
                    }
                }
            }
        }
        drop(body);
        self.is_open()
    }

    pub(super) fn is_open(&self) -> bool {
        self.sender.is_ready()
    }
}
