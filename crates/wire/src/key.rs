//! Team keys.

use cstar_types::{KeyId, Patterns, Scope, Timestamp};
use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::NO_CONTROLS;
use crate::ShownOnce;

/// A team key, as it can be seen after it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Key {
    /// Which key; also its public part.
    pub id: KeyId,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Which types it sees.
    pub types: Patterns,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The last use, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl From<cstar_types::Key> for Key {
    fn from(key: cstar_types::Key) -> Self {
        Self {
            id: key.id,
            name: key.name,
            scopes: key.scopes.iter().collect(),
            types: key.types,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// `POST …/keys`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreateKey {
    /// For people.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 500), regex(pattern = NO_CONTROLS)))]
    pub name: String,
    /// What it may do; not more than its maker (SEC-2).
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub scopes: Vec<Scope>,
    /// Which types it sees; not more than its maker (SEC-2), and what that one sees unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Patterns>,
    /// From when on it opens nothing; never unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// The 201 of `POST …/keys`, the one answer that shows the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedKey {
    /// What can be seen of it later, too.
    #[serde(flatten)]
    pub seen: Key,
    /// The key itself: `csk_…`.
    pub key: ShownOnce,
}
