//! Links to the settings page, and the sessions that begin with them.

use cstar_types::{Scope, TeamId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Key, ShownOnce};

/// `POST …/portal-links`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatePortalLink {
    /// What its session may do; unless said, all that the page shows but making keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub scopes: Option<Vec<Scope>>,
    /// For how long a session can begin with it, in seconds: 1 to 86,400, and 600 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 86_400)))]
    pub ttl_seconds: Option<u64>,
}

/// Its 201, the one answer that shows the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedPortalLink {
    /// Leads to the page. What opens it stands behind the `#`, which browsers send to nobody.
    pub url: ShownOnce,
    /// From when on no session begins with it.
    pub expires_at: Timestamp,
}

/// `POST /v1/session`: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreateSession {
    /// What stands behind the `#` of a portal link: `csl_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<ShownOnce>,
    /// A team key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<ShownOnce>,
}

/// A session of the settings page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session {
    /// Whose page it is.
    pub team_id: TeamId,
    /// What that team is called.
    pub team_name: String,
    /// The key that was made for it: it is listed and revoked like any other. Its text stands in the cookie alone.
    pub key: Key,
}
