//! The log: an event and its deliveries in one transaction, synced before anybody hears of it.
//!
//! [`Store`] is the contract. [`sqlite`] keeps it on one machine's disk; `postgres` keeps it in a database that several nodes share;
//! `model` keeps it in memory, as plainly as it can be written; `conformance` is the one suite that all must pass. A store knows nothing of HTTP, of
//! signing, or of who reads.

mod audit;
mod backup;
#[cfg(feature = "conformance")]
pub mod conformance;
mod deliveries;
mod directory;
mod error;
mod event_types;
mod links;
mod log;
#[cfg(feature = "model")]
pub mod model;
#[cfg(feature = "postgres")]
mod moving;
mod operations;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;
mod stored;
mod tail;
mod upkeep;

pub use audit::{Audit, AuditQuery};
pub use backup::Backup;
pub use deliveries::{
    ATTEMPTS_MAX, AttemptReport, Deliveries, DeliveryQuery, Due, DueSlice, LaneRule, Verdict,
};
pub use directory::{Directory, KeyDigest, ListQuery, Rotation, SecretText, WebhookPatch, WebhookSecrets};
pub use error::StoreError;
pub use event_types::{AddedTypes, EventTypes, PutType};
pub use links::{LinkDigest, PortalLink, PortalLinks, SessionKey};
pub use log::{
    Append, Appended, EventQuery, FanOut, Log, LogEnds, LogSlice, NewEvent, Order, Page, SliceLimit,
    TypeFilter,
};
#[cfg(feature = "postgres")]
pub use moving::{Moved, Moving, Told as ToldOfMove, move_to_postgres};
pub use operations::{NewOperation, Operations, ResendCount};
pub use tail::{Attention, Change, Overtaken, Tail, TailReader, Told};
pub use upkeep::{CommitSizes, Cutoffs, Health, SharedClock, StoreCounts, Upkeep};

/// A durable, transactional store: the whole contract.
///
/// - LOG-1: what a call answered with `Ok` is on disk and was synced before the answer.
/// - LOG-2: a team's positions count 1, 2, 3 … without holes; who has read n never sees something new at or below n.
/// - LOG-3: what is read is byte for byte what was appended; damage is an error.
/// - DLV-1: an append makes exactly one delivery for each enabled webhook of the team that wants the event's type, as
///   the webhooks stand in the order of commits.
/// - The tail is told after the sync, in the order of commits.
pub trait Store:
    Log + Directory + PortalLinks + Deliveries + Operations + EventTypes + Audit + Upkeep + 'static
{
}

impl<T: Log + Directory + PortalLinks + Deliveries + Operations + EventTypes + Audit + Upkeep + 'static> Store
    for T
{
}
