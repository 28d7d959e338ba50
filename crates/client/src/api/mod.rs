//! The calls, one file for each noun.

mod audit;
mod backup;
mod deliveries;
mod event_types;
mod events;
mod keys;
mod notices;
mod operations;
mod teams;
#[cfg(test)]
mod tests;
mod webhooks;

pub use audit::{Audit, AuditQuery};
pub use backup::Backup;
pub use deliveries::{Deliveries, DeliveryQuery};
pub use event_types::EventTypes;
pub use events::{BatchOptions, EventQuery, Events, Order, PublishOptions, Published};
pub use keys::Keys;
pub use notices::Notices;
pub use operations::Operations;
pub use teams::Teams;
pub use webhooks::Webhooks;
