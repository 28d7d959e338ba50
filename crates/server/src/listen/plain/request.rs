//! A publish as it lies in what was read.
//!
//! httparse, hyper's own parser, judges the bytes. Whatever else bears on where the body ends or how the connection goes on is left to
//! hyper, and so is all that is refused here.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use httparse::{Header, ParserConfig, Status};

/// A request with more headers is hyper's.
const HEADERS_MAX: usize = 32;
/// A request that is longer is hyper's, with its limits.
pub(super) const WHOLE_MAX_BYTES: usize = 16 * 1024;

/// What was read begins with …
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub(super) enum Found {
    /// … a publish of this length.
    Publish { request: Request<Full<Bytes>>, bytes: usize },
    /// … a part of a head.
    PartOfHead,
    /// … the head of a publish, and a part of its body.
    PartOfBody,
    /// … something else.
    Other,
}

/// Looks for a publish, which shares the bytes that were read.
pub(super) fn find(read: &Bytes, is_publish: impl FnOnce(&Method, &str) -> bool) -> Found {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut []);
    match ParserConfig::default().parse_request_with_uninit_headers(&mut head, read, &mut headers) {
        Ok(Status::Complete(head_bytes)) => {
            whole(read, &head, head_bytes, is_publish).unwrap_or(Found::Other)
        }
        Ok(Status::Partial) if read.len() < WHOLE_MAX_BYTES => Found::PartOfHead,
        Ok(Status::Partial) | Err(_) => Found::Other,
    }
}

/// What a whole head begins, unless it is something else.
fn whole(
    read: &Bytes,
    head: &httparse::Request<'_, '_>,
    head_bytes: usize,
    is_publish: impl FnOnce(&Method, &str) -> bool,
) -> Option<Found> {
    const HTTP_1_1: u8 = 1;
    let method = Method::from_bytes(head.method?.as_bytes()).ok()?;
    // The path is judged as everybody behind this reads it, who see no fragment.
    let uri = Uri::from_maybe_shared(read.slice_ref(head.path?.as_bytes())).ok()?;
    let is_relative = uri.authority().is_none();
    if head.version? != HTTP_1_1 || !is_relative || !is_publish(&method, uri.path()) {
        return None;
    }
    let bytes =
        head_bytes.checked_add(body_bytes(head.headers)?).filter(|bytes| *bytes <= WHOLE_MAX_BYTES)?;
    if bytes > read.len() {
        return Some(Found::PartOfBody);
    }
    let mut request = Request::new(Full::new(read.slice(head_bytes..bytes)));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers(read, head.headers)?;
    Some(Found::Publish { request, bytes })
}

