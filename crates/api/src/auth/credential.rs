//! The `Authorization` header.

use cstar_types::KeyId;
use cstar_wire::Code;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::digest;
use super::key_text::{self, NotAKey};
use crate::error::{ApiError, ApiResult};

/// What a request shows of its key. The key itself is not kept (SEC-3).
pub(crate) struct Credential {
    /// The SHA-256 of the whole text.
    pub(crate) digest: [u8; 32],
    /// The key that it claims to be, if it is a team key.
    pub(crate) key: Result<KeyId, NotAKey>,
}

impl Credential {
    /// Reads `Authorization: Bearer <key>`.
    ///
    /// # Errors
    /// `unauthenticated` if there is none, or another scheme; `malformed_header` if there are two.
    pub(crate) fn of(headers: &HeaderMap) -> ApiResult<Self> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return Err(unauthenticated("send a key: `authorization: Bearer <key>`"));
        };
        if values.next().is_some() {
            return Err(ApiError::malformed_header("`authorization` stands twice; send it once"));
        }
        let text = value.to_str().ok().and_then(bearer);
        let text = text.ok_or_else(|| unauthenticated("write it as `authorization: Bearer <key>`"))?;
        Ok(Self { digest: digest(text), key: key_text::read(text) })
    }
}

pub(super) fn unauthenticated(detail: &'static str) -> ApiError {
    ApiError::new(Code::Unauthenticated, detail)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bearer_scheme_is_read() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for wrong in ["Bearer", "Bearer ", "Basic abc", "abc", ""] {
            assert_eq!(bearer(wrong), None, "{wrong}");
        }
    }
}
