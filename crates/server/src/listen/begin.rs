//! What a connection begins with, which decides where it is served: see [`crate::stream_runtime`].

use std::io;
use std::pin::pin;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::connection::HTTP2_PREFACE;
use super::linger::Lingering;
use super::plain::more;

const GET: &[u8] = b"GET ";
/// What the path of every stream ends with, and of nothing else.
const STREAM: &[u8] = b"/realtime";
/// A longer target is no stream's.
const TARGET_MAX_BYTES: usize = 4 * 1024;

/// A connection that has said what it begins with.
pub(super) struct Begun {
    pub(super) stream: TcpStream,
    /// What was read of it.
    pub(super) read: Bytes,
    pub(super) may_be_stream: bool,
}

/// Waits until it has; `None` if it ends before, as it does when the server stops.
///
/// # Errors
/// When it breaks.
pub(super) async fn begin(mut stream: TcpStream, stop: &CancellationToken) -> io::Result<Option<Begun>> {
    let mut stopped = pin!(stop.cancelled());
    let mut unread = BytesMut::new();
    let may_be_stream = loop {
        if let Some(known) = may_be_stream(&unread) {
            break known;
        }
        if !more(&mut stream, &mut unread, None, stopped.as_mut()).await? {
            if unread.is_empty() {
                Lingering::new(stream).shutdown().await?;
                return Ok(None);
            }
            break false;
        }
    };
    Ok(Some(Begun { stream, read: unread.freeze(), may_be_stream }))
}

/// Whether a connection that begins so asks for a stream first, or may among other things over HTTP/2; `None` as long as more must be
/// read.
fn may_be_stream(read: &[u8]) -> Option<bool> {
    if [GET, HTTP2_PREFACE].iter().any(|begins| begins.starts_with(read)) {
        return None;
    }
    if read.starts_with(HTTP2_PREFACE) {
        return Some(true);
    }
    let Some(target) = read.strip_prefix(GET) else { return Some(false) };
    let end = target.iter().position(|byte| b" ?\r\n".contains(byte));
    match end {
        Some(end) => Some(target[..end].ends_with(STREAM)),
        None => (target.len() > TARGET_MAX_BYTES).then_some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_told_from_anything_else_as_soon_as_can_be() {
        for (whole, is_stream, told_by) in [
            ("GET /v1/teams/1/realtime?types=ticket.* HTTP/1.1", true, "GET /v1/teams/1/realtime?"),
            ("GET /v1/teams/1/realtime HTTP/1.1", true, "GET /v1/teams/1/realtime "),
            ("GET http://host/v1/teams/1/realtime HTTP/1.1", true, "GET http://host/v1/teams/1/realtime "),
            ("GET /v1/teams/1/realtime/streams HTTP/1.1", false, "GET /v1/teams/1/realtime/streams "),
            ("GET /readyz\r\n", false, "GET /readyz\r"),
            ("POST /v1/teams/1/events HTTP/1.1", false, "PO"),
            ("PUT /v1 HTTP/1.1", false, "PU"),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", true, "PRI "),
            ("\r\nGET /v1/teams/1/realtime HTTP/1.1", false, "\r"),
        ] {
            let told = (0..=whole.len()).find(|end| may_be_stream(&whole.as_bytes()[..*end]).is_some());
            assert_eq!(told, Some(told_by.len()), "{whole}");
            assert_eq!(may_be_stream(whole.as_bytes()), Some(is_stream), "{whole}");
        }
        let endless = [GET, &[b'x'; TARGET_MAX_BYTES]].concat();
        assert_eq!(may_be_stream(&endless), None);
        assert_eq!(may_be_stream(&[endless.as_slice(), b"x"].concat()), Some(false));
    }
}
