//! The problem codes: every way in which a request is refused, its status, its title and its page, in one place.

use std::fmt;
use std::str::FromStr;

/// Why a request was refused. The name is stable; `docs/errors/` has a page for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The body is not one JSON text, or did not arrive whole.
    MalformedJson,
    /// A header of the request cannot be read.
    MalformedHeader,
    /// A query parameter is unknown, stands twice, or has a value that it cannot have.
    BadQuery,
    /// The request carries no key, or one that is not right.
    Unauthenticated,
    /// The key is right but was revoked.
    KeyRevoked,
    /// The key or token is right but its time is over.
    TokenExpired,
    /// The link to the settings page was used, has expired, or is not whole.
    LinkInvalid,
    /// A team's key was used with another team's path.
    WrongTeam,
    /// The key lacks a scope that this needs.
    MissingScope,
    /// The key does not see these event types.
    OutsidePatterns,
    /// Another origin's page sent what only the server's own page may.
    CrossOrigin,
    /// There is no such thing, or not for this key.
    NotFound,
    /// The path is right, the method is not.
    MethodNotAllowed,
    /// The `Accept` header rules out every form that there is.
    NotAcceptable,
    /// What was asked cannot be done as things stand.
    Conflict,
    /// A request with the same idempotency key has not ended.
    InProgress,
    /// `If-Match` names a version that is no longer the present one.
    Changed,
    /// The body, the batch or an event is larger than allowed.
    TooLarge,
    /// The batch would make more deliveries than one commit holds.
    FanOutTooLarge,
    /// `Content-Type` is not `application/json`.
    UnsupportedMediaType,
    /// The request names a host that this server is not.
    WrongHost,
    /// Another node answers this: the one that was asked is without the role for it.
    WrongNode,
    /// The JSON is valid, a value in it is not.
    InvalidField,
    /// The event's type is not in the catalog.
    UnknownEventType,
    /// The event's `data` breaks the JSON Schema of its type.
    SchemaViolation,
    /// A text is no pattern of event types.
    InvalidPattern,
    /// The data holds `__proto__` or `constructor.prototype`.
    UnsafeKey,
    /// One object has the same key twice.
    DuplicateKey,
    /// A number would change its value in receivers.
    UnrepresentableNumber,
    /// The target rule refuses the webhook's URL.
    BlockedTarget,
    /// The same idempotency key came with another type or other data.
    IdempotencyKeyReused,
    /// The key or team sends more than its rate allows.
    RateLimited,
    /// The key or team has as many open streams as it may.
    TooManyStreams,
    /// The team has as many webhooks as it may.
    TooManyWebhooks,
    /// A fault of the server, not of the request.
    Internal,
    /// The server takes in less than is published.
    QueueFull,
    /// The server takes nothing new.
    ShuttingDown,
    /// The request was handed to the writer and no confirmation came.
    OutcomeUnknown,
    /// Nothing new is stored until there is room.
    StorageFull,
}

/// What is fixed of a code.
struct Row {
    name: &'static str,
    status: u16,
    title: &'static str,
    page: &'static str,
}

/// A code's row; the page is the file of the same name.
macro_rules! row {
    ($name:literal, $status:literal, $title:literal) => {
        Row {
            name: $name,
            status: $status,
            title: $title,
            page: include_str!(concat!("../../../docs/errors/", $name, ".md")),
        }
    };
}

impl Code {
    /// Every code, in the order of their statuses.
    pub const ALL: [Self; 39] = [
        Self::MalformedJson,
        Self::MalformedHeader,
        Self::BadQuery,
        Self::Unauthenticated,
        Self::KeyRevoked,
        Self::TokenExpired,
        Self::LinkInvalid,
        Self::WrongTeam,
        Self::MissingScope,
        Self::OutsidePatterns,
        Self::CrossOrigin,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::Conflict,
        Self::InProgress,
        Self::Changed,
        Self::TooLarge,
        Self::FanOutTooLarge,
        Self::UnsupportedMediaType,
        Self::WrongHost,
        Self::WrongNode,
        Self::InvalidField,
        Self::UnknownEventType,
        Self::SchemaViolation,
        Self::InvalidPattern,
        Self::UnsafeKey,
        Self::DuplicateKey,
        Self::UnrepresentableNumber,
        Self::BlockedTarget,
        Self::IdempotencyKeyReused,
        Self::RateLimited,
        Self::TooManyStreams,
        Self::TooManyWebhooks,
        Self::Internal,
        Self::QueueFull,
        Self::ShuttingDown,
        Self::OutcomeUnknown,
        Self::StorageFull,
    ];

