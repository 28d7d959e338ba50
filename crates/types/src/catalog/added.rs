//! An event type that the platform added to the built-in ones.

use super::CatalogEntry;
use crate::Timestamp;

/// An event type that the platform added, as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedType {
    /// What the catalog says about it.
    pub entry: CatalogEntry,
    /// Rises with each change. It begins with the time, so that a type which was deleted and added again has no version that
    /// it had before.
    pub version: u64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl AddedType {
    /// The type as it is added at `now`.
    #[must_use]
    pub fn new(entry: CatalogEntry, now: Timestamp) -> Self {
        let version = now.as_millis().unsigned_abs().max(1);
        Self { entry, version, created_at: now, updated_at: now }
    }

    /// The type with another entry, from `now` on.
    #[must_use]
    pub fn changed(&self, entry: CatalogEntry, now: Timestamp) -> Self {
        Self { entry, version: self.version + 1, created_at: self.created_at, updated_at: now }
    }
}
