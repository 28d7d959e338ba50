//! Event types that the platform adds.

use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::catalog::CatalogEntry;
use cstar_types::{EventType, Timestamp};

use super::SqliteStore;
use crate::sqlite::event_types;
use crate::sqlite::queue::{Class, Size};
use crate::{AddedTypes, EventTypes, PutType, StoreError};

#[async_trait]
impl EventTypes for SqliteStore {
    fn event_types(&self) -> Arc<AddedTypes> {
        self.shared.event_types.all()
    }

    async fn put_event_type(
        &self,
        entry: CatalogEntry,
        limit: usize,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<PutType, StoreError> {
        let size = Size { rows: 1, bytes: entry.schema.len() + entry.example.len() };
        self.change(Class::Change, size, move |tx| event_types::put(tx, &entry, limit, expected, now)).await
    }

    async fn delete_event_type(
        &self,
        event_type: EventType,
        expected: Option<u64>,
    ) -> Result<(), StoreError> {
        self.change(Class::Change, super::ONE, move |tx| event_types::delete(tx, &event_type, expected)).await
    }
}
