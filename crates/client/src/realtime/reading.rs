//! Bytes to blocks, no faster than they are asked for.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use cstar_sse::{Limits, Parsed, Parser};
use futures_util::Stream;
use futures_util::stream::BoxStream;

use super::session::HEARTBEAT_UNLESS_SAID;
use super::silence::Silence;
use crate::{Error, Result, StreamEnd};

/// The bytes of a stream as they come.
pub(crate) type ByteStream = BoxStream<'static, Result<Bytes>>;

/// A block: the name of what it says, its id, its data.
pub(crate) struct Block {
    pub(crate) event: Option<String>,
    pub(crate) id: String,
    pub(crate) data: String,
}

/// A connection that is being read. It holds one chunk and what the parser has begun: a reader that does not poll holds
/// the server back.
pub(crate) struct Reading {
    bytes: ByteStream,
    chunk: Bytes,
    parser: Parser,
    silence: Silence,
}

impl Reading {
    pub(crate) fn new(bytes: ByteStream) -> Self {
        let silence = Silence::new(HEARTBEAT_UNLESS_SAID);
        Self { bytes, chunk: Bytes::new(), parser: Parser::new(Limits::default()), silence }
    }

    pub(crate) fn set_heartbeat(&mut self, heartbeat: Duration) {
        self.silence.set_heartbeat(heartbeat);
    }

    /// The next block.
    ///
    /// # Errors
    /// When the stream has ended, however.
    pub(crate) fn poll_block(&mut self, cx: &mut Context<'_>) -> Poll<Result<Block>> {
        loop {
            match self.parser.next(&mut self.chunk) {
                Ok(Some(Parsed::Event { event, data, id })) => {
                    return Poll::Ready(Ok(Block { event, id, data }));
                }
                // `retry:` is for clients that know nothing better; the wait after `cstar.reconnect` is in its data.
                Ok(Some(Parsed::Retry(_))) => {}
                Ok(None) => self.chunk = ready!(self.poll_chunk(cx))?,
                Err(error) => return Poll::Ready(Err(Error::protocol(error.to_string()))),
            }
        }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes>> {
        match Pin::new(&mut self.bytes).poll_next(cx) {
            Poll::Ready(Some(chunk)) => {
                self.silence.broken();
                Poll::Ready(chunk)
            }
            Poll::Ready(None) => Poll::Ready(Err(StreamEnd::Closed.into())),
            Poll::Pending => self.silence.poll(cx).map(|silent| Err(StreamEnd::Silent(silent).into())),
        }
    }
}
