//! `ETag` and `If-Match`: nobody overwrites what they have not seen.

use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::ApiError;

/// The header that names a version.
pub(crate) fn etag(version: u64) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::from_str(&format!("\"{version}\""));
    (ETAG, value.expect("digits in quotes are a header value"))
}

/// What a change asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Nothing, or `*`.
    Any,
    /// One of these versions. Empty if no tag is one of ours.
    Versions(Vec<u64>),
}

impl IfMatch {
    /// Reads the header.
    ///
    /// # Errors
    /// `malformed_header` if it is no list of entity tags.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut versions = None;
        for value in headers.get_all(IF_MATCH) {
            let text = value.to_str().map_err(|_| malformed())?;
            if text.trim() == "*" {
                return Ok(Self::Any);
            }
            for tag in text.split(',').map(str::trim) {
                versions.get_or_insert_with(Vec::new).extend(version(tag)?);
            }
        }
        Ok(versions.map_or(Self::Any, Self::Versions))
    }

    /// Whether the present version is one that was asked for.
    ///
    /// # Errors
    /// `changed` if not.
    pub(crate) fn admits(&self, present: u64) -> Result<(), ApiError> {
        match self {
            Self::Versions(versions) if !versions.contains(&present) => Err(ApiError::changed()),
            _ => Ok(()),
        }
    }

    /// The version that the store must still find, where one was asked for.
    pub(crate) fn expects(&self, present: u64) -> Option<u64> {
        matches!(self, Self::Versions(_)).then_some(present)
    }
}

/// The version in an entity tag; `None` for a tag that is well-formed but not ours. Weak tags never match (RFC 9110).
fn version(tag: &str) -> Result<Option<u64>, ApiError> {
    let strong = !tag.starts_with("W/");
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(malformed)?;
    Ok(inner.parse().ok().filter(|_| strong))
}

fn malformed() -> ApiError {
    ApiError::malformed_header("`If-Match` takes the `ETag` of an earlier answer, quotes included")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &'static str) -> Result<IfMatch, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, HeaderValue::from_static(value));
        IfMatch::of(&headers)
    }

    #[test]
    fn tags_are_read() {
        assert_eq!(IfMatch::of(&HeaderMap::new()).unwrap(), IfMatch::Any);
        assert_eq!(read("*").unwrap(), IfMatch::Any);
        assert_eq!(read("\"3\"").unwrap(), IfMatch::Versions(vec![3]));
        assert_eq!(read("\"3\", \"x\",W/\"4\",\"5\"").unwrap(), IfMatch::Versions(vec![3, 5]));
        assert_eq!(read("\"not ours\"").unwrap(), IfMatch::Versions(vec![]));
        for wrong in ["3", "", "\"3", "\"3\",", "W/3"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_version_that_was_not_asked_for_is_refused() {
        assert!(IfMatch::Versions(vec![3, 5]).admits(5).is_ok());
        assert!(IfMatch::Versions(vec![]).admits(1).is_err());
        assert!(IfMatch::Any.admits(9).is_ok());
    }
}
