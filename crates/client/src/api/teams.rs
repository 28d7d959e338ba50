//! Teams.

use std::sync::Arc;

use cstar_types::TeamId;
use cstar_wire::{CreatePortalLink, CreateTeam, CreatedPortalLink, Team, UpdateTeam};

use crate::call::Call;
use crate::transport::Transport;
use crate::{Pages, Result};

/// The teams of the server; they need the platform key.
#[derive(Debug, Clone, Copy)]
pub struct Teams<'a> {
    pub(crate) transport: &'a Arc<Transport>,
}

impl Teams<'_> {
    /// Makes a team.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn create(&self, team: &CreateTeam) -> Result<Team> {
        self.transport.fetch(&Call::post(&[&"v1", &"teams"]).json(team)?).await
    }

    /// Every team.
    #[must_use]
    pub fn list(&self) -> Pages<Team> {
        Pages::new(self.transport, Call::get(&[&"v1", &"teams"]))
    }

    /// One team.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn get(&self, team: TeamId) -> Result<Team> {
        self.transport.fetch(&Call::get(&[&"v1", &"teams", &team])).await
    }

    /// Changes a team.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn update(&self, team: TeamId, change: &UpdateTeam) -> Result<Team> {
        self.transport.fetch(&Call::patch(&[&"v1", &"teams", &team]).json(change)?).await
    }

    /// Makes a link to a team's settings page, good for one session.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn portal_link(&self, team: TeamId, link: &CreatePortalLink) -> Result<CreatedPortalLink> {
        self.transport.fetch(&Call::post(&[&"v1", &"teams", &team, &"portal-links"]).json(link)?).await
    }

    /// Deletes a team with all that it has: streams end, deliveries are cancelled, events are erased.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn delete(&self, team: TeamId) -> Result<()> {
        self.transport.send(&Call::delete(&[&"v1", &"teams", &team])).await.map(|_| ())
    }
}
