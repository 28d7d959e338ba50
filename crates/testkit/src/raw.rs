//! Requests that no client would write, byte by byte.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than any deadline of the server for a request that does not get on.
const DEADLINE: Duration = Duration::from_secs(40);

/// What a server did with raw bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawAnswer {
    /// The status, or `None` if it closed the connection without a word.
    pub status: Option<u16>,
    /// Everything that it sent.
    pub text: String,
}

/// Sends `bytes`, then `more` over and over for as long as the server takes it, and reads until it closes.
///
/// # Panics
/// When it cannot be reached, or never closes.
pub async fn exchange(address: SocketAddr, bytes: &[u8], more: &[u8]) -> RawAnswer {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    let (mut reader, mut writer) = stream.into_split();
    let bytes = bytes.to_vec();
    let more = more.to_vec();
    // A server that has answered may stop reading: that ends the writing, and is no fault.
    let writing = tokio::spawn(async move {
        writer.write_all(&bytes).await?;
        while !more.is_empty() {
            writer.write_all(&more).await?;
        }
        // Nothing more comes, but the connection stays open: the server must not wait for ever.
        std::future::pending::<std::io::Result<()>>().await
    });
    let mut read = Vec::new();
    // A reset after the answer is how a server refuses a body that does not end; what came before it counts.
    let reading = tokio::time::timeout(DEADLINE, async {
        while reader.read_buf(&mut read).await.is_ok_and(|n| n > 0) {}
    });
    reading.await.expect("the server closes a connection on which nothing sensible comes");
    writing.abort();
    RawAnswer { status: status(&read), text: String::from_utf8_lossy(&read).into_owned() }
}

fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.strip_prefix(b"HTTP/1.1 ")?;
    std::str::from_utf8(line.get(..3)?).ok()?.parse().ok()
}

impl RawAnswer {
    /// The `code` of a refusal; empty where there is none.
    #[must_use]
    pub fn code(&self) -> String {
        let body = self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let problem: Option<serde_json::Value> = serde_json::from_str(body.trim()).ok();
        problem.and_then(|problem| Some(problem.get("code")?.as_str()?.to_owned())).unwrap_or_default()
    }
}
