//! A request on its way out: the head and the body in one write where the system takes it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;

use super::super::stream::Stream;
use crate::request::Outgoing;

/// What is being written, or was.
#[derive(Default)]
pub(super) struct Sending {
    /// Its memory serves the next request of the connection.
    head: Vec<u8>,
    body: Bytes,
    written: usize,
    flushed: bool,
}

impl Sending {
    pub(super) fn begin(&mut self, request: &Outgoing<'_>) {
        self.head.clear();
        request.write_head(&mut self.head);
        self.body = request.body();
        (self.written, self.flushed) = (0, false);
    }

    /// Any bytes.
    #[cfg(test)]
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { head: bytes.to_vec(), ..Self::default() }
    }

    /// Whether all of it was written.
    pub(super) fn is_done(&self) -> bool {
        self.flushed
    }

    /// Writes as much as the connection takes.
    pub(super) fn poll(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.flushed {
            return Poll::Ready(Ok(()));
        }
        while self.written < self.head.len() + self.body.len() {
            let head = self.head.get(self.written..).unwrap_or_default();
            let body = &self.body[self.written.saturating_sub(self.head.len())..];
            let parts = [IoSlice::new(head), IoSlice::new(body)];
            match ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &parts))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        ready!(Pin::new(stream).poll_flush(cx))?;
        self.flushed = true;
        self.body = Bytes::new(); // an idle connection holds no event
        Poll::Ready(Ok(()))
    }
}
