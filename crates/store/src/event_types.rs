//! Event types that the platform adds to the built-in ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::catalog::{AddedType, CatalogEntry};
use cstar_types::{EventType, Timestamp};

use crate::StoreError;

/// The added types by name.
pub type AddedTypes = BTreeMap<EventType, Arc<AddedType>>;

/// What a put came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutType {
    /// The type as it stands now.
    pub added: Arc<AddedType>,
    /// Whether there was none of this name before.
    pub is_new: bool,
}

/// Event types that the platform adds. Whether a schema is one, and that no name is a built-in one, is the caller's to say.
///
/// The log does not ask here: events of a type that was deleted are read as before.
#[async_trait]
pub trait EventTypes: Send + Sync {
    /// All of them, from memory, as of the last change that was answered. What did not change is the same allocation as in an
    /// answer that is still held, the whole as well as each type.
    fn event_types(&self) -> Arc<AddedTypes>;

    /// Adds a type, or changes the one of this name; the same entry again changes nothing. `expected` is the version that the
    /// caller saw (`If-Match`): another one, or none, is `Changed`. `Conflict` if there are `limit` others already.
    async fn put_event_type(
        &self,
        entry: CatalogEntry,
        limit: usize,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<PutType, StoreError>;

    /// Deletes a type; `NotFound` if there is none of this name.
    async fn delete_event_type(&self, event_type: EventType, expected: Option<u64>)
    -> Result<(), StoreError>;
}

/// Why a type cannot be added.
pub(crate) const TOO_MANY_TYPES: StoreError = StoreError::Conflict(
    "there are as many added event types as there may be: delete one, or raise the limit",
);
