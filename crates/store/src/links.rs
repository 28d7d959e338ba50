//! Links to the settings page: each is good for one session.

use async_trait::async_trait;
use cstar_types::{Key, KeyId, Patterns, Scopes, TeamId, Timestamp};

use crate::{KeyDigest, StoreError};

/// The SHA-256 of a link's secret, which is random: see [`KeyDigest`].
pub type LinkDigest = [u8; 32];

/// What is kept of a link. Its secret is shown once and never stored (SEC-3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalLink {
    /// By what it is known.
    pub digest: LinkDigest,
    /// Whose page it leads to.
    pub team: TeamId,
    /// What the session may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
}

/// The key that a link is exchanged for.
#[derive(Debug, Clone)]
pub struct SessionKey {
    /// Which key.
    pub id: KeyId,
    /// Its digest.
    pub digest: KeyDigest,
    /// For people.
    pub name: &'static str,
    /// When the link was shown.
    pub now: Timestamp,
    /// From when on the key opens nothing.
    pub expires_at: Timestamp,
}

impl SessionKey {
    /// The key of a session that begins with this link: it may do what the link says, and nothing made it that it could
    /// die with.
    pub(crate) fn of(&self, link: &PortalLink) -> Key {
        Key {
            id: self.id,
            team: link.team,
            name: self.name.to_owned(),
            scopes: link.scopes,
            types: Patterns::all(),
            maker: None,
            created_at: self.now,
            expires_at: Some(self.expires_at),
            revoked_at: None,
            last_used_at: None,
        }
    }
}

/// Links to the settings page. Each change is synced before it is answered.
#[async_trait]
pub trait PortalLinks: Send + Sync {
    /// Keeps a link; `NotFound` without its team, `Conflict` if its digest is taken.
    async fn create_link(&self, link: PortalLink) -> Result<(), StoreError>;

    /// Takes a link away and stores the key of its session, in one transaction: of all who show a link, one gets a session.
    ///
    /// # Errors
    /// `NotFound` for a link that is unknown, was taken before, or has expired; `Conflict` if the key's id is taken.
    async fn exchange_link(&self, link: LinkDigest, session: SessionKey) -> Result<Key, StoreError>;
}
