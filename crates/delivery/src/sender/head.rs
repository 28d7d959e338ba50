//! The head of an answer, as far as it is kept.

use cstar_types::limits::RESPONSE_KEPT_BYTES;
use http::{HeaderMap, StatusCode, header};

/// What is kept of an answer's headers, in bytes: as much as of its body.
const HEADERS_KEPT_BYTES: usize = RESPONSE_KEPT_BYTES;

/// What an endpoint answered, before its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    /// In order, names in lower case, until what is kept is full.
    pub(crate) headers: Vec<(String, String)>,
    /// `retry-after`, wherever among the headers it stands.
    pub(crate) retry_after: Option<String>,
}

impl Head {
    /// Keeps what is kept of these headers.
    pub(super) fn new<'a>(
        status: StatusCode,
        headers: impl ExactSizeIterator<Item = (&'a str, &'a [u8])> + Clone,
    ) -> Self {
        let is_retry_after = |name: &str| name.eq_ignore_ascii_case(header::RETRY_AFTER.as_str());
        let asked = headers.clone().find(|(name, _)| is_retry_after(name)).map(|(_, value)| text(value));
        Self { status, headers: kept(headers), retry_after: asked }
    }

    pub(super) fn of_map(status: StatusCode, headers: &HeaderMap) -> Self {
        let all: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        Self::new(status, all.into_iter())
    }
}

fn kept<'a>(headers: impl ExactSizeIterator<Item = (&'a str, &'a [u8])>) -> Vec<(String, String)> {
    let mut room = HEADERS_KEPT_BYTES;
    let mut kept = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let Some(left) = room.checked_sub(name.len() + value.len()) else { break };
        room = left;
        kept.push((name.to_ascii_lowercase(), text(value)));
    }
    kept
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_kept_in_order_until_it_is_enough() {
        let large = vec![b'3'; HEADERS_KEPT_BYTES];
        let headers = [("X-b", &b"1"[..]), ("x-a", b"\xff"), ("x-large", &large), ("Retry-After", b"7")];
        let head = Head::new(StatusCode::OK, headers.into_iter());
        assert_eq!(head.headers, [("x-b".into(), "1".into()), ("x-a".into(), "\u{fffd}".into())]);
        assert_eq!(head.retry_after.as_deref(), Some("7"), "what is asked is heard, kept or not");
    }
}