    const fn row(self) -> Row {
        match self {
            Self::MalformedJson => row!("malformed_json", 400, "The body is not JSON"),
            Self::MalformedHeader => row!("malformed_header", 400, "A header is not as it should be"),
            Self::BadQuery => row!("bad_query", 400, "The query is not as it should be"),
            Self::Unauthenticated => row!("unauthenticated", 401, "No valid key"),
            Self::KeyRevoked => row!("key_revoked", 401, "The key was revoked"),
            Self::TokenExpired => row!("token_expired", 401, "The key or token has expired"),
            Self::LinkInvalid => row!("link_invalid", 401, "The link opens nothing"),
            Self::WrongTeam => row!("wrong_team", 403, "The key belongs to another team"),
            Self::MissingScope => row!("missing_scope", 403, "The key may not do this"),
            Self::OutsidePatterns => row!("outside_patterns", 403, "Outside the key's patterns"),
            Self::CrossOrigin => row!("cross_origin", 403, "The page is another origin's"),
            Self::NotFound => row!("not_found", 404, "Not found"),
            Self::MethodNotAllowed => row!("method_not_allowed", 405, "The path has no such method"),
            Self::NotAcceptable => row!("not_acceptable", 406, "Cannot answer in that form"),
            Self::Conflict => row!("conflict", 409, "The state forbids it"),
            Self::InProgress => row!("in_progress", 409, "The same request is in progress"),
            Self::Changed => row!("changed", 412, "Changed since it was read"),
            Self::TooLarge => row!("too_large", 413, "Too large"),
            Self::FanOutTooLarge => row!("fan_out_too_large", 413, "Too many deliveries at once"),
            Self::UnsupportedMediaType => {
                row!("unsupported_media_type", 415, "The body is not declared as JSON")
            }
            Self::WrongHost => row!("wrong_host", 421, "Meant for another host"),
            Self::WrongNode => row!("wrong_node", 421, "Meant for another node"),
            Self::InvalidField => row!("invalid_field", 422, "A field has a wrong value"),
            Self::UnknownEventType => row!("unknown_event_type", 422, "No such event type"),
            Self::SchemaViolation => row!("schema_violation", 422, "The data does not fit its type"),
            Self::InvalidPattern => row!("invalid_pattern", 422, "Not a pattern"),
            Self::UnsafeKey => row!("unsafe_key", 422, "A key that common servers refuse"),
            Self::DuplicateKey => row!("duplicate_key", 422, "A key stands twice"),
            Self::UnrepresentableNumber => {
                row!("unrepresentable_number", 422, "A number that a double cannot hold")
            }
            Self::BlockedTarget => row!("blocked_target", 422, "The URL is not allowed"),
            Self::IdempotencyKeyReused => {
                row!("idempotency_key_reused", 422, "The idempotency key was used for another event")
            }
            Self::RateLimited => row!("rate_limited", 429, "Too many requests"),
            Self::TooManyStreams => row!("too_many_streams", 429, "Too many open streams"),
            Self::TooManyWebhooks => row!("too_many_webhooks", 429, "Too many webhooks"),
            Self::Internal => row!("internal", 500, "The server failed"),
            Self::QueueFull => row!("queue_full", 503, "Too much is waiting to be written"),
            Self::ShuttingDown => row!("shutting_down", 503, "The server is shutting down"),
            Self::OutcomeUnknown => row!("outcome_unknown", 503, "It is not known whether this was stored"),
            Self::StorageFull => row!("storage_full", 507, "The disk is nearly full"),
        }
    }

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().status
    }

    /// What the code means, in a few words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// The code's page: what it means and what to do, as Markdown.
    #[must_use]
    pub const fn page(self) -> &'static str {
        self.row().page
    }

    /// Where a server shows the page; a refusal's `type`.
    #[must_use]
    pub fn page_path(self) -> String {
        format!("/errors/{}", self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no code that this version knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownCode;

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a problem code of this version")
    }
}

impl std::error::Error for UnknownCode {}

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL.into_iter().find(|code| code.as_str() == text).ok_or(UnknownCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each code's page is there (or this would not compile), is about that code, and says what to do.
    #[test]
    fn each_code_has_its_page() {
        for code in Code::ALL {
            let page = code.page();
            let status = format!("**{}** · {}.", code.status(), code.title());
            assert!(page.starts_with(&format!("# `{code}`\n{status}\n")), "{code}: {page}");
            assert!(page.contains("**What to do.**"), "{code}");
        }
    }

    #[test]
    fn the_index_lists_each_page_with_its_status() {
        let index = include_str!("../../../docs/errors/README.md");
        for code in Code::ALL {
            let row = format!("| {} | [`{code}`]({code}.md) |", code.status());
            assert!(index.contains(&row), "{row}");
        }
        assert_eq!(index.matches(".md) |").count(), Code::ALL.len(), "no page without a code");
    }

    #[test]
    fn codes_come_back() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(code));
        }
        assert_eq!("nonsense".parse::<Code>(), Err(UnknownCode));
        assert!(Code::ALL.is_sorted_by_key(|code| code.status()));
    }

    /// What the JSON reader refuses has a code here.
    #[test]
    fn the_json_readers_codes_are_known() {
        use cstar_types::json::{Limits, canonicalize};
        for (text, code) in [
            ("{", Code::MalformedJson),
            (r#"{"a":1,"a":2}"#, Code::DuplicateKey),
            ("9007199254740993", Code::UnrepresentableNumber),
            (r#"{"__proto__":1}"#, Code::UnsafeKey),
            (r#""\ud800""#, Code::InvalidField),
        ] {
            let error = canonicalize(text.as_bytes(), &mut Vec::new(), Limits::default()).unwrap_err();
            assert_eq!(error.kind().code().parse(), Ok(code), "{text}");
        }
    }
}
