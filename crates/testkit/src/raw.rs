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

/// Sends `bytes`, then `more` over and over for as long as the server takes it, and reads until an answer is whole or the
/// connection ends.
///
/// # Panics
/// When the server cannot be reached, or leaves the request without an answer and open.
pub async fn exchange(address: SocketAddr, bytes: &[u8], more: &[u8]) -> RawAnswer {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    let (mut reader, mut writer) = stream.into_split();
    let (bytes, more) = (bytes.to_vec(), more.to_vec());
    // A server that has answered may stop reading: that ends the writing, and is no fault.
    let writing = tokio::spawn(async move {
        writer.write_all(&bytes).await?;
        while !more.is_empty() {
            writer.write_all(&more).await?;
        }
        // The connection stays open: a server must not wait for ever for what does not come.
        std::future::pending::<std::io::Result<()>>().await
    });
    let mut read = Vec::new();
    // A reset after the answer is how a server refuses a body that does not end; what came before it counts.
    let reading = async {
        while end(&read).is_none() && reader.read_buf(&mut read).await.is_ok_and(|count| count > 0) {}
    };
    tokio::time::timeout(DEADLINE, reading).await.expect("the server answers, or closes the connection");
    writing.abort();
    read.truncate(end(&read).unwrap_or(read.len()));
    RawAnswer { status: status(&read), text: String::from_utf8_lossy(&read).into_owned() }
}

/// Where an answer with a length ends, once it is there; one without ends with the connection.
fn end(answer: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let (head, _) = text.split_once("\r\n\r\n")?;
    let len: usize =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())?;
    let end = head.len() + 4 + len;
    (answer.len() >= end).then_some(end)
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
