//! The event types that can be published: the built-in ones, and those that the platform added. Each schema is compiled once.

mod known;
mod plain;
mod read;
mod schema;
mod tree;

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use cstar_store::{AddedTypes, Store};
use cstar_types::catalog;
use parking_lot::RwLock;

pub(crate) use known::Known;
pub(crate) use read::read;

/// The built-in types, in the order of the published list.
static BUILTIN: LazyLock<Vec<Known>> =
    LazyLock::new(|| catalog::Catalog::builtin().iter().map(Known::builtin).collect());
static BUILTIN_BY_NAME: LazyLock<HashMap<&'static str, &'static Known>> =
    LazyLock::new(|| BUILTIN.iter().map(|known| (known.event_type().as_str(), known)).collect());

/// Every type that can be published.
///
/// Who publishes a built-in type meets no lock here. The added ones are the store's to keep; what is held beside it is their
/// schemas, compiled anew where the store's answer is another one than before.
pub(crate) struct Catalog {
    store: Arc<dyn Store>,
    added: RwLock<Arc<Added>>,
}

/// The added types as they stood at one moment, and their schemas.
#[derive(Default)]
struct Added {
    of: Arc<AddedTypes>,
    known: HashMap<String, Arc<Known>>,
}

/// A type that was found.
pub(crate) enum Found {
    Builtin(&'static Known),
    Added(Arc<Known>),
}

impl Deref for Found {
    type Target = Known;

    fn deref(&self) -> &Known {
        match self {
            Self::Builtin(known) => known,
            Self::Added(known) => known,
        }
    }
}

impl Catalog {
    /// The types that can be published by what is in this store.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let catalog = Self { store, added: RwLock::default() };
        catalog.added(); // compiled before the first publish
        catalog
    }

    /// The type of this name.
    pub(crate) fn find(&self, name: &str) -> Option<Found> {
        if let Some(known) = BUILTIN_BY_NAME.get(name) {
            return Some(Found::Builtin(known));
        }
        self.added().known.get(name).map(|known| Found::Added(Arc::clone(known)))
    }

    /// Every type: the built-in ones in the order of the published list, then the added ones in the order of their names.
    pub(crate) fn all(&self) -> Vec<Found> {
        let added = self.added();
        let in_order = added.of.keys().filter_map(|name| added.known.get(name.as_str()));
        BUILTIN
            .iter()
            .map(Found::Builtin)
            .chain(in_order.map(|known| Found::Added(Arc::clone(known))))
            .collect()
    }

    /// What to say of a name that is none.
    pub(crate) fn unknown(&self, name: &str) -> String {
        let all = self.all();
        match catalog::nearest(name, all.iter().map(|known| known.event_type().as_str())).as_slice() {
            [] => "there is no such event type; GET /v1/event-types lists those that there are".to_owned(),
            nearest => format!("there is no such event type; did you mean {}?", nearest.join(" or ")),
        }
    }

    fn added(&self) -> Arc<Added> {
        let present = self.store.event_types();
        let before = Arc::clone(&self.added.read());
        if Arc::ptr_eq(&before.of, &present) {
            return before;
        }
        // Two who are here at once do the same work twice; whichever is kept is compared again by the next.
        let added = Arc::new(before.at(present));
        *self.added.write() = Arc::clone(&added);
        added
    }
}

impl Added {
    /// The same at another moment; what did not change is not compiled again.
    fn at(&self, present: Arc<AddedTypes>) -> Self {
        let mut known = HashMap::with_capacity(present.len());
        for (name, added) in &*present {
            let before = self.known.get(name.as_str()).filter(|known| known.is_of(added));
            let compiled =
                before.map_or_else(|| Known::added(added).map(Arc::new), |known| Ok(Arc::clone(known)));
            match compiled {
                Ok(compiled) => {
                    known.insert(name.to_string(), compiled);
                }
                // It was taken once, so this is for whoever runs the server, and must not stop the others.
                Err(why) => tracing::error!(%name, %why, "an event type cannot be published: put it again"),
            }
        }
        Self { of: present, known }
    }
}

/// Whether this is the name of a built-in type.
pub(crate) fn is_builtin(name: &str) -> bool {
    BUILTIN_BY_NAME.contains_key(name)
}

#[cfg(test)]
mod tests {
    use cstar_store::EventTypes;
    use cstar_store::model::Model;
    use cstar_types::Timestamp;
    use cstar_types::catalog::CatalogEntry;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1);

    fn entry(name: &str, schema: &str) -> CatalogEntry {
        CatalogEntry {
            event_type: name.parse().unwrap(),
            description: String::new(),
            fires_on: String::new(),
            schema: schema.to_owned(),
            example: "{}".to_owned(),
        }
    }

    /// W8–W29: each example can be published; an empty object cannot.
    #[test]
    fn each_type_takes_its_example() {
        let catalog = Catalog::new(Model::new());
        assert_eq!(catalog.all().len(), 14);
        for known in catalog.all() {
            let known = catalog.find(known.event_type().as_str()).unwrap();
            let example = known.entry().example.as_bytes();
            assert!(known.faults(example, "/data").is_empty(), "{:?}", known.event_type());
            assert!(!known.faults(b"{}", "/data").is_empty(), "{:?}", known.event_type());
        }
    }

    #[test]
    fn the_nearest_type_is_named() {
        let catalog = Catalog::new(Model::new());
        assert!(catalog.unknown("ticket.create").contains("ticket.created"));
        assert!(catalog.unknown("zzz").contains("/v1/event-types"));
    }

    /// What the store answered last is what can be published, and only what changed is compiled again.
    #[tokio::test]
    async fn added_types_stand_as_in_the_store() {
        let store = Model::new();
        let catalog = Catalog::new(Arc::clone(&store) as Arc<dyn Store>);
        let put = async |name, schema| store.put_event_type(entry(name, schema), 9, None, NOW).await.unwrap();
        assert!(catalog.find("order.paid").is_none());
        put("order.paid", r#"{"required":["id"]}"#).await;
        put("order.sent", "{}").await;
        let (paid, sent) = (catalog.find("order.paid").unwrap(), catalog.find("order.sent").unwrap());
        assert_eq!(paid.faults(b"{}", "/data").len(), 1);
        assert!(catalog.unknown("order.payd").contains("order.paid"));
        put("order.paid", "{}").await;
        assert!(catalog.find("order.paid").unwrap().faults(b"{}", "/data").is_empty());
        assert!(std::ptr::eq(&*sent, &*catalog.find("order.sent").unwrap()), "compiled again for nothing");
        store.delete_event_type("order.paid".parse().unwrap(), None).await.unwrap();
        assert!(catalog.find("order.paid").is_none());
        assert_eq!(catalog.all().last().unwrap().event_type().as_str(), "order.sent");
    }

    /// A schema that an older server took and this one does not must not keep it from starting.
    #[tokio::test]
    async fn a_schema_that_cannot_be_compiled_stops_no_other() {
        let store = Model::new();
        for (name, schema) in [("a.a", r#"{"$ref":"https://example.com/x"}"#), ("a.b", "{}")] {
            store.put_event_type(entry(name, schema), 9, None, NOW).await.unwrap();
        }
        let catalog = Catalog::new(store);
        assert!(catalog.find("a.a").is_none() && catalog.find("a.b").is_some());
    }
}
