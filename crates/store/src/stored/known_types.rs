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
pub(crate) struct KnownTypes(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    known: Arc<AddedTypes>,
    /// Rises with each change, so that what was read before a change is not taken after it.
    #[cfg(feature = "postgres")]
    changes: u64,
}

impl KnownTypes {
    pub(crate) fn new(known: AddedTypes) -> Self {
        Self(RwLock::new(State {
            known: Arc::new(known),
            #[cfg(feature = "postgres")]
            changes: 0,
        }))
    }

    pub(crate) fn all(&self) -> Arc<AddedTypes> {
        Arc::clone(&self.0.read().known)
    }

    /// To be called once they are synced, in the order of commits.
    pub(crate) fn apply(&self, changes: Vec<TypeChange>) {
        if changes.is_empty() {
            return;
        }
        let mut state = self.0.write();
        #[cfg(feature = "postgres")]
        {
            state.changes += 1;
        }
        let known = Arc::make_mut(&mut state.known);
        for (name, change) in changes {
            match change {
                Some(added) => known.insert(name, added),
                None => known.remove(&name),
            };
        }
    }
}

/// Where others change them, too: they are read again.
#[cfg(feature = "postgres")]
impl KnownTypes {
    /// How many changes there were; to be asked before they are read.
    pub(crate) fn changes(&self) -> u64 {
        self.0.read().changes
    }

    /// All of them, as they were read, unless something changed in between. Those that are as they were stay the same
    /// allocations, and so does the whole.
    pub(crate) fn replace(&self, changes: u64, read: Vec<AddedType>) {
        let mut state = self.0.write();
        if state.changes != changes {
            return;
        }
        let kept = |added: AddedType| match state.known.get(&added.entry.event_type) {
            Some(same) if **same == added => Arc::clone(same),
            _ => Arc::new(added),
        };
        let read: AddedTypes =
            read.into_iter().map(|added| (added.entry.event_type.clone(), kept(added))).collect();
        if *state.known != read {
            state.known = Arc::new(read);
        }
    }
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use cstar_types::Timestamp;
    use cstar_types::catalog::CatalogEntry;

    use super::*;

    fn added(description: &str) -> AddedType {
        let entry = CatalogEntry {
            event_type: "order.paid".parse().unwrap(),
            description: description.to_owned(),
            fires_on: String::new(),
            schema: "{}".to_owned(),
            example: "{}".to_owned(),
        };
        AddedType::new(entry, Timestamp::default())
    }

    fn change(to: &str) -> Vec<TypeChange> {
        let added = added(to);
        vec![(added.entry.event_type.clone(), Some(Arc::new(added)))]
    }

    fn known(types: &KnownTypes) -> Vec<String> {
        types.all().values().map(|added| added.entry.description.clone()).collect()
    }

    /// A reading that began before a change would bring back what was there before it.
    #[test]
    fn an_older_reading_does_not_undo_a_change() {
        let types = KnownTypes::default();
        let before = types.changes();
        types.apply(change("new"));
        types.replace(before, Vec::new());
        assert_eq!(known(&types), ["new"]);
        types.replace(types.changes(), vec![added("another node's")]);
        assert_eq!(known(&types), ["another node's"]);
    }
}
