//! An answer as HTTP/1.1 writes it, the way hyper does.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::response::Response;
use httpdate::HttpDate;

/// The `date` of answers, written once a second.
#[derive(Debug, Default)]
pub(super) struct Date {
    second: u64,
    text: String,
}

impl Date {
    /// The line, without its end.
    fn at(&mut self, now: SystemTime) -> &str {
        let second = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if self.second != second || self.text.is_empty() {
            *self = Self { second, text: format!("date: {}", HttpDate::from(now)) };
        }
        &self.text
    }
}

/// Writes an answer instead of what was written before, and whether it is the last one of its connection.
///
/// # Errors
/// When the body breaks off; nothing of use is written then.
pub(super) async fn write(
    out: &mut Vec<u8>,
    answer: Response,
    is_last: bool,
    date: &mut Date,
) -> Result<(), axum::Error> {
    out.clear();
    let (head, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await?;
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| out.extend_from_slice(part));
    let reason = head.status.canonical_reason().unwrap_or("<none>");
    put(&[b"HTTP/1.1 ", head.status.as_str().as_bytes(), b" ", reason.as_bytes(), b"\r\n"]);
    for (name, value) in &head.headers {
        put(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
    }
    if is_last {
        put(&[b"connection: close\r\n"]);
    }
    put(&[b"content-length: ", body.len().to_string().as_bytes(), b"\r\n"]);
    put(&[date.at(SystemTime::now()).as_bytes(), b"\r\n\r\n", &body]);
    Ok(())
}
