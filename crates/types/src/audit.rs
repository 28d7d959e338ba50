//! The audit log: who changed what, when, from where.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AuditId, KeyId, TeamId, Timestamp};

/// Makes the enum, its texts and the list of all from one table.
macro_rules! actions {
    ($($variant:ident = $text:literal: $doc:literal;)+) => {
        /// What was changed, and how.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum AuditAction {
            $(#[doc = $doc] #[serde(rename = $text)] $variant,)+
        }

        impl AuditAction {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As the API writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

actions! {
    TeamCreated = "team.created": "A team was made.";
    TeamUpdated = "team.updated": "A team was renamed.";
    TeamDeleted = "team.deleted": "A team was deleted, with all that it had.";
    KeyCreated = "key.created": "A key was made.";
    KeyRevoked = "key.revoked": "A key was revoked.";
    WebhookCreated = "webhook.created": "A webhook was registered.";
    WebhookUpdated = "webhook.updated": "A webhook was changed, enabled or disabled.";
    WebhookDeleted = "webhook.deleted": "A webhook was deleted.";
    SecretRotated = "webhook.secret_rotated": "A webhook got a new secret.";
    OverlapEnded = "webhook.overlap_ended": "A webhook's secret before the last rotation was forgotten.";
    EventResent = "event.resent": "An event was delivered to a webhook by hand.";
    DeliveryResent = "delivery.resent": "A delivery was sent again by hand.";
    OperationBegun = "operation.begun": "A resend of many or a recovery was begun.";
    OperationCancelled = "operation.cancelled": "An operation was ended where it stood.";
    LinkCreated = "portal_link.created": "A link to a team's settings page was made.";
    BackupMade = "backup.made": "A copy of everything was made for whoever asked.";
    EventErased = "event.erased": "An event's data was erased.";
    StreamEnded = "stream.ended": "An open stream was ended.";
    NoticeCreated = "notice.created": "A URL that hears notices was registered.";
    NoticeDeleted = "notice.deleted": "A URL that hears notices was deleted.";
    EventTypePut = "event_type.put": "An event type was added or changed.";
    EventTypeDeleted = "event_type.deleted": "An added event type was deleted.";
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no action of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an action of the audit log, such as webhook.created")]
pub struct NotAnAction;

impl FromStr for AuditAction {
    type Err = NotAnAction;

    fn from_str(text: &str) -> Result<Self, NotAnAction> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text).ok_or(NotAnAction)
    }
}

/// Whose key was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The platform key.
    Platform,
    /// This key of a team.
    Key(KeyId),
}

/// `platform`, or the key's id.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("platform"),
            Self::Key(key) => fmt::Display::fmt(key, f),
        }
    }
}

/// The text is no actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an actor: `platform`, or a key's id")]
pub struct NotAnActor;

impl FromStr for Actor {
    type Err = NotAnActor;

    fn from_str(text: &str) -> Result<Self, NotAnActor> {
        if text == "platform" {
            return Ok(Self::Platform);
        }
        text.parse().map(Self::Key).map_err(|_| NotAnActor)
    }
}

/// Who asks for a change, when, and from where. A store takes it with each change, and puts it on record in the transaction of
/// the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Whose key was used.
    pub actor: Actor,
    /// When; it is the time of the change as well.
    pub at: Timestamp,
    /// From where, if it came over a network.
    pub address: Option<IpAddr>,
    /// In which request; empty if in none.
    pub request_id: String,
}

impl Author {
    /// The application itself, in no request of anybody's.
    #[must_use]
    pub const fn platform(at: Timestamp) -> Self {
        Self { actor: Actor::Platform, at, address: None, request_id: String::new() }
    }
}

/// One change, and who made it. SEC-3: it names things by their ids, and holds no value that was written to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Which entry. Ids rise in the order of the changes.
    pub id: AuditId,
    /// What was done.
    pub action: AuditAction,
    /// The id of what was changed, or the name of an event type.
    pub resource: String,
    /// Whose; `None` for what all teams share.
    pub team: Option<TeamId>,
    /// By whom, when, and from where.
    pub by: Author,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page lists what there is, with the words of the code.
    #[test]
    fn each_action_is_documented() {
        let page = include_str!("../../../docs/audit.md");
        let rows: Vec<&str> =
            page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let names: Vec<&str> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(rows, names);
    }

    #[test]
    fn actions_and_actors_are_read_as_they_are_written() {
        for action in AuditAction::ALL {
            assert_eq!(action.to_string().parse(), Ok(*action));
            assert_eq!(serde_json::to_string(action).unwrap(), format!("\"{action}\""));
        }
        assert_eq!("webhook".parse::<AuditAction>(), Err(NotAnAction));
        for actor in [Actor::Platform, Actor::Key(KeyId::from_bits(7))] {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        assert_eq!("key_".parse::<Actor>(), Err(NotAnActor));
    }
}
