//! What a client asks of its stream.

use cstar_realtime::{Format, Origin};
use cstar_types::Patterns;
use cstar_types::limits::PATTERNS_MAX;
use cstar_wire::Code;
use http::{HeaderMap, HeaderName};

use super::accept;
use crate::error::{ApiError, ApiResult};
use crate::query::Query;

/// Where a browser that comes back says that it stopped.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The request, apart from who sends it.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    /// `types`; without it everything that the key sees (R22, R23).
    pub(super) types: Option<Patterns>,
    /// `Last-Event-ID`, as header or as parameter.
    pub(super) origin: Origin,
    /// `until=head`.
    pub(super) until_head: bool,
    /// By `Accept`.
    pub(super) format: Format,
}

impl Asked {
    /// Reads a request.
    ///
    /// # Errors
    /// `not_acceptable`, `invalid_pattern`, `bad_query`. A cursor is never refused: what cannot be resumed is told as a gap,
    /// in the stream, because a browser gives up for good on any answer but 200.
    pub(super) fn read(query: Query, headers: &HeaderMap) -> ApiResult<Self> {
        let format = accept::format(headers).ok_or_else(|| {
            ApiError::new(Code::NotAcceptable, "a stream is `text/event-stream` or `application/x-ndjson`")
        })?;
        let query = query.only(&["types", "last_event_id", "until", "token"])?;
        let until_head = match query.text("until") {
            None => false,
            Some("head") => true,
            Some(_) => return Err(ApiError::bad_query("`until` takes `head` alone")),
        };
        let types = query.text("types").map(patterns).transpose()?;
        Ok(Self { types, origin: origin(&query, headers), until_head, format })
    }
}

/// The header wins: it is newer than the URL, which a browser repeats as it was.
fn origin(query: &Query, headers: &HeaderMap) -> Origin {
    match headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) {
        Some(value) => value.to_str().map_or(Origin::Unreadable, Origin::parse),
        None => query.text("last_event_id").map_or(Origin::Head, Origin::parse),
    }
}

/// T10, T18: the list of patterns.
fn patterns(list: &str) -> ApiResult<Patterns> {
    let invalid = |detail: String| ApiError::new(Code::InvalidPattern, detail);
    let patterns = Patterns::parse_list(list)
        .map_err(|(pattern, error)| invalid(format!("`types`: `{pattern}`: {error}")))?;
    match patterns.as_slice().len() {
        0..=PATTERNS_MAX => Ok(patterns),
        len => Err(invalid(format!("`types`: {len} patterns; at most {PATTERNS_MAX} are taken"))),
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::FromRequestParts;
    use cstar_types::Position;
    use http::Request;

    use super::*;

    async fn read(query: &str, headers: &[(&'static str, &'static [u8])]) -> ApiResult<Asked> {
        let mut request = Request::get(format!("/v1/teams/x/realtime?{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let Ok(query) = Query::from_request_parts(&mut parts, &()).await;
        Asked::read(query, &parts.headers)
    }

    async fn code(query: &str) -> Code {
        read(query, &[]).await.unwrap_err().code()
    }

    #[tokio::test]
    async fn what_is_not_asked_for_is_the_default() {
        let expected =
            Asked { types: None, origin: Origin::Head, until_head: false, format: Format::EventStream };
        assert_eq!(read("", &[]).await.unwrap(), expected);
        assert!(read("until=head", &[]).await.unwrap().until_head);
    }

    /// R6: the header wins, and no cursor is refused.
    #[tokio::test]
    async fn the_cursor_is_read() {
        let at = |seq| Origin::After(Position::new(1, seq));
        let cases: [(&str, &'static [u8], Origin); 8] = [
            ("", b"1.7", at(7)),
            ("last_event_id=1.5", b"1.7", at(7)),
            ("last_event_id=1.5", b"", at(5)),
            ("last_event_id=0", b"", Origin::Oldest),
            ("last_event_id=", b"", Origin::Head),
            ("last_event_id=1.5x", b"", Origin::Unreadable),
            ("last_event_id=1.5", b"nonsense", Origin::Unreadable),
            ("last_event_id=1.5", b"\xff", Origin::Unreadable),
        ];
        for (query, header, origin) in cases {
            let asked = read(query, &[("last-event-id", header)]).await.unwrap();
            assert_eq!(asked.origin, origin, "{query} {header:?}");
        }
    }

    /// R7, R22, T10, T18: patterns are those of webhooks, and a wrong one is refused with a hint.
    #[tokio::test]
    async fn patterns_are_checked() {
        let asked = read("types=ticket.*,%20customer.created", &[]).await.unwrap();
        assert_eq!(asked.types.unwrap().to_string(), "ticket.*,customer.created");
        for list in ["", "**", "a..b", "a.*.c", "ticket", "Ticket.created", "ticket.*,"] {
            assert_eq!(code(&format!("types={list}")).await, Code::InvalidPattern, "{list}");
        }
        assert_eq!(code(&format!("types={}", ["a.b"; 65].join(","))).await, Code::InvalidPattern);
    }

    #[tokio::test]
    async fn a_misspelt_parameter_is_refused() {
        for query in ["type=ticket.*", "until=tail", "types=*&types=*"] {
            assert_eq!(code(query).await, Code::BadQuery, "{query}");
        }
    }
}
