//! Closing a connection so that the last answer arrives.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// A peer that has sent nothing for this long has read what it wanted, or has gone.
const SILENCE: Duration = Duration::from_millis(500);
/// For as long as this a peer may go on sending what nobody wants …
const LONGEST: Duration = Duration::from_secs(5);
/// … and so much of it: a few times the largest body that is taken.
const MOST_BYTES: usize = 16 << 20;

/// A stream that, once our side of it is closed, reads for a while what the peer still sends, and throws it away.
///
/// A socket that is closed with unread bytes resets the connection, and the reset overtakes the answer: the publisher of
/// a body that is too large would be told of a broken connection instead of a 413.
pub(super) struct Lingering<S> {
    stream: S,
    lingers: Option<Lingers>,
}

struct Lingers {
    /// The end of the silence that is waited for, or of all patience.
    until: Pin<Box<Sleep>>,
    at_most_until: Instant,
    bytes_left: usize,
}

impl<S> Lingering<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self { stream, lingers: None }
    }

    pub(super) fn into_inner(self) -> S {
        self.stream
    }
}

impl Lingers {
    fn begin() -> Self {
        let now = Instant::now();
        let until = Box::pin(sleep_until(now + SILENCE));
        Self { until, at_most_until: now + LONGEST, bytes_left: MOST_BYTES }
    }

    /// Notes that so much came; answers whether to go on.
    fn goes_on(&mut self, bytes: usize) -> bool {
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        let until = self.at_most_until.min(Instant::now() + SILENCE);
        self.until.as_mut().reset(until);
        bytes > 0 && self.bytes_left > 0
    }

    fn poll(&mut self, mut stream: Pin<&mut impl AsyncRead>, cx: &mut Context<'_>) -> Poll<()> {
        let mut unwanted = [0; 8 * 1024];
        while self.until.as_mut().poll(cx).is_pending() {
            let mut unwanted = ReadBuf::new(&mut unwanted);
            match ready!(stream.as_mut().poll_read(cx, &mut unwanted)) {
                Ok(()) if self.goes_on(unwanted.filled().len()) => {}
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, lingers } = &mut *self;
        let lingers = match lingers {
            Some(lingers) => lingers,
            None => {
                ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
                lingers.insert(Lingers::begin())
            }
        };
        lingers.poll(Pin::new(stream), cx).map(Ok)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// What a peer sends after the answer does not keep the answer from it, and does not keep the connection for ever.
    #[tokio::test]
    async fn a_peer_that_goes_on_sending_is_heard_out_for_a_while() {
        let (ours, mut theirs) = duplex(1024);
        let closing = tokio::spawn(async move {
            let mut ours = Lingering::new(ours);
            ours.write_all(b"too large").await.unwrap();
            ours.shutdown().await.unwrap();
        });
        let mut sent = 0;
        while theirs.write_all(&[0; 512]).await.is_ok() {
            sent += 512;
        }
        assert!((MOST_BYTES..=MOST_BYTES + 8 * 1024).contains(&sent), "{sent}");
        closing.await.unwrap();
        let mut answer = Vec::new();
        theirs.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"too large");
    }

    #[tokio::test]
    async fn a_peer_that_drips_or_is_silent_is_not_waited_for() {
        let mut lingers = Lingers::begin();
        assert!(lingers.until.deadline() < lingers.at_most_until, "silence ends it soon");
        lingers.at_most_until = Instant::now();
        assert!(lingers.goes_on(1));
        assert_eq!(lingers.until.deadline(), lingers.at_most_until, "what drips puts the end off no further");
        assert!(!lingers.goes_on(0), "the peer has closed its side too");
    }
}
