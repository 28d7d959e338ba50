//! Query parameters, taken strictly: a misspelt filter must not quietly answer with everything.

use axum::extract::FromRequestParts;
use cstar_types::limits::PATTERNS_MAX;
use cstar_types::{Patterns, Timestamp};
use cstar_wire::Code;
use http::Uri;
use http::request::Parts;

use crate::error::{ApiError, ApiResult};

/// The parameters of a request, decoded.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

/// No parameter at all.
pub(crate) struct NoQuery;

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl<S: Sync> FromRequestParts<S> for NoQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        Self::of(&parts.uri)
    }
}

impl NoQuery {
    /// Refuses every parameter.
    pub(crate) fn of(uri: &Uri) -> ApiResult<Self> {
        if let Some(query) = uri.query() {
            Query::parse(query).only(&[])?;
        }
        Ok(Self)
    }
}

impl Query {
    fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// Refuses parameters that are not `known`, and those that stand twice.
    ///
    /// # Errors
    /// `bad_query` that lists what is known.
    pub(crate) fn only(self, known: &[&str]) -> ApiResult<Self> {
        for (place, (name, _)) in self.0.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(ApiError::bad_query(match known {
                    [] => format!("`{name}`: this path takes no parameters"),
                    _ => format!("`{name}` is no parameter of this path, which takes {}", known.join(", ")),
                }));
            }
            if self.0[..place].iter().any(|(earlier, _)| earlier == name) {
                return Err(ApiError::bad_query(format!("`{name}` stands twice; send it once")));
            }
        }
        Ok(self)
    }

    /// The text of a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter's value.
    ///
    /// # Errors
    /// `bad_query` with the reason that `read` gives.
    pub(crate) fn get<T, E: std::fmt::Display>(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> ApiResult<Option<T>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        read(text).map(Some).map_err(|error| ApiError::bad_query(format!("`{name}`: {error}")))
    }

    /// An instant.
    pub(crate) fn instant(&self, name: &str) -> ApiResult<Option<Timestamp>> {
        self.get(name, Timestamp::parse)
    }

    /// A list of patterns (T10, T18).
    ///
    /// # Errors
    /// `invalid_pattern` with a hint, as for patterns in a body.
    pub(crate) fn patterns(&self, name: &str) -> ApiResult<Option<Patterns>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let invalid = |detail| ApiError::new(Code::InvalidPattern, detail);
        let patterns = Patterns::parse_list(text)
            .map_err(|(pattern, error)| invalid(format!("`{name}`: `{pattern}`: {error}")))?;
        match patterns.as_slice().len() {
            0..=PATTERNS_MAX => Ok(Some(patterns)),
            _ => Err(invalid(format!("`{name}`: at most {PATTERNS_MAX} patterns are taken"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_repeated_parameters_are_refused() {
        assert!(Query::parse("").only(&[]).is_ok());
        assert!(Query::parse("limit=1&after=x").only(&["limit", "after"]).is_ok());
        for text in ["x=1", "limit=1&limit=1", "limit=1&x", "Limit=1", "&=&"] {
            assert!(Query::parse(text).only(&["limit", "after"]).is_err(), "{text}");
        }
    }

    /// T18: an invalid pattern is refused with a hint.
    #[test]
    fn patterns_are_checked() {
        let read = |text: &str| Query::parse(text).patterns("types");
        assert_eq!(read("types=ticket.*,%20*.created").unwrap().unwrap().to_string(), "ticket.*,*.created");
        assert!(read("").unwrap().is_none());
        for text in ["types=", "types=**", "types=a..b", "types=a.*.c", "types=a.b,"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&format!("types={}", ["a.b"; PATTERNS_MAX + 1].join(","))).is_err());
    }
}
