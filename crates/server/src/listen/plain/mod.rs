//! Publishes over HTTP/1.1 without TLS, for as long as a connection carries nothing else.
//!
//! A publish is what there are most of. One that comes whole and says what every client says is read here, answered by the same
//! service as every other request, and written as hyper writes it; hyper needs three times as long for both. The first thing that is not
//! such a publish goes to hyper as it came, and with it the rest of the connection: nothing is refused here.

mod answer;
mod request;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use cstar_api::{Peer, Service};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use self::answer::Date;
use self::request::Found;
use super::head_deadline::HeadDeadline;
use super::linger::Lingering;

/// For how much there is room when a read begins, in bytes: a common publish comes in one.
const READ_BYTES: usize = 2 * 1024;
/// Room that a connection keeps between two requests.
const KEPT_BYTES: usize = 2 * READ_BYTES;
/// The rest of a body that does not come within this is waited for by hyper, as long as a body may take.
const REST_WITHIN: Duration = Duration::from_secs(1);

/// What serves the publishes of a connection.
pub(super) struct Plain<'a> {
    pub(super) api: &'a Service,
    pub(super) peer: Peer,
    pub(super) stop: &'a CancellationToken,
    pub(super) deadline: &'a HeadDeadline,
}

impl Plain<'_> {
    /// Answers publishes until something else comes, in a connection of which so much was `read`; gives it back with what was
    /// read and not answered. `None` once it has ended, as it does between two requests when the server stops.
    pub(super) async fn serve(self, mut stream: TcpStream, read: Bytes) -> Option<(TcpStream, Bytes)> {
        let (mut unread, mut out, mut date) = (BytesMut::from(read), Vec::new(), Date::default());
        let mut stopped = pin!(self.stop.cancelled());
        let mut in_pieces = false;
        loop {
            let read = unread.freeze();
            let rest_within = match self.find(&read) {
                Found::Publish { request, bytes } => {
                    self.deadline.met();
                    let answer = self.api.publish(self.peer, request).await;
                    let is_last = self.stop.is_cancelled();
                    answer::write(&mut out, answer, is_last, &mut date).await.ok()?;
                    stream.write_all(&out).await.ok()?;
                    if is_last {
                        return close(stream).await;
                    }
                    self.deadline.begin();
                    unread = BytesMut::from(read); // the same memory, since the request has gone
                    unread.advance(bytes);
                    give_back(&mut out, &mut unread);
                    in_pieces = false;
                    continue;
                }
                // What comes in many pieces would be looked at with each of them from its beginning.
                Found::PartOfHead | Found::PartOfBody if in_pieces => return Some((stream, read)),
                Found::PartOfHead => None,
                Found::PartOfBody => {
                    self.deadline.met(); // it is of the head
                    Some(REST_WITHIN)
                }
                Found::Other => return Some((stream, read)),
            };
            in_pieces = !read.is_empty();
            unread = BytesMut::from(read);
            if !more(&mut stream, &mut unread, rest_within, stopped.as_mut()).await.ok()? {
                // Some clients end a body with an empty line that nobody asked for.
                let nothing_begun = unread.iter().all(|byte| b"\r\n".contains(byte));
                return if nothing_begun { close(stream).await } else { Some((stream, unread.freeze())) };
            }
        }
    }

    fn find(&self, read: &Bytes) -> Found {
        if read.is_empty() {
            return Found::PartOfHead;
        }
        request::find(read, |method, path| self.api.is_publish(method, path))
    }
}

/// A connection that rests keeps no room for the largest answer and request that it had.
fn give_back(out: &mut Vec<u8>, unread: &mut BytesMut) {
    if out.capacity() > KEPT_BYTES {
        *out = Vec::new();
    }
    if unread.is_empty() && unread.capacity() > KEPT_BYTES {
        *unread = BytesMut::new();
    }
}

/// Reads more; says whether anything came, in time and before the peer's end. A publish of which the head is there is waited for
/// whether the server stops or not.
pub(super) async fn more(
    stream: &mut TcpStream,
    unread: &mut BytesMut,
    rest_within: Option<Duration>,
    mut stopped: Pin<&mut WaitForCancellationFuture<'_>>,
) -> io::Result<bool> {
    unread.reserve(READ_BYTES);
    let mut reading = pin!(stream.read_buf(unread));
    let bytes = match rest_within {
        Some(limit) => timeout(limit, reading).await.unwrap_or(Ok(0)),
        None => {
            poll_fn(|cx| match reading.as_mut().poll(cx) {
                Poll::Pending => stopped.as_mut().poll(cx).map(|()| Ok(0)),
                read => read,
            })
            .await
        }
    };
    Ok(bytes? > 0)
}

async fn close<T>(stream: TcpStream) -> Option<T> {
    let _ = Lingering::new(stream).shutdown().await; // the peer may have gone
    None
}
