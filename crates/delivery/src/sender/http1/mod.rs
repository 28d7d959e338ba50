//! HTTP/1.1 without a task, a timer or a channel for each connection: whoever waits for an answer moves it along.

mod framing;
mod parse;
mod sending;

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;

use super::connection::{Broken, HEAD_MAX_BYTES, Kept};
use super::failure::Failure;
use super::head::Head;
use super::stream::Stream;
use crate::request::Outgoing;
use framing::Framing;
use parse::{Answer, NotHttp, parse};
use sending::Sending;

/// For how much there is room when a read begins, in bytes: a common answer comes in one.
const READ_BYTES: usize = 2 * 1024;

/// How much memory for what comes stays with an idle connection, in bytes: what a common answer needs.
const IDLE_BYTES_MAX: usize = 8 * 1024;

/// A connection that one exchange at a time has for itself.
pub(super) struct Http1 {
    stream: Stream,
    sending: Sending,
    /// What has come and was not taken yet: of a head no more than is read of one, and of a body one read.
    unread: BytesMut,
    /// How much of it was looked at and is no whole head.
    seen: usize,
    /// What all heads of this answer took so far: interim ones count, or they could go on for ever.
    head_bytes: usize,
    /// How the rest of the answer's body is read.
    framing: Framing,
    stays_open: bool,
    pub(super) opened: Instant,
}

impl Http1 {
    pub(super) fn over(stream: Stream) -> Self {
        Self {
            stream,
            sending: Sending::default(),
            unread: BytesMut::new(),
            seen: 0,
            head_bytes: 0,
            framing: Framing::None,
            stays_open: true,
            opened: Instant::now(),
        }
    }

    /// Sends the request and waits for the head of the answer.
    pub(super) async fn send(&mut self, request: &Outgoing<'_>) -> Result<Head, Broken> {
        self.sending.begin(request);
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Head, Broken> {
        (self.seen, self.head_bytes, self.stays_open) = (0, 0, false);
        let Answer { head, framing, stays_open } = poll_fn(|cx| self.poll_answer(cx)).await?;
        (self.framing, self.stays_open) = (framing, stays_open);
        Ok(head)
    }

    /// The endpoint may answer before it has read the whole request, and hang up on the rest: what breaks the writing decides
    /// nothing. The answer may lie in the socket although the system has not said so yet; that, or the end, wakes the reading.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, Broken>> {
        let _written = self.sending.poll(&mut self.stream, cx);
        loop {
            match self.take_head() {
                Ok(Some(answer)) => return Poll::Ready(Ok(answer)),
                Ok(None) => {}
                Err(NotHttp) => {
                    return Poll::Ready(Err(Broken { failure: Failure::NotHttp, unheard: false }));
                }
            }
            let failure = match ready!(self.poll_read(cx)) {
                Ok(0) => Failure::Broken,
                Err(error) => Failure::answering_io(&error),
                Ok(_) => continue,
            };
            let unheard = self.unread.is_empty() && self.head_bytes == 0;
            return Poll::Ready(Err(Broken { failure, unheard }));
        }
    }

    /// The head of the answer, if it has come.
    fn take_head(&mut self) -> Result<Option<Answer>, NotHttp> {
        // A head that comes in small pieces is not parsed anew with each of them.
        while self.unread.len() > self.seen && (self.seen == 0 || ends_a_head(&self.unread, self.seen)) {
            let Some(parsed) = parse(&self.unread)? else { break };
            self.head_bytes += parsed.len;
            if self.head_bytes > HEAD_MAX_BYTES {
                return Err(NotHttp);
            }
            self.unread.advance(parsed.len);
            self.seen = 0;
            if parsed.answer.is_some() {
                return Ok(parsed.answer);
            }
        }
        self.seen = self.unread.len();
        if self.head_bytes + self.seen >= HEAD_MAX_BYTES { Err(NotHttp) } else { Ok(None) }
    }

    /// Reads the body until its end or its bound; answers whether the connection can take another request.
    pub(super) async fn read(&mut self, kept: &mut Kept) -> bool {
        while !self.framing.has_ended() {
            if self.unread.is_empty() && !matches!(poll_fn(|cx| self.poll_body(cx)).await, Ok(1..)) {
                return false;
            }
            let Ok((taken, data)) = self.framing.take(&self.unread) else { return false };
            let is_full = kept.is_full_with(data, taken);
            self.unread.advance(taken);
            if is_full {
                return false;
            }
        }
        let is_over = self.unread.is_empty();
        if is_over && self.unread.try_reclaim(IDLE_BYTES_MAX + 1) {
            self.unread = BytesMut::new(); // an idle connection holds no large head
        }
        self.stays_open && self.sending.is_done() && is_over
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // Some endpoints answer first and read the request while they write their body.
        let _written = self.sending.poll(&mut self.stream, cx);
        self.poll_read(cx)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.unread.spare_capacity_mut().len() < READ_BYTES / 2 {
            self.unread.reserve(READ_BYTES);
        }
        let reading = pin!(self.stream.read_buf(&mut self.unread));
        reading.poll(cx)
    }

    /// Whether it stands, as far as this side knows: nothing has come, not even its end.
    pub(super) fn is_open(&mut self) -> bool {
        self.unread.is_empty() && self.poll_read(&mut Context::from_waker(Waker::noop())).is_pending()
    }
}

/// Whether the empty line that ends a head is among what has come since `seen`.
fn ends_a_head(bytes: &[u8], seen: usize) -> bool {
    let new = &bytes[seen.saturating_sub(3)..];
    new.windows(2).any(|pair| pair == b"\n\n") || new.windows(3).any(|three| three == b"\n\r\n")
}

#[cfg(test)]
mod tests;
