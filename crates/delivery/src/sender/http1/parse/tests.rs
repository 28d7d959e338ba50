//! Heads by the book, and what hostile endpoints send.

use proptest::prelude::*;

use super::*;

fn answer(text: &str) -> Answer {
    let text = text.replace('\n', "\r\n") + "\r\n\r\n";
    let parsed = parse(text.as_bytes()).expect("HTTP").expect("whole");
    assert_eq!(parsed.len, text.len());
    parsed.answer.expect("no interim answer")
}

#[test]
fn a_head_is_read() {
    let read = answer("HTTP/1.1 200 OK\nContent-Length: 7\nX-A:  b \nx-a: c\nempty:");
    assert_eq!(read.head.status, 200);
    let headers = [("content-length", "7"), ("x-a", "b"), ("x-a", "c"), ("empty", "")];
    assert_eq!(read.head.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!((read.framing, read.stays_open), (Framing::Length(7), true));
    let asked = answer("HTTP/1.1 503 -\nRetry-After: 120\ncontent-length: 0").head.retry_after;
    assert_eq!(asked.as_deref(), Some("120"));
}

/// RFC 9112, section 6.3: where the body ends; and section 9.3: whether the connection stays.
#[test]
fn a_body_is_framed_by_the_book() {
    const CHUNKED: Framing = Framing::chunked();
    for (text, framing, stays_open) in [
        ("HTTP/1.1 200 OK\ncontent-length: 0", Framing::None, true),
        ("HTTP/1.1 200 OK\ncontent-length: 5\ncontent-length: 5, 5", Framing::Length(5), true),
        ("HTTP/1.1 200 OK", Framing::UntilClose, false),
        ("HTTP/1.1 200 OK\ntransfer-encoding: chunked", CHUNKED, true),
        ("HTTP/1.1 200 OK\ntransfer-encoding: gzip, Chunked", CHUNKED, true),
        ("HTTP/1.1 200 OK\ntransfer-encoding: gzip\ntransfer-encoding: chunked", CHUNKED, true),
        ("HTTP/1.1 200 OK\ntransfer-encoding: chunked, gzip", Framing::UntilClose, false),
        ("HTTP/1.1 200 OK\ntransfer-encoding: xchunked", Framing::UntilClose, false),
        // A length beside chunks does not count, and the connection is left.
        ("HTTP/1.1 200 OK\ncontent-length: 5\ntransfer-encoding: chunked", CHUNKED, false),
        ("HTTP/1.1 200 OK\ntransfer-encoding: chunked\ncontent-length: nonsense", CHUNKED, false),
        // There is none behind these, whatever the headers say; who says otherwise may send one all the same.
        ("HTTP/1.1 204 -", Framing::None, true),
        ("HTTP/1.1 304 -\ncontent-length: 0", Framing::None, true),
        ("HTTP/1.1 204 -\ncontent-length: 5", Framing::None, false),
        ("HTTP/1.1 204 -\ncontent-length:", Framing::None, false),
        ("HTTP/1.1 304 -\ncontent-length: nonsense", Framing::None, false),
        ("HTTP/1.1 204 -\ncontent-length: 5, 6", Framing::None, false),
        ("HTTP/1.1 304 -\ntransfer-encoding: chunked", Framing::None, false),
        ("HTTP/1.1 101 -\ncontent-length: nonsense", Framing::None, false),
        ("HTTP/1.1 101 -\nupgrade: websocket", Framing::None, false),
        ("HTTP/1.1 200 OK\ncontent-length: 0\nconnection: Close", Framing::None, false),
        (
            "HTTP/1.1 200 OK\ncontent-length: 0\nconnection: x, close\nconnection: keep-alive",
            Framing::None,
            false,
        ),
        ("HTTP/1.0 200 OK\ncontent-length: 0", Framing::None, false),
        ("HTTP/1.0 200 OK\ncontent-length: 0\nconnection: keep-alive", Framing::None, true),
    ] {
        let read = answer(text);
        assert_eq!((read.framing, read.stays_open), (framing, stays_open), "{text:?}");
    }
}

#[test]
fn what_is_no_http_is_refused() {
    for text in [
        "SSH-2.0-OpenSSH_9.6\n",
        "HTTP/2.0 200 OK\n\n",
        "HTTP/1.1 2x0 OK\n\n",
        "HTTP/1.1 099 -\n\n",
        "HTTP/1.1 200 OK\ncontent-length: 5\ncontent-length: 6\n\n",
        "HTTP/1.1 200 OK\ncontent-length: 5, 6\n\n",
        "HTTP/1.1 200 OK\ncontent-length: +5\n\n",
        "HTTP/1.1 200 OK\ncontent-length: -1\n\n",
        "HTTP/1.1 200 OK\ncontent-length: 0x5\n\n",
        "HTTP/1.1 200 OK\ncontent-length:\n\n",
        "HTTP/1.1 200 OK\ncontent-length: 18446744073709551616\n\n",
        "HTTP/1.0 200 OK\ntransfer-encoding: chunked\n\n",
        "HTTP/1.1 200 OK\nno colon\n\n",
        "HTTP/1.1 200 OK\n: no name\n\n",
        "HTTP/1.1 200 OK\nx-a : b\n\n",
        "HTTP/1.1 200 OK\nx-a: b\n folded\n\n",
        "HTTP/1.1 200 OK\nx-a: b\0c\n\n",
        "HTTP/1.1 200 OK\nx-\0: b\n\n",
        "HTTP/1.1 200 OK\nx-a: b\rc\n\n",
    ] {
        assert_eq!(parse(text.replace('\n', "\r\n").as_bytes()).err(), Some(NotHttp), "{text:?}");
    }
    let lines = |count| format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-a: b\r\n".repeat(count));
    assert!(parse(lines(HEADERS_MAX).as_bytes()).is_ok());
    assert_eq!(parse(lines(HEADERS_MAX + 1).as_bytes()).err(), Some(NotHttp));
}

#[test]
fn an_interim_answer_is_passed_over() {
    for text in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 -\r\nlink: </a>\r\n\r\n"] {
        let both = text.to_owned() + "HTTP/1.1 200 OK\r\n";
        assert_eq!(parse(both.as_bytes()), Ok(Some(Parsed { len: text.len(), answer: None })));
    }
}

proptest! {
    /// Wherever it is cut, it is either no HTTP, or not whole yet.
    #[test]
    fn a_part_is_no_answer(cut in any::<prop::sample::Index>()) {
        let text = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nx-a: b\r\n\r\n";
        prop_assert_eq!(parse(&text.as_bytes()[..cut.index(text.len())]), Ok(None));
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes: Vec<u8>, with_status: bool) {
        let status: &[u8] = if with_status { b"HTTP/1.1 200 OK\r\n" } else { b"" };
        let _ = parse(&[status, &bytes].concat());
    }
}
