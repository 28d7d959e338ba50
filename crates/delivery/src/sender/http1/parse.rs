//! The head of an answer over HTTP/1.1, read from bytes (RFC 9112).
//!
//! httparse judges the bytes; what follows from the headers for the body and the connection is decided here.

use std::mem::MaybeUninit;

use http::{StatusCode, header};
use httparse::{Header, ParserConfig, Response, Status};

use super::super::head::Head;
use super::framing::Framing;

/// The most header lines that are read: as many as common clients take.
const HEADERS_MAX: usize = 100;

/// What is no answer over HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotHttp;

/// A head that has come whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    /// How many bytes it took.
    pub(super) len: usize,
    /// `None` where another answer follows this one, which says only that there will be one.
    pub(super) answer: Option<Answer>,
}

/// An answer, and how its body is to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) head: Head,
    pub(super) framing: Framing,
    /// Whether the connection can take another request once the body is read.
    pub(super) stays_open: bool,
}

/// Reads a head; `None` as long as it has not come whole.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Parsed>, NotHttp> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut response = Response::new(&mut []);
    let parsed =
        ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut headers);
    let Status::Complete(len) = parsed.map_err(|_| NotHttp)? else { return Ok(None) };
    let status = response.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(NotHttp)?;
    if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Some(Parsed { len, answer: None }));
    }
    let is_1_1 = response.version == Some(1);
    let (framing, stays_open) = framing(status, is_1_1, response.headers)?;
    let head = Head::new(status, response.headers.iter().map(|header| (header.name, header.value)));
    let stays_open = stays_open && keeps_alive(is_1_1, response.headers);
    Ok(Some(Parsed { len, answer: Some(Answer { head, framing, stays_open }) }))
}

/// Where the body ends (RFC 9112, section 6.3), and whether this side can be sure of it.
fn framing(status: StatusCode, is_1_1: bool, headers: &[Header<'_>]) -> Result<(Framing, bool), NotHttp> {
    let mut codings = values(headers, &header::TRANSFER_ENCODING).peekable();
    let has_coding = codings.peek().is_some();
    match status {
        // Nobody asked for another protocol: what follows is none of ours.
        StatusCode::SWITCHING_PROTOCOLS => Ok((Framing::None, false)),
        // Whatever the headers say of a body; but who says that there is one may send it.
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => {
            Ok((Framing::None, !has_coding && matches!(length(headers), Ok(None | Some(0)))))
        }
        _ if has_coding && !is_1_1 => Err(NotHttp),
        _ if has_coding => {
            let is_chunked = codings.last().is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
            // With a length beside it the two sides may not agree on what comes after.
            let is_sure = values(headers, &header::CONTENT_LENGTH).next().is_none();
            Ok(if is_chunked { (Framing::chunked(), is_sure) } else { (Framing::UntilClose, false) })
        }
        _ => Ok(length(headers)?
            .map_or((Framing::UntilClose, false), |length| (Framing::of_length(length), true))),
    }
}

/// `content-length`; more than one, in one line or several, must say the same.
fn length(headers: &[Header<'_>]) -> Result<Option<u64>, NotHttp> {
    let mut length = None;
    for value in values(headers, &header::CONTENT_LENGTH) {
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(NotHttp);
        }
        let said = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok()).ok_or(NotHttp)?;
        if length.replace(said).is_some_and(|before| before != said) {
            return Err(NotHttp);
        }
    }
    Ok(length)
}

/// Whether the endpoint leaves the connection open. Once it says that it closes it, no other word counts.
fn keeps_alive(is_1_1: bool, headers: &[Header<'_>]) -> bool {
    let says =
        |word: &[u8]| values(headers, &header::CONNECTION).any(|option| option.eq_ignore_ascii_case(word));
    !says(b"close") && (is_1_1 || says(b"keep-alive"))
}

/// The members of a header that is a list, over all its lines.
fn values<'a>(headers: &'a [Header<'_>], name: &'a header::HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name.as_str()))
        .flat_map(|header| header.value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests;
