//! Refusals: made where something is wrong, written as a problem document in one place.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use cstar_store::StoreError;
use cstar_types::json::JsonError;
use cstar_wire::header::PROBLEM_MEDIA_TYPE;
use cstar_wire::{Code, FieldError, Problem};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};

/// Enough to see what is wrong with a request; a batch of a thousand bad events would answer with a book.
pub(crate) const FIELD_ERRORS_MAX: usize = 50;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Why a request is refused.
///
/// It becomes a [`Problem`] at the [edge](crate::edge), where the request's id is known.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    quota: Option<Quota>,
    /// For the log alone.
    cause: Option<Arc<str>>,
}

/// A count that was reached.
#[derive(Debug, Clone, Copy)]
struct Quota {
    /// What is counted.
    of: &'static str,
    limit: usize,
    /// Of a limit on requests a second: when the next one is taken, in seconds.
    free_in_s: Option<u32>,
}

/// What a route answers.
pub(crate) type ApiResult<T = Response> = Result<T, ApiError>;

impl ApiError {
    /// A refusal; the detail says what to do.
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), quota: None, cause: None }
    }

    /// A refusal for fields of the body; the first one's code is the whole's.
    pub(crate) fn fields(mut errors: Vec<FieldError>) -> Self {
        let code = errors.first().and_then(|first| first.code.parse().ok()).unwrap_or(Code::InvalidField);
        let detail = match errors.as_slice() {
            [] => Cow::Borrowed("the body is not as it should be"),
            [one] if one.pointer.is_empty() => one.detail.clone().into(),
            [one] => format!("{}: {}", one.pointer, one.detail).into(),
            [first, rest @ ..] => {
                format!("{}: {} (and {} more, see `errors`)", first.pointer, first.detail, rest.len()).into()
            }
        };
        errors.truncate(FIELD_ERRORS_MAX);
        Self { errors, ..Self::new(code, detail) }
    }

    /// One bad field.
    pub(crate) fn field(code: Code, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::fields(vec![FieldError::new(code, pointer, detail)])
    }

    /// A count limit was reached.
    pub(crate) fn too_many(code: Code, of: &'static str, limit: usize) -> Self {
        let detail = format!("at most {limit} {of} are allowed at a time");
        Self { quota: Some(Quota { of, limit, free_in_s: None }), ..Self::new(code, detail) }
    }

    /// More requests in a second than are allowed.
    pub(crate) fn too_often(of: &'static str, per_second: u32, free_in_s: u32) -> Self {
        let detail =
            format!("at most {per_second} requests a second are taken; wait as long as `retry-after` says");
        let quota = Quota { of, limit: per_second as usize, free_in_s: Some(free_in_s) };
        Self { quota: Some(quota), ..Self::new(Code::RateLimited, detail) }
    }

    /// A fault of the server; the cause goes to the log.
    pub(crate) fn internal(cause: impl fmt::Display) -> Self {
        let detail = "the server met a fault of its own; its log has it under the request's id";
        Self { cause: Some(cause.to_string().into()), ..Self::new(Code::Internal, detail) }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(Code::NotFound, "there is nothing here, or not for this key")
    }

    pub(crate) fn changed() -> Self {
        Self::new(Code::Changed, "it changed since it was read: read it again and repeat with its new `ETag`")
    }

    pub(crate) fn malformed_header(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::MalformedHeader, detail)
    }

    pub(crate) fn bad_query(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::BadQuery, detail)
    }

    /// What is wrong.
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// What the log should know beyond the answer.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The answer.
    pub(crate) fn answer(self, request_id: &str) -> Response {
        let problem = Problem::new(self.code, self.detail, request_id).with_errors(self.errors);
        let body = serde_json::to_vec(&problem).expect("a problem has no keys but strings");
        let mut response = (status(self.code), body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
        if let Some(challenge) = challenge(self.code) {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        let free_in_s = self.quota.and_then(|quota| quota.free_in_s);
        if let Some(seconds) = free_in_s.or_else(|| retry_after_s(self.code)) {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if let Some(Quota { of, limit, .. }) = self.quota {
            let value = |text: String| HeaderValue::from_str(&text).expect("names and digits are ASCII");
            let (left, window) = match free_in_s {
                Some(seconds) => (format!(";t={seconds}"), ";w=1"),
                None => (String::new(), ""),
            };
            headers.insert(RATE_LIMIT, value(format!("\"{of}\";r=0{left}")));
            headers.insert(RATE_LIMIT_POLICY, value(format!("\"{of}\";q={limit}{window}")));
        }
        response
    }
}

fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).expect("the table of codes holds statuses")
}

