//! One type that can be published.

use std::sync::Arc;

use cstar_types::EventType;
use cstar_types::catalog::{AddedType, CatalogEntry};
use cstar_wire::FieldError;
use serde_json::Value;

use super::schema::Schema;

/// A type and its compiled schema.
pub(crate) struct Known {
    from: From,
    schema: Schema,
}

enum From {
    Builtin(&'static CatalogEntry),
    Added(Arc<AddedType>),
}

impl Known {
    /// A built-in type.
    pub(super) fn builtin(entry: &'static CatalogEntry) -> Self {
        let schema = compile(entry).expect("the built-in schemas are compiled by the tests of this crate");
        Self { from: From::Builtin(entry), schema }
    }

    /// An added type.
    ///
    /// # Errors
    /// Why its schema cannot be used, for the log.
    pub(super) fn added(added: &Arc<AddedType>) -> Result<Self, String> {
        Ok(Self { schema: compile(&added.entry)?, from: From::Added(Arc::clone(added)) })
    }

    /// Whether this is that very type, as it stands there.
    pub(super) fn is_of(&self, added: &Arc<AddedType>) -> bool {
        matches!(&self.from, From::Added(known) if Arc::ptr_eq(known, added))
    }

    /// What the catalog says about it.
    pub(crate) fn entry(&self) -> &CatalogEntry {
        match &self.from {
            From::Builtin(entry) => entry,
            From::Added(added) => &added.entry,
        }
    }

    /// The type.
    pub(crate) fn event_type(&self) -> &EventType {
        &self.entry().event_type
    }

    /// The version of an added type; a built-in one never changes.
    pub(crate) fn version(&self) -> Option<u64> {
        match &self.from {
            From::Builtin(_) => None,
            From::Added(added) => Some(added.version),
        }
    }

    /// Whether it is plain, at little cost, that `data`, canonical JSON, fits the type's schema. It may fit it and not be plain.
    pub(crate) fn plainly_fits(&self, data: &[u8]) -> bool {
        self.schema.plainly_fits(data)
    }

    /// Where `data`, canonical JSON, breaks the type's schema; `pointer` leads to it in the request.
    pub(crate) fn faults(&self, data: &[u8], pointer: &str) -> Vec<FieldError> {
        self.schema.faults(data, pointer)
    }
}

fn compile(entry: &CatalogEntry) -> Result<Schema, String> {
    let schema: Value = serde_json::from_str(&entry.schema).map_err(|error| error.to_string())?;
    Schema::compile(&schema).map_err(|fault| format!("{}: {}", fault.within, fault.detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W35: what is missing or wrong in a ticket is named in the request, and no value is repeated.
    #[test]
    fn faults_are_pointed_at() {
        let entry = cstar_types::catalog::Catalog::find(&"ticket.created".parse().unwrap()).unwrap();
        let ticket = Known::builtin(entry);
        let faults = ticket.faults(br#"{"id":"4711-secret","title":7,"status":"new"}"#, "/events/3/data");
        let mut pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/events/3/data/id", "/events/3/data/priority", "/events/3/data/title"]);
        assert!(faults.iter().all(|fault| !fault.detail.contains("4711")), "{faults:?}");
    }
}
