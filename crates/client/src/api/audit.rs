//! The audit log.

use std::sync::Arc;

use cstar_types::{Actor, AuditAction, TeamId, Timestamp};
use cstar_wire::AuditEntry;

use crate::Pages;
use crate::call::Call;
use crate::transport::Transport;

/// The audit log of a team, or of the whole server.
#[derive(Debug, Clone, Copy)]
pub struct Audit<'a> {
    pub(crate) transport: &'a Arc<Transport>,
    pub(crate) team: Option<TeamId>,
}

/// Which entries are wanted; all of them unless said.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Of this kind.
    pub action: Option<AuditAction>,
    /// By this one.
    pub actor: Option<Actor>,
    /// Made at this time or later.
    pub since: Option<Timestamp>,
    /// Made before this time.
    pub until: Option<Timestamp>,
}

impl Audit<'_> {
    /// Entries, newest first.
    #[must_use]
    pub fn list(&self, query: &AuditQuery) -> Pages<AuditEntry> {
        let call = match &self.team {
            Some(team) => Call::get(&[&"v1", &"teams", team, &"audit"]),
            None => Call::get(&[&"v1", &"audit"]),
        };
        let call = call
            .query("action", query.action)
            .query("actor", query.actor)
            .query("since", query.since)
            .query("until", query.until);
        Pages::new(self.transport, call)
    }
}
