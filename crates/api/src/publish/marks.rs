//! The headers of a publish.

use cstar_types::limits::IDEMPOTENCY_KEY_MAX_CHARS;
use cstar_wire::header::{IDEMPOTENCY_KEY, TEST};
use http::HeaderMap;

use crate::error::{ApiError, ApiResult};

/// What the headers of a publish say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// `x-cstar-test: true` (T20).
    pub(crate) test: bool,
    /// `Idempotency-Key`, for a single publish.
    pub(crate) idempotency_key: Option<String>,
}

impl Marks {
    /// Reads the headers.
    ///
    /// # Errors
    /// `malformed_header` names the one that is not as it should be.
    pub(crate) fn of(headers: &HeaderMap) -> ApiResult<Self> {
        let test = match one(headers, TEST)? {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(ApiError::malformed_header("`x-cstar-test` is `true` or `false`")),
        };
        let idempotency_key = one(headers, IDEMPOTENCY_KEY)?.map(checked_key).transpose()?;
        Ok(Self { test, idempotency_key })
    }
}

fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> ApiResult<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes()).ok().filter(|_| values.next().is_none());
    text.map(Some).ok_or_else(|| ApiError::malformed_header(format!("`{name}` stands twice or is not UTF-8")))
}

fn checked_key(key: &str) -> ApiResult<String> {
    if is_idempotency_key(key) {
        return Ok(key.to_owned());
    }
    Err(ApiError::malformed_header(format!(
        "`idempotency-key` has 1 to {IDEMPOTENCY_KEY_MAX_CHARS} characters"
    )))
}

/// Whether it is short enough to be kept for a day, and not empty, which is more often a mistake than a key.
pub(super) fn is_idempotency_key(key: &str) -> bool {
    (1..=IDEMPOTENCY_KEY_MAX_CHARS).contains(&key.chars().count())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn read(pairs: &[(&'static str, &str)]) -> ApiResult<Marks> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        Marks::of(&headers)
    }

    #[test]
    fn headers_are_read_strictly() {
        assert_eq!(read(&[]).unwrap(), Marks::default());
        assert!(read(&[(TEST, "true")]).unwrap().test);
        assert!(!read(&[(TEST, "false")]).unwrap().test);
        let longest = "é".repeat(IDEMPOTENCY_KEY_MAX_CHARS);
        assert_eq!(read(&[(IDEMPOTENCY_KEY, &longest)]).unwrap().idempotency_key, Some(longest.clone()));
        for wrong in [
            vec![(TEST, "1")],
            vec![(TEST, "true"), (TEST, "true")],
            vec![(IDEMPOTENCY_KEY, "")],
            vec![(IDEMPOTENCY_KEY, &*format!("{longest}x"))],
            vec![(IDEMPOTENCY_KEY, "a"), (IDEMPOTENCY_KEY, "b")],
        ] {
            assert!(read(&wrong).is_err(), "{wrong:?}");
        }
    }
}
