//! A webhook's own static headers: which may be set.

use cstar_types::limits::STATIC_HEADERS_MAX;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The most bytes of all static headers together: with ours they fit into what common servers read (8 KiB).
const STATIC_HEADERS_MAX_BYTES: usize = 4096;

/// Headers that a sender alone decides on.
const OURS: [HeaderName; 10] = [
    header::HOST,
    header::USER_AGENT,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// And every header that begins so.
const OUR_PREFIXES: [&str; 3] = ["content-", "x-cstar-", "webhook-"];

/// Why a webhook cannot have a static header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StaticHeaderError {
    /// Too many.
    #[error("a webhook has at most {STATIC_HEADERS_MAX} static headers")]
    TooMany,
    /// Too large together.
    #[error("a webhook's static headers hold at most {STATIC_HEADERS_MAX_BYTES} bytes together")]
    TooLarge,
    /// No header name.
    #[error("header {index} has a name that HTTP does not allow")]
    BadName {
        /// Which one, from 0.
        index: usize,
    },
    /// A name that is set by the sender.
    #[error(
        "header {index} is set by cStar itself: host, connection, content-*, x-cstar-*, webhook-* and the like"
    )]
    Reserved {
        /// Which one, from 0.
        index: usize,
    },
    /// No header value.
    #[error("header {index} has a value that HTTP does not allow: visible characters, spaces and tabs only")]
    BadValue {
        /// Which one, from 0.
        index: usize,
    },
}

/// Reads a webhook's static headers, in order. Values may be credentials of the receiver, so they are marked as such and
/// are not printed.
///
/// # Errors
/// [`StaticHeaderError`]; it never repeats a value.
pub fn check_static_headers(headers: &[(String, String)]) -> Result<HeaderMap, StaticHeaderError> {
    if headers.len() > STATIC_HEADERS_MAX {
        return Err(StaticHeaderError::TooMany);
    }
    if headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > STATIC_HEADERS_MAX_BYTES
    {
        return Err(StaticHeaderError::TooLarge);
    }
    let mut map = HeaderMap::with_capacity(headers.len());
    for (index, (name, value)) in headers.iter().enumerate() {
        let name: HeaderName = name.parse().map_err(|_| StaticHeaderError::BadName { index })?;
        if is_ours(&name) {
            return Err(StaticHeaderError::Reserved { index });
        }
        let mut value: HeaderValue = value.parse().map_err(|_| StaticHeaderError::BadValue { index })?;
        value.set_sensitive(true);
        map.append(name, value);
    }
    Ok(map)
}

fn is_ours(name: &HeaderName) -> bool {
    OURS.contains(name) || OUR_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str) -> Result<HeaderMap, StaticHeaderError> {
        check_static_headers(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn what_the_sender_sets_cannot_be_set() {
        for name in [
            "Host",
            "CONTENT-LENGTH",
            "content-encoding",
            "Transfer-Encoding",
            "connection",
            "Expect",
            "User-Agent",
            "X-CStar-Signature",
            "x-cstar-anything",
            "Webhook-Id",
        ] {
            assert_eq!(check(name, "a"), Err(StaticHeaderError::Reserved { index: 0 }), "{name}");
        }
        let headers = check("Authorization", "Bearer a").unwrap();
        assert_eq!(headers["authorization"], "Bearer a");
        assert!(!format!("{headers:?}").contains("Bearer"), "a credential is not printed");
    }

    #[test]
    fn a_line_break_cannot_be_smuggled_in() {
        for value in ["a\r\nx-cstar-event: b", "a\nb", "a\0b", "ü\u{7f}"] {
            assert_eq!(check("x-a", value), Err(StaticHeaderError::BadValue { index: 0 }), "{value:?}");
        }
        for name in ["", "a b", "a:b", "a\r\nb", "ä"] {
            assert_eq!(check(name, "a"), Err(StaticHeaderError::BadName { index: 0 }), "{name:?}");
        }
    }

    #[test]
    fn they_are_few_and_small() {
        let many = vec![("x-a".to_owned(), "b".to_owned()); STATIC_HEADERS_MAX + 1];
        assert_eq!(check_static_headers(&many), Err(StaticHeaderError::TooMany));
        assert!(check_static_headers(&many[1..]).is_ok());
        assert_eq!(check("x-a", &"b".repeat(STATIC_HEADERS_MAX_BYTES)), Err(StaticHeaderError::TooLarge));
    }
}
