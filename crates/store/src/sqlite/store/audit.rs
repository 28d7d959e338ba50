//! The audit log.

use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::{AuditAction, AuditEntry, AuditId, Author, TeamId, Timestamp};

use super::{ONE, SqliteStore};
use crate::sqlite::queue::{Class, Size};
use crate::sqlite::tx::Tx;
use crate::{Audit, AuditQuery, Page, Store, StoreError};

#[async_trait]
impl Audit for SqliteStore {
    fn by(&self, author: Author) -> Arc<dyn Store> {
        Arc::new(SqliteStore::by(self, author))
    }

    async fn audit(&self, query: AuditQuery) -> Result<Page<AuditEntry, AuditId>, StoreError> {
        let read = self.shared.read(move |look| {
            query.team.map_or(Ok(()), |team| look.team(team).map(|_| ()))?;
            look.audit(&query)
        });
        read.await
    }

    async fn remove_old_audit(&self, cutoff: Timestamp, rows: usize) -> Result<usize, StoreError> {
        let (upto, rows) = self.shared.read(move |look| look.old_audit(cutoff, rows)).await?;
        let Some(upto) = upto else { return Ok(0) };
        let remove = move |tx: &mut Tx<'_>| tx.look().remove_audit(upto, cutoff);
        self.shared.write(Class::Vital, Size { rows, bytes: 0 }, remove).await
    }

    async fn put_on_record(
        &self,
        action: AuditAction,
        team: Option<TeamId>,
        resource: String,
    ) -> Result<(), StoreError> {
        // Vital: what is put on record here mostly ends something.
        self.change(Class::Vital, ONE, move |tx| tx.record(action, team, &resource)).await
    }
}
