//! How a request is refused (RFC 9457).

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Code;

/// A refusal: what is wrong and what to do about it, as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// Where the code's page is, relative to the server.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// What the code means, in a few words; the same for every refusal with this code.
    pub title: Cow<'static, str>,
    /// The status of the answer.
    pub status: u16,
    /// What is wrong here, and what to do.
    pub detail: String,
    /// The stable name of what is wrong. A newer server may send one that [`Problem::known`] does not know.
    pub code: Cow<'static, str>,
    /// `x-request-id` of the answer, to ask the operator about.
    pub request_id: String,
    /// Each bad field, where fields are what is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// A field that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldError {
    /// The JSON Pointer (RFC 6901) of the value in the request's body; empty for the body as a whole.
    pub pointer: String,
    /// The stable name of what is wrong with it.
    pub code: Cow<'static, str>,
    /// What is wrong with it, and what to do.
    pub detail: String,
}

impl Problem {
    /// A refusal with this code.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self {
            kind: code.page_path().into(),
            title: code.title().into(),
            status: code.status(),
            detail: detail.into(),
            code: code.as_str().into(),
            request_id: request_id.into(),
            errors: Vec::new(),
        }
    }

    /// The same refusal, naming the fields that are wrong.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// The code, if this version knows it.
    #[must_use]
    pub fn known(&self) -> Option<Code> {
        self.code.parse().ok()
    }
}

impl FieldError {
    /// A field at `pointer` that is wrong in the way that `code` names.
    #[must_use]
    pub fn new(code: Code, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.as_str().into(), detail: detail.into() }
    }
}

/// One line for people: `unknown_event_type: no such event type (request 01J…)`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        for error in &self.errors {
            write!(f, "; {} {}", error.pointer, error.detail)?;
        }
        write!(f, " (request {})", self.request_id)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_comes_back() {
        let errors = vec![FieldError::new(Code::InvalidPattern, "/events/0", "it is empty")];
        let problem = Problem::new(Code::InvalidPattern, "no pattern", "r1").with_errors(errors);
        let text = serde_json::to_string(&problem).unwrap();
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
        assert_eq!(problem.to_string(), "invalid_pattern: no pattern; /events/0 it is empty (request r1)");
    }

    /// A client is not broken by a code that came after it.
    #[test]
    fn an_unknown_code_is_kept() {
        let text = r#"{"type":"/errors/new_thing","title":"t","status":422,"detail":"d","code":"new_thing","request_id":"r"}"#;
        let problem: Problem = serde_json::from_str(text).unwrap();
        assert_eq!((problem.known(), &*problem.code), (None, "new_thing"));
    }
}
