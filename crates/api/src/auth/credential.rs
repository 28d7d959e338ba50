//! What a request shows of who sends it: the `Authorization` header, a stream's `?token=`, or the cookie of a session.

use cstar_types::KeyId;
use cstar_wire::Code;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::key_text::{self, NotAKey};
use super::{digest, token};
use crate::error::{ApiError, ApiResult};

/// What a request shows of its key. The key itself is not kept (SEC-3).
pub(crate) enum Credential {
    /// A key, or nothing that anybody knows.
    Key {
        /// The SHA-256 of the whole text.
        digest: [u8; 32],
        /// The key that it claims to be, if it is a team key.
        key: Result<KeyId, NotAKey>,
    },
    /// A realtime token.
    Token(String),
}

impl Credential {
    /// Reads `Authorization: Bearer <key>`; without one, `?token=` of `query`, which is given where that is allowed: the
    /// browser's own EventSource sends no headers. `None` if there is neither.
    ///
    /// # Errors
    /// `unauthenticated` for another scheme; `malformed_header` if there are two.
    pub(super) fn of(headers: &HeaderMap, query: Option<&str>) -> ApiResult<Option<Self>> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let in_query = query.and_then(token_in);
        let Some(value) = values.next() else {
            return in_query.map(Self::of_query).transpose();
        };
        if values.next().is_some() || in_query.is_some() {
            return Err(ApiError::malformed_header("send one `authorization`, and no `token` beside it"));
        }
        let text = value.to_str().ok().and_then(bearer);
        let text = text.ok_or_else(|| unauthenticated("write it as `authorization: Bearer <key>`"))?;
        if text.starts_with(token::PREFIX) {
            return Ok(Some(Self::Token(text.to_owned())));
        }
        Ok(Some(Self::of_key(text)))
    }

    /// What a key shows of itself.
    pub(super) fn of_key(text: &str) -> Self {
        Self::Key { digest: digest(text), key: key_text::read(text) }
    }

    /// URLs are kept in histories and logs, so a key has no place there.
    fn of_query(text: String) -> ApiResult<Self> {
        if text.starts_with(token::PREFIX) {
            return Ok(Self::Token(text));
        }
        Err(unauthenticated("`token` takes a realtime token, which begins with `cst_`, and no key"))
    }
}

pub(super) const NONE: &str = "send a key: `authorization: Bearer <key>`";

fn token_in(query: &str) -> Option<String> {
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    parameters.find(|(name, _)| name == "token").map(|(_, value)| value.into_owned())
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
