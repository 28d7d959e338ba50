//! The built-in catalog: the fourteen event types, what each carries, and when the application publishes it
//! (W8–W29).
//!
//! A file here for each type. An application's own types live in the store; [`nearest`] serves both.

mod added;
mod entry;
mod nearest;

use std::sync::LazyLock;

pub use added::AddedType;
pub use entry::{CatalogEntry, CatalogError};
pub use nearest::nearest;

use crate::EventType;

/// The types in the order of the published list.
const FILES: [&str; 14] = [
    include_str!("ticket.created.json"),
    include_str!("ticket.updated.json"),
    include_str!("ticket.closed.json"),
    include_str!("ticket.message_added.json"),
    include_str!("customer.created.json"),
    include_str!("customer.updated.json"),
    include_str!("article.created.json"),
    include_str!("article.published.json"),
    include_str!("article.updated.json"),
    include_str!("boss.spawned.json"),
    include_str!("boss.defeated.json"),
    include_str!("player.level_up.json"),
    include_str!("achievement.unlocked.json"),
    include_str!("survey.submitted.json"),
];

static BUILTIN: LazyLock<[CatalogEntry; 14]> = LazyLock::new(|| {
    FILES.map(|file| {
        CatalogEntry::parse(file.as_bytes()).expect("each embedded file is read by this crate's tests")
    })
});

/// The event types that every server knows.
#[derive(Clone, Copy, Debug)]
pub struct Catalog;

impl Catalog {
    /// Exactly the fourteen types of the documents, in their order (W29).
    #[must_use]
    pub fn builtin() -> &'static [CatalogEntry] {
        &*BUILTIN
    }

    /// The built-in entry of `event_type`.
    #[must_use]
    pub fn find(event_type: &EventType) -> Option<&'static CatalogEntry> {
        Self::builtin().iter().find(|entry| entry.event_type == *event_type)
    }
}
