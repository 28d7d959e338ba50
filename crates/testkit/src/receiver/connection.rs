//! One connection of a receiver: as much HTTP/1.1 as a sender speaks, so that every byte of the answer is in our hands.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::reply::Then;
use super::{Received, Script, Seen};

/// Serves requests one after the other, until one side has had enough.
pub(super) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    script: Arc<Script>,
    seen: Arc<Seen>,
) {
    let mut unread = BytesMut::new();
    while let Some(mut request) = read(&mut stream, &mut unread, connection).await {
        let reply = script(&request);
        request.hung_up_on = reply.hangs_up();
        seen.note(request);
        if let Some(gate) = &reply.behind {
            gate.pass().await;
        }
        let bytes = reply.bytes();
        let written = match reply.drip {
            None => stream.write_all(&bytes).await,
            Some(every) => drip(&mut stream, &bytes, every).await,
        };
        if written.is_err() {
            return;
        }
        match reply.then {
            Then::Goes => {}
            Then::Closes => return,
            Then::Hangs => until_gone(&mut stream).await,
            Then::Repeats => while stream.write_all(&reply.body).await.is_ok() {},
        }
    }
}

/// A byte at a time.
async fn drip(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8], every: Duration) -> std::io::Result<()> {
    let mut tick = tokio::time::interval(every);
    for byte in bytes {
        tick.tick().await;
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// The next request; `None` when no whole one came.
async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    unread: &mut BytesMut,
    connection: usize,
) -> Option<Received> {
    let head_len = loop {
        if let Some(at) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        more(stream, unread).await?;
    };
    let head = unread.split_to(head_len);
    let mut lines = std::str::from_utf8(&head).ok()?.trim_end().split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers = headers(lines)?;
    let body_len =
        headers.get("content-length").map_or(Some(0), |value| value.to_str().ok()?.parse().ok())?;
    while unread.len() < body_len {
        more(stream, unread).await?;
    }
    let body: Bytes = unread.copy_to_bytes(body_len);
    Some(Received { connection, at: Instant::now(), method, path, headers, body, hung_up_on: false })
}

async fn more(stream: &mut (impl AsyncRead + Unpin), unread: &mut BytesMut) -> Option<()> {
    stream.read_buf(unread).await.ok().filter(|count| *count > 0).map(drop)
}

fn headers<'a>(lines: impl Iterator<Item = &'a str>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        headers.append(HeaderName::try_from(name).ok()?, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some(headers)
}

async fn until_gone(stream: &mut (impl AsyncRead + Unpin)) {
    let mut unheard = BytesMut::new();
    while more(stream, &mut unheard).await.is_some() {
        unheard.clear();
    }
}
