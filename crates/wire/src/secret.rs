//! A secret in the one answer that shows it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A key or secret on its way to its owner, who sees it in this one answer.
///
/// SEC-3: it is serialized, or asked for by name, and does not print itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ShownOnce(String);

impl ShownOnce {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ShownOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownOnce(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEC-3: an answer can be logged without its secret.
    #[test]
    fn it_is_serialized_but_not_printed() {
        let secret = ShownOnce::new("whsec_abc");
        assert_eq!(serde_json::to_string(&secret).unwrap(), r#""whsec_abc""#);
        assert!(!format!("{secret:?}").contains("abc"));
    }
}
