//! Team keys: what they may do, and which types they see.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{KeyId, Patterns, TeamId, Timestamp};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Scope {
    /// Publish.
    #[serde(rename = "events:write")]
    EventsWrite,
    /// List events, open streams.
    #[serde(rename = "events:read")]
    EventsRead,
    /// See webhooks.
    #[serde(rename = "webhooks:read")]
    WebhooksRead,
    /// Make and change webhooks.
    #[serde(rename = "webhooks:write")]
    WebhooksWrite,
    /// See the webhook logs.
    #[serde(rename = "deliveries:read")]
    DeliveriesRead,
    /// Resend.
    #[serde(rename = "deliveries:write")]
    DeliveriesWrite,
    /// Make, list and revoke keys.
    #[serde(rename = "keys:write")]
    KeysWrite,
    /// See who changed what.
    #[serde(rename = "audit:read")]
    AuditRead,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 8] = [
        Self::EventsWrite,
        Self::EventsRead,
        Self::WebhooksRead,
        Self::WebhooksWrite,
        Self::DeliveriesRead,
        Self::DeliveriesWrite,
        Self::KeysWrite,
        Self::AuditRead,
    ];

    /// As the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventsWrite => "events:write",
            Self::EventsRead => "events:read",
            Self::WebhooksRead => "webhooks:read",
            Self::WebhooksWrite => "webhooks:write",
            Self::DeliveriesRead => "deliveries:read",
            Self::DeliveriesWrite => "deliveries:write",
            Self::KeysWrite => "keys:write",
            Self::AuditRead => "audit:read",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a scope: one of events:write, events:read, webhooks:read, webhooks:write, deliveries:read, deliveries:write, keys:write, audit:read"
)]
pub struct NotAScope;

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, NotAScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(NotAScope)
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u16);

impl Scopes {
    /// Every scope.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether `scope` is among them.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & Self::bit(scope) != 0
    }

    /// Whether all of `other` are among them (SEC-2: a key makes none wider than itself).
    #[must_use]
    pub const fn cover(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// The scopes, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }

    const fn bit(scope: Scope) -> u16 {
        1 << scope as u16
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | Self::bit(scope)))
    }
}

/// What is kept of a team key. The key itself is shown once and never stored (SEC-3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Which key; its public part.
    pub id: KeyId,
    /// Whose key: it opens no other team (T24).
    pub team: TeamId,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Which types it sees.
    pub types: Patterns,
    /// The key that it was made with and dies with: a session's (SEC-2). Another key's is its own.
    pub maker: Option<KeyId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The last use, to the minute.
    pub last_used_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEC-2: scopes are cut by their maker's.
    #[test]
    fn a_narrow_set_does_not_cover_a_wider_one() {
        let narrow: Scopes = [Scope::EventsRead].into_iter().collect();
        assert!(Scopes::all().cover(narrow));
        assert!(!narrow.cover(Scopes::all()));
        assert!(narrow.cover(narrow));
        assert_eq!(Scopes::all().iter().count(), Scope::ALL.len());
    }

    #[test]
    fn scopes_come_back() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
    }
}
