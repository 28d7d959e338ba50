//! Payload filters: which events a webhook gets, of those that its patterns match.
//!
//! A filter is a condition on an event's `data`, written in JSON. `docs/filters.md` is its reference:
//!
//! ```
//! use cstar_types::Filter;
//! use serde_json::json;
//!
//! let filter: Filter = r#"{"all": [
//!     {"pointer": "/priority", "equals": "high"},
//!     {"not": {"pointer": "/assignee", "exists": true}}
//! ]}"#.parse()?;
//! assert!(filter.matches(&json!({"priority": "high"})));
//! assert!(!filter.matches(&json!({"priority": "high", "assignee": "ada"})));
//! # Ok::<_, cstar_types::FilterError>(())
//! ```

mod condition;
mod error;
mod read;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::json::{Limits, canonicalize};
use crate::limits::FILTER_MAX_BYTES;
use condition::Condition;
pub use error::{FilterError, FilterFault, FilterProblem};

/// A condition on an event's `data`, parsed and within its bounds. Two are equal if they say the same in the same order,
/// however they were written; a clone shares what was parsed.
#[derive(Clone)]
pub struct Filter(Arc<Parsed>);

struct Parsed {
    /// Its one form, by which it is known.
    text: String,
    condition: Condition,
}

impl Filter {
    /// Reads a filter out of its JSON text.
    ///
    /// # Errors
    /// The first fault in the JSON, or everything that makes it no filter; each by a JSON Pointer into it.
    pub fn parse(text: &[u8]) -> Result<Self, FilterError> {
        let mut canonical = Vec::with_capacity(text.len());
        canonicalize(text, &mut canonical, Limits::default())
            .map_err(|fault| FilterProblem::Json(fault.kind()).at(fault.pointer()))?;
        let value = serde_json::from_slice(&canonical).map_err(|_| FilterProblem::NotACondition.alone())?;
        Self::from_canonical(&value)
    }

    /// The same out of canonical JSON ([`crate::json`]) that was parsed already.
    ///
    /// # Errors
    /// Everything that makes it no filter.
    pub fn from_canonical(value: &Value) -> Result<Self, FilterError> {
        let condition = read::condition(value)?;
        let text = serde_json::to_string(&condition).map_err(|_| FilterProblem::NotACondition.alone())?;
        if text.len() > FILTER_MAX_BYTES {
            return Err(FilterProblem::TooLong.alone());
        }
        Ok(Self(Arc::new(Parsed { text, condition })))
    }

    /// Whether an event with this `data` passes. What it asks for and is not there does not pass, whichever the test, but
    /// `"exists": false`.
    #[must_use]
    pub fn matches(&self, data: &Value) -> bool {
        self.0.condition.holds(data)
    }

    /// Its one form, as it is stored and shown: at most [`FILTER_MAX_BYTES`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text.as_bytes())
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.text == other.0.text
    }
}

impl Eq for Filter {}

impl Hash for Filter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter({})", self.0.text)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.condition.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::parse(value.to_string().as_bytes()).map_err(serde::de::Error::custom)
    }
}
