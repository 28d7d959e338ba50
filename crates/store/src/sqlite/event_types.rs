//! Adding, changing and deleting event types.

use std::sync::Arc;

use cstar_types::catalog::{AddedType, CatalogEntry};
use cstar_types::{AuditAction, EventType, Timestamp};

use super::event_type_rows::save;
use super::fault::Fault;
use super::look::Look;
use super::tx::Tx;
use crate::directory::is_expected;
use crate::event_types::TOO_MANY_TYPES;
use crate::stored::known_types::KnownTypes;
use crate::{AddedTypes, PutType, StoreError};

/// Adds a type, or changes the one of this name.
pub(super) fn put(
    tx: &mut Tx<'_>,
    entry: &CatalogEntry,
    limit: usize,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<PutType, Fault> {
    let look = tx.look();
    let before = look.event_type_added(&entry.event_type)?;
    if expected.is_some() && expected != before.as_ref().map(|before| before.version) {
        return Err(StoreError::Changed.into());
    }
    let is_new = before.is_none();
    let added = match before {
        Some(before) if before.entry == *entry => {
            return Ok(PutType { added: Arc::new(before), is_new });
        }
        Some(before) => before.changed(entry.clone(), now),
        None if look.event_types_count()? >= limit => return Err(TOO_MANY_TYPES.into()),
        None => AddedType::new(entry.clone(), now),
    };
    save(look, &added)?;
    tx.record(AuditAction::EventTypePut, None, &entry.event_type)?;
    let added = Arc::new(added);
    tx.effects.event_types.push((entry.event_type.clone(), Some(Arc::clone(&added))));
    Ok(PutType { added, is_new })
}

/// Deletes a type. Its name stays in `types`, by which its events are read.
pub(super) fn delete(tx: &mut Tx<'_>, name: &EventType, expected: Option<u64>) -> Result<(), Fault> {
    let look = tx.look();
    let present = look.event_type_added(name)?.ok_or(StoreError::NotFound)?;
    is_expected(present.version, expected)?;
    look.conn.prepare_cached("DELETE FROM event_types WHERE name = ?1")?.execute([name.as_str()])?;
    tx.record(AuditAction::EventTypeDeleted, None, name)?;
    tx.effects.event_types.push((name.clone(), None));
    Ok(())
}

/// Reads them all. One that is damaged is said and left out, so that the others can be published (LOG-3).
pub(super) fn read_known(look: Look<'_>) -> Result<KnownTypes, Fault> {
    let mut known = AddedTypes::new();
    for added in look.event_types_added()? {
        match added {
            Ok(added) => {
                known.insert(added.entry.event_type.clone(), Arc::new(added));
            }
            Err(Fault::Damaged(what)) => tracing::error!(%what, "an event type cannot be published"),
            Err(fault) => return Err(fault),
        }
    }
    Ok(KnownTypes::new(known))
}
