//! One connection, whichever HTTP it speaks, and what is read of an answer.

use cstar_types::limits::{RESPONSE_KEPT_BYTES, RESPONSE_READ_MAX_BYTES};
use tokio::time::Instant;

use super::failure::Failure;
use super::head::Head;
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
            Ok(Self::Http1(Box::new(Http1::over(stream))))
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
            Self::Http2(http2) => Some(Self::Http2(http2.share())),
        }
    }

    /// Sends the request and waits for the head of the answer.
    pub(super) async fn send(&mut self, request: &Outgoing<'_>) -> Result<Head, Broken> {
        match self {
            Self::Http1(http1) => http1.send(request).await,
            Self::Http2(http2) => http2.send(request.http2()).await,
        }
    }

    /// Reads the body until its end or its bound; answers whether the connection can take another request. What was
    /// read stays in `kept` when the caller stops waiting.
    pub(super) async fn read(&mut self, kept: &mut Kept) -> bool {
        match self {
            Self::Http1(http1) => http1.read(kept).await,
            Self::Http2(http2) => http2.read(kept).await,
        }
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
    /// Takes the next bytes, and counts how many came for them; whether the bound of what is read is reached.
    pub(super) fn is_full_with(&mut self, data: &[u8], came: usize) -> bool {
        let room = RESPONSE_KEPT_BYTES.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&data[..data.len().min(room)]);
        self.read += came;
        self.read >= RESPONSE_READ_MAX_BYTES
    }
}
