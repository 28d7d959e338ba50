//! The client, and the client of one team.

use std::sync::Arc;

use cstar_types::TeamId;

use crate::api::{Audit, Deliveries, EventTypes, Events, Keys, Notices, Operations, Teams, Webhooks};
use crate::call::Call;
use crate::realtime::{Realtime, RealtimeOptions};
use crate::retry::Repeat;
use crate::transport::Transport;
use crate::{Config, ConfigError, Result};

/// A client of one server with one key. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Arc<Transport>,
}

/// The part of the API that belongs to one team.
#[derive(Debug, Clone)]
pub struct TeamClient {
    transport: Arc<Transport>,
    team: TeamId,
}

impl Client {
    /// A client. Nothing goes over the network yet.
    ///
    /// # Errors
    /// When the configuration cannot work.
    pub fn new(config: Config) -> std::result::Result<Self, ConfigError> {
        Ok(Self { transport: Arc::new(Transport::new(config)?) })
    }

    #[cfg(test)]
    pub(crate) fn from_transport(transport: Transport) -> Self {
        Self { transport: Arc::new(transport) }
    }

    /// What belongs to this team.
    #[must_use]
    pub fn team(&self, team: TeamId) -> TeamClient {
        TeamClient { transport: Arc::clone(&self.transport), team }
    }

    /// Teams; they need the platform key.
    #[must_use]
    pub fn teams(&self) -> Teams<'_> {
        Teams { transport: &self.transport }
    }

    /// The catalog of event types.
    #[must_use]
    pub fn event_types(&self) -> EventTypes<'_> {
        EventTypes { transport: &self.transport }
    }

    pub(crate) const fn transport(&self) -> &Arc<Transport> {
        &self.transport
    }

    /// The URLs that hear what the server does by itself; they need the platform key.
    #[must_use]
    pub fn notices(&self) -> Notices<'_> {
        Notices { transport: &self.transport }
    }

    /// The audit log of the whole server; it needs the platform key.
    #[must_use]
    pub fn audit(&self) -> Audit<'_> {
        Audit { transport: &self.transport, team: None }
    }

    /// Whether the server is alive. It is asked once.
    ///
    /// # Errors
    /// When it is not.
    pub async fn healthz(&self) -> Result<()> {
        self.probe("healthz").await
    }

    /// Whether the server can accept a publish. It is asked once.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn readyz(&self) -> Result<()> {
        self.probe("readyz").await
    }

    async fn probe(&self, path: &str) -> Result<()> {
        self.transport.send(&Call::get(&[&path]).repeat(Repeat::Never)).await.map(|_| ())
    }
}

impl TeamClient {
    /// Which team.
    #[must_use]
    pub const fn id(&self) -> TeamId {
        self.team
    }

    /// Publishing and reading events.
    #[must_use]
    pub fn events(&self) -> Events<'_> {
        Events { transport: &self.transport, team: self.team }
    }

    /// The team's webhooks.
    #[must_use]
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks { transport: &self.transport, team: self.team }
    }

    /// The webhook logs.
    #[must_use]
    pub fn deliveries(&self) -> Deliveries<'_> {
        Deliveries { transport: &self.transport, team: self.team }
    }

    /// Long work of the team's that goes on after its answer.
    #[must_use]
    pub fn operations(&self) -> Operations<'_> {
        Operations { transport: &self.transport, team: self.team }
    }

    /// Who changed what of the team's.
    #[must_use]
    pub fn audit(&self) -> Audit<'_> {
        Audit { transport: &self.transport, team: Some(self.team) }
    }

    /// The team's keys.
    #[must_use]
    pub fn keys(&self) -> Keys<'_> {
        Keys { transport: &self.transport, team: self.team }
    }

    /// The team's events as they happen. It opens when it is first asked for something, and closes when it is dropped.
    #[must_use]
    pub fn realtime(&self, options: RealtimeOptions) -> Realtime {
        Realtime::new(&self.transport, self.team, options)
    }
}
