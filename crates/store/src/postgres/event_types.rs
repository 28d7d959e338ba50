//! Event types that the platform adds.

use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::catalog::{AddedType, CatalogEntry};
use cstar_types::{AuditAction, EventType, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::columns::at;
use super::fault::Fault;
use super::locks::Lock;
use super::store::{Open, Postgres};
use super::tx::{Tx, change};
use crate::directory::is_expected;
use crate::event_types::TOO_MANY_TYPES;
use crate::{AddedTypes, EventTypes, PutType, StoreError};

#[async_trait]
impl EventTypes for Postgres {
    fn event_types(&self) -> Arc<AddedTypes> {
        self.open.event_types.all()
    }

    async fn put_event_type(
        &self,
        entry: CatalogEntry,
        limit: usize,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<PutType, StoreError> {
        change!(self, [], |tx| put(&mut tx, &entry, limit, expected, now))
    }

    async fn delete_event_type(
        &self,
        event_type: EventType,
        expected: Option<u64>,
    ) -> Result<(), StoreError> {
        change!(self, [], |tx| delete(&mut tx, &event_type, expected))
    }
}

const COLUMNS: &str = "name, description, fires_on, schema, example, version, created_ms, updated_ms";

/// A row of [`COLUMNS`].
fn read(row: &Row) -> Result<AddedType, Fault> {
    let name: &str = row.get("name");
    let entry = CatalogEntry {
        event_type: name.parse().map_err(|_| Fault::damaged("event_types", name))?,
        description: row.get("description"),
        fires_on: row.get("fires_on"),
        schema: row.get("schema"),
        example: row.get("example"),
    };
    Ok(AddedType {
        entry,
        version: row.get::<_, i64>("version") as u64,
        created_at: at(row, "created_ms"),
        updated_at: at(row, "updated_ms"),
    })
}

/// Adds a type, or changes the one of this name.
async fn put(
    tx: &mut Tx,
    entry: &CatalogEntry,
    limit: usize,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<PutType, Fault> {
    tx.hold(Lock::EventTypes).await?;
    let before = tx.event_type_added(&entry.event_type).await?;
    if expected.is_some() && expected != before.as_ref().map(|before| before.version) {
        return Err(StoreError::Changed.into());
    }
    let is_new = before.is_none();
    let added = match before {
        Some(before) if before.entry == *entry => return Ok(PutType { added: Arc::new(before), is_new }),
        Some(before) => before.changed(entry.clone(), now),
        None if tx.event_types_added().await?.len() >= limit => return Err(TOO_MANY_TYPES.into()),
        None => AddedType::new(entry.clone(), now),
    };
    tx.save_event_type(&added).await?;
    tx.record(AuditAction::EventTypePut, None, &entry.event_type).await?;
    let added = Arc::new(added);
    tx.effects.event_types.push((entry.event_type.clone(), Some(Arc::clone(&added))));
    Ok(PutType { added, is_new })
}

/// Deletes a type. Events of it name it themselves.
async fn delete(tx: &mut Tx, name: &EventType, expected: Option<u64>) -> Result<(), Fault> {
    tx.hold(Lock::EventTypes).await?;
    let present = tx.event_type_added(name).await?.ok_or(StoreError::NotFound)?;
    is_expected(present.version, expected)?;
    tx.run("DELETE FROM event_types WHERE name = $1", &[(&name.as_str(), Type::TEXT)]).await?;
    tx.record(AuditAction::EventTypeDeleted, None, name).await?;
    tx.effects.event_types.push((name.clone(), None));
    Ok(())
}

impl Open {
    /// Remembers the types as they stand now: other nodes change them too.
    pub(super) async fn learn_event_types(self: &Arc<Self>) -> Result<(), Fault> {
        let changes = self.event_types.changes();
        let tx = Tx::snapshot(self).await?;
        let all = tx.event_types_added().await;
        self.event_types.replace(changes, tx.finish(all).await?);
        Ok(())
    }
}

impl Tx {
    async fn event_type_added(&self, name: &EventType) -> Result<Option<AddedType>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM event_types WHERE name = $1");
        self.row(&sql, &[(&name.as_str(), Type::TEXT)]).await?.as_ref().map(read).transpose()
    }

    async fn event_types_added(&self) -> Result<Vec<AddedType>, Fault> {
        let rows = self.rows(&format!("SELECT {COLUMNS} FROM event_types"), &[]).await?;
        rows.iter().map(read).collect()
    }

    async fn save_event_type(&self, added: &AddedType) -> Result<(), Fault> {
        let AddedType { entry, version, created_at, updated_at } = added;
        let sql = format!(
            "INSERT INTO event_types ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (name) DO UPDATE SET description = $2, fires_on = $3, schema = $4, example = $5, version = $6,
                 updated_ms = $8"
        );
        let params = [
            (&entry.event_type.as_str() as _, Type::TEXT),
            (&entry.description as _, Type::TEXT),
            (&entry.fires_on as _, Type::TEXT),
            (&entry.schema as _, Type::TEXT),
            (&entry.example as _, Type::TEXT),
            (&(*version as i64) as _, Type::INT8),
            (&created_at.as_millis() as _, Type::INT8),
            (&updated_at.as_millis() as _, Type::INT8),
        ];
        self.run(&sql, &params).await.map(drop)
    }
}