/// The length of a body that is told in the plainest way, on a connection that then goes on.
fn body_bytes(headers: &[Header<'_>]) -> Option<usize> {
    let mut length = None;
    for Header { name, value } in headers {
        let is = |other: HeaderName| name.eq_ignore_ascii_case(other.as_str());
        if is(CONTENT_LENGTH) {
            let digits =
                std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
            if length.replace(digits.parse().ok()?).is_some() {
                return None;
            }
        }
        let goes_on = !is(CONNECTION) || value.eq_ignore_ascii_case(b"keep-alive");
        if !goes_on || is(TRANSFER_ENCODING) || is(EXPECT) || is(UPGRADE) {
            return None;
        }
    }
    length
}

fn headers(read: &Bytes, lines: &[Header<'_>]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(lines.len());
    for Header { name, value } in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_maybe_shared(read.slice_ref(value)).ok()?);
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str =
        "POST /v1/teams/a/events HTTP/1.1\r\nhost: x\r\nX-One:  1 \r\ncontent-length: 4\r\n\r\n";

    fn looked_at(text: &str) -> Found {
        find(&Bytes::copy_from_slice(text.as_bytes()), |method, path| {
            *method == Method::POST && path == "/v1/teams/a/events"
        })
    }

    #[tokio::test]
    async fn a_publish_is_found_and_what_follows_is_left() {
        let text = format!("{HEAD}bodyPOST ");
        let Found::Publish { request, bytes } = looked_at(&text) else { panic!("{text}") };
        assert_eq!(&text[bytes..], "POST ");
        let (head, body) = request.into_parts();
        assert_eq!((head.method, head.uri.path()), (Method::POST, "/v1/teams/a/events"));
        let headers: Vec<_> =
            head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(headers, [("host", &b"x"[..]), ("x-one", b"1"), ("content-length", b"4")]);
        assert_eq!(&*body.collect().await.unwrap().to_bytes(), b"body");
    }

    #[test]
    fn a_publish_is_not_found_before_it_is_whole() {
        let text = format!("{HEAD}body");
        for end in 1..text.len() {
            let found = looked_at(&text[..end]);
            let expected = if end < HEAD.len() {
                matches!(found, Found::PartOfHead)
            } else {
                matches!(found, Found::PartOfBody)
            };
            assert!(expected, "{found:?} in {:?}", &text[..end]);
        }
    }

    /// Whatever may lead a proxy and a server to disagree on where a request ends is left to hyper, and so is what it refuses.
    #[test]
    fn what_is_not_plain_is_something_else() {
        for (from, to) in [
            ("POST ", "GET "),
            ("/a/", "/b/"),
            ("HTTP/1.1", "HTTP/1.0"),
            ("content-length: 4", "content-length: 4\r\ncontent-length: 4"),
            ("content-length: 4", "content-length: 4\r\nContent-Length: 5"),
            ("content-length: 4", "content-length: +4"),
            ("content-length: 4", "content-length: 4, 4"),
            ("content-length: 4", "content-length: "),
            ("content-length: 4", "content-length: 99999999999999999999"),
            ("content-length: 4", "content-length: 18446744073709551615"),
            ("content-length: 4", "content-length: 17000"),
            ("content-length: 4\r\n", ""),
            ("content-length: 4", "transfer-encoding: chunked"),
            ("host: x", "Transfer-Encoding: identity"),
            ("host: x", "expect: 100-continue"),
            ("host: x", "upgrade: websocket"),
            ("host: x", "connection: close"),
            ("host: x", "connection: keep-alive, close"),
            ("host: x", "host : x"),
            ("host: x", "host: x\r\n folded"),
            ("host: x", "ho\0st: x"),
            (" /v1", " http://x/v1"),
            ("/events ", "/events?\0 "),
        ] {
            let text = format!("{HEAD}body").replacen(from, to, 1);
            let found = looked_at(&text);
            assert!(matches!(found, Found::Other), "{found:?} in {text:?}");
        }
        let fragment = HEAD.replace("/a/events", "/a#/events");
        let found = find(&Bytes::from(format!("{fragment}body")), |_, path| path.ends_with("/events"));
        assert!(matches!(found, Found::Other), "nobody behind this sees a fragment: {found:?}");
        let many = HEAD.replace("host: x\r\n", &"x: 1\r\n".repeat(HEADERS_MAX));
        assert!(matches!(looked_at(&format!("{many}body")), Found::Other), "too many headers");
        let long = HEAD.replace("host: x", &"x".repeat(WHOLE_MAX_BYTES));
        assert!(matches!(looked_at(&long[..WHOLE_MAX_BYTES]), Found::Other), "too long a head");
    }

    #[test]
    fn what_is_plain_in_other_words_is_found() {
        for (from, to) in [
            ("content-length", "CONTENT-LENGTH"),
            ("content-length: 4", "content-length: 04"),
            ("host: x", "connection: Keep-Alive"),
            ("POST", "\r\nPOST"),
            ("/events", "/events?limit=1"),
        ] {
            let text = format!("{HEAD}body").replacen(from, to, 1);
            assert!(matches!(looked_at(&text), Found::Publish { .. }), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at(bytes: Vec<u8>, cut in 0..HEAD.len()) {
            let mut text = HEAD.as_bytes()[..cut].to_vec();
            text.extend(&bytes);
            let _ = find(&text.into(), |_, _| true);
        }
    }
}
