//! A page of a list.

use serde::{Deserialize, Serialize};

/// A page of a list, in the order that the list has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "{T}List"))]
pub struct List<T> {
    /// The rows. There may be fewer than asked for, or none, although more follow.
    pub data: Vec<T>,
    /// Whether more follow.
    pub has_more: bool,
    /// What to send as `after` to get the rows behind these; opaque. Set exactly if `has_more`.
    pub next: Option<String>,
}

impl<T> List<T> {
    /// A page behind which `next`, if there is one, goes on.
    #[must_use]
    pub fn new(data: Vec<T>, next: Option<String>) -> Self {
        Self { data, has_more: next.is_some(), next }
    }
}