/// What a 401 asks for (RFC 6750).
fn challenge(code: Code) -> Option<&'static str> {
    match code {
        Code::Unauthenticated => Some(r#"Bearer realm="cstar""#),
        Code::KeyRevoked | Code::TokenExpired | Code::LinkInvalid => {
            Some(r#"Bearer realm="cstar", error="invalid_token""#)
        }
        _ => None,
    }
}

/// When a repeat makes sense, in seconds.
fn retry_after_s(code: Code) -> Option<u32> {
    match code {
        // The writer empties its queue many times a second; one more client waiting a second lets it.
        Code::QueueFull | Code::InProgress | Code::OutcomeUnknown => Some(1),
        // A restart takes less than this.
        Code::ShuttingDown => Some(5),
        Code::RateLimited | Code::TooManyStreams => Some(10),
        // Only somebody deleting a webhook makes room.
        Code::TooManyWebhooks => Some(60),
        _ => None,
    }
}

/// Carries the refusal to the [edge](crate::edge), which writes it.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = status(self.code).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A fault in the JSON text: the reader stops at the first.
impl From<JsonError> for ApiError {
    fn from(error: JsonError) -> Self {
        let code = error.kind().code().parse().unwrap_or(Code::MalformedJson);
        let field = FieldError::new(code, error.pointer(), error.kind().to_string());
        Self { errors: vec![field], ..Self::new(code, error.to_string()) }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::NotFound => Self::not_found(),
            StoreError::Conflict(reason) => Self::new(Code::Conflict, reason),
            StoreError::Changed => Self::changed(),
            StoreError::TooMany { limit } => Self::too_many(Code::TooManyWebhooks, "webhooks", limit),
            StoreError::FanOutTooLarge { .. } => {
                Self::new(Code::FanOutTooLarge, format!("{text}; send smaller batches"))
            }
            StoreError::IdempotencyKeyReused { .. } => Self::new(Code::IdempotencyKeyReused, text),
            StoreError::QueueFull => {
                Self::new(Code::QueueFull, "too much is waiting to be written; nothing was stored")
            }
            StoreError::Unreachable(_) => Self {
                cause: Some(text.into()),
                ..Self::new(Code::QueueFull, "the database cannot be reached; nothing was stored")
            },
            StoreError::ShuttingDown => {
                Self::new(Code::ShuttingDown, "the server is stopping; nothing was stored")
            }
            // `Poisoned` may come after hand-over, and what was handed over may be on disk.
            StoreError::OutcomeUnknown | StoreError::Poisoned => Self {
                cause: Some(text.into()),
                ..Self::new(
                    Code::OutcomeUnknown,
                    "it is not known whether this was stored; repeat it with the same idempotency key",
                )
            },
            StoreError::StorageFull => {
                Self::new(Code::StorageFull, "the disk is nearly full; nothing was stored")
            }
            StoreError::Damaged(_)
            | StoreError::Unusable(_)
            | StoreError::OtherMasterKey
            | StoreError::Database(_) => Self::internal(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the table of refusals that the store decides.
    #[test]
    fn what_the_store_refuses_has_one_code() {
        for (error, code) in [
            (StoreError::NotFound, Code::NotFound),
            (StoreError::Conflict("taken"), Code::Conflict),
            (StoreError::Changed, Code::Changed),
            (StoreError::TooMany { limit: 1 }, Code::TooManyWebhooks),
            (StoreError::FanOutTooLarge { deliveries: 2, limit: 1 }, Code::FanOutTooLarge),
            (StoreError::IdempotencyKeyReused { index: 0 }, Code::IdempotencyKeyReused),
            (StoreError::QueueFull, Code::QueueFull),
            (StoreError::Unreachable("x".into()), Code::QueueFull),
            (StoreError::ShuttingDown, Code::ShuttingDown),
            (StoreError::OutcomeUnknown, Code::OutcomeUnknown),
            (StoreError::Poisoned, Code::OutcomeUnknown),
            (StoreError::StorageFull, Code::StorageFull),
            (StoreError::Damaged("x".into()), Code::Internal),
            (StoreError::Unusable("x".into()), Code::Internal),
            (StoreError::OtherMasterKey, Code::Internal),
            (StoreError::Database("x".into()), Code::Internal),
        ] {
            assert_eq!(ApiError::from(error.clone()).code(), code, "{error}");
        }
    }

    /// Refusals that a repeat can cure say when; 429 tells its limit too.
    #[test]
    fn answers_carry_the_headers_of_their_code() {
        for code in Code::ALL {
            let response = ApiError::new(code, "x").answer("r");
            let has = |name| response.headers().contains_key(name);
            assert_eq!(response.status().as_u16(), code.status());
            assert_eq!(has(WWW_AUTHENTICATE), code.status() == 401, "{code}");
            assert!(has(RETRY_AFTER) || !matches!(code.status(), 429 | 503), "{code}");
        }
        let response = ApiError::too_many(Code::TooManyStreams, "streams", 7).answer("r");
        assert_eq!(response.headers()[RATE_LIMIT_POLICY], "\"streams\";q=7");
        assert_eq!(response.headers()[RATE_LIMIT], "\"streams\";r=0");
    }

    /// SEC-3: what went wrong inside stays in the log.
    #[test]
    fn a_fault_of_the_server_is_not_told_to_the_client() {
        let error = ApiError::from(StoreError::Database("table secrets is locked".into()));
        assert_eq!(error.cause(), Some("database: table secrets is locked"));
        assert!(!error.detail.contains("secrets"));
    }
}
