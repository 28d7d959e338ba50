//! The event types that the platform added, as a store remembers them.

use std::sync::Arc;

use cstar_types::EventType;
use cstar_types::catalog::AddedType;
use parking_lot::RwLock;

use crate::AddedTypes;

/// What became of an event type.
pub(crate) type TypeChange = (EventType, Option<Arc<AddedType>>);

/// The added types as of the last synced commit.
#[derive(Debug, Default)]
pub(crate) struct KnownTypes(RwLock<Arc<AddedTypes>>);

impl KnownTypes {
    pub(crate) fn new(known: AddedTypes) -> Self {
        Self(RwLock::new(Arc::new(known)))
    }

    pub(crate) fn all(&self) -> Arc<AddedTypes> {
        Arc::clone(&self.0.read())
    }

    /// All of them, as they were read. Those that are as they were stay the same allocations, and so does the whole.
    #[cfg(feature = "postgres")]
    pub(crate) fn replace(&self, read: Vec<AddedType>) {
        let mut known = self.0.write();
        let kept = |added: AddedType| match known.get(&added.entry.event_type) {
            Some(same) if **same == added => Arc::clone(same),
            _ => Arc::new(added),
        };
        let read: AddedTypes =
            read.into_iter().map(|added| (added.entry.event_type.clone(), kept(added))).collect();
        if **known != read {
            *known = Arc::new(read);
        }
    }

    /// To be called once they are synced, in the order of commits.
    pub(crate) fn apply(&self, changes: Vec<TypeChange>) {
        if changes.is_empty() {
            return;
        }
        let mut known = self.0.write();
        let known = Arc::make_mut(&mut known);
        for (name, change) in changes {
            match change {
                Some(added) => known.insert(name, added),
                None => known.remove(&name),
            };
        }
    }
}
