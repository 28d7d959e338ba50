//! A stream's connection, once its answer has begun.

use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll};

use cstar_realtime::Subscription;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::chunk::{Chunk, Joined};
use crate::listen::connection::Held;
use crate::listen::linger::Lingering;
use crate::listen::lookout::Lookout;

/// What one line writes before others have their turn.
const TURN_BYTES: usize = 64 * 1024;
/// What is thrown away at a time of what a client sends while it listens, and how often in a turn.
const UNWANTED_BYTES: usize = 1024;
const UNWANTED_READS: usize = 16;

/// The socket and the subscription, with nothing between them: no buffer to read into, and none to write from.
///
/// The head said `connection: close`, so that whatever a client sends while it listens is no request any more.
pub(in crate::listen) struct Line {
    socket: TcpStream,
    subscription: Subscription,
    chunk: Chunk,
    has_ended: bool,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    lookout: Lookout,
    held: Held,
}

/// What becomes of a line after a look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// It waits.
    Stays,
    /// It has more to do when its turn comes again.
    Again,
    /// All is said.
    Ended,
    /// The client is gone, or was cut off.
    Gone,
}

impl Line {
    pub(in crate::listen) fn new(
        socket: TcpStream,
        subscription: Subscription,
        lookout: Lookout,
        held: Held,
    ) -> Self {
        let cut = Box::pin(held.cut.clone().cancelled_owned());
        Self { socket, subscription, chunk: Chunk::none(), has_ended: false, cut, lookout, held }
    }

    /// Minds the socket: whether the client is still there, and has room for what waits.
    pub(super) fn mind(&mut self, cx: &mut Context<'_>) -> After {
        if self.cut.as_mut().poll(cx).is_ready() {
            tracing::debug!("a stream's connection was cut");
            return After::Gone;
        }
        for _ in 0..UNWANTED_READS {
            match self.socket.poll_read_ready(cx) {
                Poll::Pending => return After::Stays,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return After::Gone,
            }
            match self.socket.try_read(&mut [0; UNWANTED_BYTES]) {
                Ok(0) => return After::Gone,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return After::Gone,
            }
        }
        After::Again
    }

    /// Writes what may be sent now. The first context is woken when there is more to send, the second when the socket has room.
    pub(super) fn write(
        &mut self,
        news: &mut Context<'_>,
        room: &mut Context<'_>,
        joined: &mut Joined,
    ) -> After {
        let mut turn_bytes = 0;
        loop {
            while !self.chunk.is_written() {
                let written = match self.chunk.left_in_one() {
                    Some(left) => self.socket.try_write(left),
                    None => self.socket.try_write_vectored(&self.chunk.left()),
                };
                match written {
                    Ok(bytes) => {
                        self.chunk.advance(bytes);
                        turn_bytes += bytes;
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        match self.socket.poll_write_ready(room) {
                            Poll::Pending => return After::Stays,
                            Poll::Ready(Ok(())) => {}
                            Poll::Ready(Err(_)) => return After::Gone,
                        }
                    }
                    Err(_) => return After::Gone,
                }
            }
            if self.has_ended {
                return After::Ended;
            }
            if turn_bytes >= TURN_BYTES {
                return After::Again;
            }
            let Poll::Ready(piece) = self.subscription.poll_next(news) else { return After::Stays };
            self.has_ended = self.subscription.has_ended();
            self.chunk = match piece {
                Some(piece) => joined.chunk(piece, self.has_ended),
                None => Chunk::end(),
            };
        }
    }

    /// Whether the peer acknowledges nothing any more; to be asked every [`Lookout::every`].
    pub(super) fn is_gone(&mut self) -> bool {
        self.lookout.finds_it_gone()
    }

    /// Closes the connection so that the last piece arrives.
    pub(super) async fn close(self) {
        let Self { socket, subscription, mut cut, held: _held, .. } = self;
        drop(subscription);
        tokio::select! {
            _ = async { Lingering::new(socket).shutdown().await } => {}
            () = &mut cut => {}
        }
    }
}
