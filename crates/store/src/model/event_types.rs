//! Event types that the platform adds.

use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::catalog::{AddedType, CatalogEntry};
use cstar_types::{AuditAction, EventType, Timestamp};

use super::Model;
use crate::event_types::TOO_MANY_TYPES;
use crate::{AddedTypes, EventTypes, PutType, StoreError};

#[async_trait]
impl EventTypes for Model {
    fn event_types(&self) -> Arc<AddedTypes> {
        Arc::clone(&self.state.lock().event_types)
    }

    async fn put_event_type(
        &self,
        entry: CatalogEntry,
        limit: usize,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<PutType, StoreError> {
        self.change(|state| {
            let name = entry.event_type.clone();
            let before = state.event_types.get(&name).cloned();
            if expected.is_some() && expected != before.as_ref().map(|before| before.version) {
                return Err(StoreError::Changed);
            }
            let added = match &before {
                Some(before) if before.entry == entry => Arc::clone(before),
                Some(before) => Arc::new(before.changed(entry, now)),
                None if state.event_types.len() >= limit => return Err(TOO_MANY_TYPES),
                None => Arc::new(AddedType::new(entry, now)),
            };
            if !before.as_ref().is_some_and(|before| Arc::ptr_eq(before, &added)) {
                Arc::make_mut(&mut state.event_types).insert(name.clone(), Arc::clone(&added));
                state.put_on_record(AuditAction::EventTypePut, None, name);
            }
            Ok((PutType { added, is_new: before.is_none() }, None))
        })
    }

    async fn delete_event_type(
        &self,
        event_type: EventType,
        expected: Option<u64>,
    ) -> Result<(), StoreError> {
        self.change(|state| {
            let present = state.event_types.get(&event_type).ok_or(StoreError::NotFound)?;
            if expected.is_some_and(|expected| expected != present.version) {
                return Err(StoreError::Changed);
            }
            Arc::make_mut(&mut state.event_types).remove(&event_type);
            state.put_on_record(AuditAction::EventTypeDeleted, None, event_type);
            Ok(((), None))
        })
    }
}
