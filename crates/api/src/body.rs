//! Reading a body: declared as JSON, no larger than it may be, and in time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use cstar_wire::Code;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::error::{ApiError, ApiResult};

/// Everything but a publish: a name, a URL, some patterns and headers.
pub(crate) const CONTROL_MAX_BYTES: usize = 64 * 1024;

/// Reads a body that must be declared as JSON. Whether it is JSON is its reader's to say.
///
/// # Errors
/// `unsupported_media_type`, `too_large`; `malformed_json` if it breaks off or takes too long.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    within: Duration,
) -> ApiResult<Bytes> {
    if !declared_as_json(headers) {
        return Err(ApiError::new(Code::UnsupportedMediaType, "send `content-type: application/json`"));
    }
    if headers.contains_key(CONTENT_ENCODING) {
        // A small body could unpack to a large one.
        return Err(ApiError::new(
            Code::UnsupportedMediaType,
            "send the body as it is, without `content-encoding`",
        ));
    }
    if declared_len(headers).is_some_and(|len| len > limit) {
        return Err(too_large(limit));
    }
    match tokio::time::timeout(within, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Ok(Err(_)) => Err(cut_off("the body broke off before its end".to_owned())),
        Err(_) => Err(cut_off(format!("the body did not arrive within {} s", within.as_secs()))),
    }
}

fn cut_off(detail: String) -> ApiError {
    ApiError::new(Code::MalformedJson, detail)
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(Code::TooLarge, format!("the body is larger than {limit} bytes"))
}

fn declared_len(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// `application/json`, in UTF-8 if it names a character set.
fn declared_as_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(text) = value.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let media_type = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    media_type && parts.all(|parameter| !names_other_charset(parameter))
}

fn names_other_charset(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        name.eq_ignore_ascii_case("charset") && !value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_json_in_utf_8_is_json() {
        for (value, is_json) in [
            ("application/json", true),
            ("Application/JSON ; charset=UTF-8", true),
            ("application/json; charset=\"utf-8\"", true),
            ("application/json; charset=latin1", false),
            ("text/json", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            assert_eq!(declared_as_json(&headers), is_json, "{value}");
        }
        assert!(!declared_as_json(&HeaderMap::new()));
    }

    /// An endless body that drips is given up, in paused time.
    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let error = read(&headers, never, 10, Duration::from_secs(30)).await.unwrap_err();
        assert_eq!(error.code(), Code::MalformedJson);
    }

    /// A body without a length, or with one that lies, is stopped at the limit.
    #[tokio::test]
    async fn an_endless_body_is_stopped_at_the_limit() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("2"));
        let chunk = || Ok::<_, std::io::Error>(Bytes::from_static(&[b'['; 1024]));
        let endless = Body::from_stream(futures_util::stream::repeat_with(chunk));
        let error = read(&headers, endless, 4096, Duration::from_secs(30)).await.unwrap_err();
        assert_eq!(error.code(), Code::TooLarge);
    }
}
