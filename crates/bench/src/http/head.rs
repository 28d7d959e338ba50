//! Reading the head of a message: no more of HTTP/1.1 than one side that knows the other needs.

use std::sync::LazyLock;

use memchr::memmem::Finder;

static END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n\r\n"));
const CONTENT_LENGTH: &[u8] = b"content-length:";

/// The head of a request or of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Of an answer; 0 of a request.
    pub(crate) status: u16,
    /// With the empty line behind it, in bytes.
    pub(crate) len: usize,
    /// Of the body, in bytes; 0 unless it is said.
    pub(crate) body_len: usize,
}

impl Head {
    /// The head at the beginning of these bytes, once all of it is there.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let end = END.find(bytes)?;
        let head = &bytes[..end];
        Some(Self { status: status(head), len: end + 4, body_len: body_len(head) })
    }

    /// Of the whole message, in bytes.
    pub(crate) const fn message_len(&self) -> usize {
        self.len + self.body_len
    }
}

fn status(head: &[u8]) -> u16 {
    if head.starts_with(b"HTTP/1.1 ") { number(&head[9..]) as u16 } else { 0 }
}

fn body_len(head: &[u8]) -> usize {
    for feed in memchr::memchr_iter(b'\n', head) {
        let line = &head[feed + 1..];
        if line.len() > CONTENT_LENGTH.len()
            && line[..CONTENT_LENGTH.len()].eq_ignore_ascii_case(CONTENT_LENGTH)
        {
            return number(line[CONTENT_LENGTH.len()..].trim_ascii_start());
        }
    }
    0
}

fn number(bytes: &[u8]) -> usize {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: usize, digit| number.saturating_mul(10).saturating_add((digit - b'0').into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_its_head_is_whole() {
        let answer = b"HTTP/1.1 201 Created\r\nx: y\r\nContent-Length:  12\r\n\r\n{\"id\":\"e\"}..";
        let head = Head::parse(answer).unwrap();
        assert_eq!(head, Head { status: 201, len: 51, body_len: 12 });
        assert_eq!(head.message_len(), answer.len());
        assert_eq!(Head::parse(&answer[..50]), None, "the empty line is not there yet");
    }

    #[test]
    fn a_request_has_no_status_and_may_have_no_body() {
        let head = Head::parse(b"GET / HTTP/1.1\r\nhost: h\r\nx-content-length: 3\r\n\r\n").unwrap();
        assert_eq!((head.status, head.body_len), (0, 0));
    }
}
