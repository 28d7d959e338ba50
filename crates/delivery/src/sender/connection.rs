//! One connection, whichever HTTP it speaks, and what is read of an answer.

use bytes::Bytes;
use cstar_types::limits::{RESPONSE_KEPT_BYTES, RESPONSE_READ_MAX_BYTES};
use http::Response;
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;

use super::failure::Failure;
use super::http1::Http1;
use super::http2::Http2;
use super::stream::Stream;
use crate::request::Outgoing;

/// The largest head of an answer that is read, in bytes: four times what common servers write at most.
pub(super) const HEAD_MAX_BYTES: usize = 32 * 1024;

/// A connection to one vetted address.
pub(super) enum Connection {
    Http1(Box<Http1>),
    Http2(Http2),
}

/// An exchange that ended without the head of an answer.
pub(super) struct Broken {
    pub(super) failure: Failure,
    /// The connection is gone and nothing came over it: on a pooled one it was dead before the request was written.
    pub(super) unheard: bool,
}

/// What was read of an answer's body.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Its beginning.
    pub(super) bytes: Vec<u8>,
    read: usize,
}

impl Connection {
    pub(super) async fn over(stream: Stream) -> Result<Self, Failure> {
        if stream.speaks_http2() {
            Http2::over(stream).await.map(Self::Http2)
        } else {
            Http1::over(stream).await.map(|http1| Self::Http1(Box::new(http1)))
        }
    }

    /// When it was opened: what became of it has likely become of those that are older.
    pub(super) fn opened(&self) -> Instant {
        match self {
            Self::Http1(http1) => http1.opened,
            Self::Http2(http2) => http2.opened,
        }
    }

    /// Another hold of it, where several exchanges can share it.
    pub(super) fn share(&self) -> Option<Self> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(http2) => Some(Self::Http2(http2.clone())),
        }
    }

    /// Sends the request and waits for the head of the answer.
    pub(super) async fn send(&mut self, request: &Outgoing<'_>) -> Result<Response<Incoming>, Broken> {
        match self {
            Self::Http1(http1) => http1.send(request.http1()).await,
            Self::Http2(http2) => http2.send(request.http2()).await,
        }
    }

    /// Reads the body until its end or its bound; answers whether the connection can take another request. What was
    /// read stays in `kept` when the caller stops waiting.
    pub(super) async fn read(&mut self, mut body: Incoming, kept: &mut Kept) -> bool {
        while !body.is_end_stream() {
            let frame = match self {
                Self::Http1(http1) => http1.frame(&mut body).await,
                Self::Http2(_) => super::http2::frame(&mut body).await,
            };
            match frame {
                None => break,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => {
                    if frame.into_data().is_ok_and(|data| kept.is_full_with(&data)) {
                        return matches!(self, Self::Http2(_)); // dropping the body resets that one stream
                    }
                }
            }
        }
        drop(body);
        self.is_open()
    }

    /// Whether it can take a request now, as far as this side knows.
    pub(super) fn is_open(&mut self) -> bool {
        match self {
            Self::Http1(http1) => http1.is_open(),
            Self::Http2(http2) => http2.is_open(),
        }
    }
}

impl Kept {
    /// Takes the next bytes; whether the bound of what is read is reached.
    fn is_full_with(&mut self, data: &Bytes) -> bool {
        let room = RESPONSE_KEPT_BYTES.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&data[..data.len().min(room)]);
        self.read += data.len();
        self.read >= RESPONSE_READ_MAX_BYTES
    }
}
