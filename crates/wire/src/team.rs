//! Teams.

use cstar_types::{TeamId, Timestamp};
use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::NO_CONTROLS;

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Team {
    /// Which team: the application's own UUID, or one that the server made.
    pub id: TeamId,
    /// For people.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<cstar_types::Team> for Team {
    fn from(team: cstar_types::Team) -> Self {
        Self { id: team.id, name: team.name, created_at: team.created_at }
    }
}

/// `POST /v1/teams`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreateTeam {
    /// For people.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 500), regex(pattern = NO_CONTROLS)))]
    pub name: String,
    /// The application's own UUID for it, or `None` to have one made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TeamId>,
}

/// `PATCH /v1/teams/{team}`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdateTeam {
    /// A new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 500), regex(pattern = NO_CONTROLS)))]
    pub name: Option<String>,
}
