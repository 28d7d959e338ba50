//! The audit log.

use std::fmt::Display;
use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::{AuditAction, AuditEntry, AuditId, Author, TeamId, Timestamp};

use super::Model;
use super::state::State;
use crate::audit::next_id;
use crate::{Audit, AuditQuery, Page, Store, StoreError};

#[async_trait]
impl Audit for Model {
    fn by(&self, author: Author) -> Arc<dyn Store> {
        Arc::new(Self { held: Arc::clone(&self.held), author: Some(author) })
    }

    async fn audit(&self, query: AuditQuery) -> Result<Page<AuditEntry, AuditId>, StoreError> {
        self.look(|state| {
            query.team.map_or(Ok(()), |team| state.team(team).map(|_| ()))?;
            let newest_first = state.audit.iter().rev();
            let older = newest_first.filter(|entry| query.from.is_none_or(|from| entry.id < from));
            Ok(Page::cut(older.filter(|entry| query.asks_for(entry)).cloned(), query.limit, |entry| entry.id))
        })
    }

    async fn remove_old_audit(&self, cutoff: Timestamp, rows: usize) -> Result<usize, StoreError> {
        self.change(|state| {
            let before = state.audit.len();
            let mut left = rows;
            state.audit.retain(|entry| {
                let goes = left > 0 && entry.by.at < cutoff;
                left -= usize::from(goes);
                !goes
            });
            Ok((before - state.audit.len(), None))
        })
    }

    async fn put_on_record(
        &self,
        action: AuditAction,
        team: Option<TeamId>,
        resource: String,
    ) -> Result<(), StoreError> {
        self.change(|state| {
            state.put_on_record(action, team, resource);
            Ok(((), None))
        })
    }
}

impl State {
    /// Puts on record what is changed, if it is for somebody.
    pub(super) fn put_on_record(
        &mut self,
        action: AuditAction,
        team: Option<TeamId>,
        resource: impl Display,
    ) {
        let Some(by) = self.author.clone() else { return };
        let id = next_id(self.audit.last().map(|last| last.id), by.at);
        self.audit.push(AuditEntry { id, action, resource: resource.to_string(), team, by });
    }
}
