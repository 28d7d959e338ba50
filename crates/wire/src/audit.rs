//! The audit log.

use std::net::IpAddr;

use cstar_types::{self as types, AuditAction, AuditId, KeyId, TeamId, Timestamp};
use serde::{Deserialize, Serialize};

/// One change, and who made it: a row of `GET …/audit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditEntry {
    /// Which entry. Ids rise in the order of the changes.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub action: AuditAction,
    /// By whom.
    pub actor: Actor,
    /// What was changed: its id, or the name of an event type.
    pub resource: String,
    /// Whose it is; `null` for what all teams share.
    pub team_id: Option<TeamId>,
    /// From where: the address that the request came from.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub address: Option<IpAddr>,
    /// The `x-request-id` of the request; `null` if the server itself did it at its first start.
    pub request_id: Option<String>,
}

/// Whose key was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Actor {
    /// Of what kind.
    pub kind: ActorKind,
    /// Which key; `null` for the platform key, of which there is one.
    pub id: Option<KeyId>,
}

/// What kind of key was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// The platform key.
    Platform,
    /// A team's key.
    Key,
}

impl From<types::Actor> for Actor {
    fn from(actor: types::Actor) -> Self {
        match actor {
            types::Actor::Platform => Self { kind: ActorKind::Platform, id: None },
            types::Actor::Key(key) => Self { kind: ActorKind::Key, id: Some(key) },
        }
    }
}

impl From<types::AuditEntry> for AuditEntry {
    fn from(entry: types::AuditEntry) -> Self {
        let types::AuditEntry { id, action, resource, team, by } = entry;
        let types::Author { actor, at, address, request_id } = by;
        let request_id = Some(request_id).filter(|id| !id.is_empty());
        Self { id, at, action, actor: actor.into(), resource, team_id: team, address, request_id }
    }
}
