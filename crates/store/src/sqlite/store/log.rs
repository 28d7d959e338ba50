//! The log.

use async_trait::async_trait;
use cstar_types::{Entry, EventId, TeamId};

use super::{ONE, SqliteStore};
use crate::sqlite::append::Publish;
use crate::sqlite::erase;
use crate::sqlite::fault::Fault;
use crate::sqlite::idempotency;
use crate::sqlite::queue::Class;
use crate::stored::key_use;
use crate::{Append, Appended, EventQuery, Log, LogEnds, LogSlice, Page, SliceLimit, StoreError};

#[async_trait]
impl Log for SqliteStore {
    async fn append(&self, append: Append) -> Result<Vec<Appended>, StoreError> {
        let mut publish = Publish::prepare(append);
        if let Some(filters) = publish.filters(&self.shared.shelf) {
            publish.judge(filters).await;
        }
        self.shared.write(Class::Append, publish.size(), move |tx| publish.apply(tx)).await
    }

    async fn repeated(&self, append: Append) -> Result<Option<Vec<Appended>>, StoreError> {
        let (team, keys) = (append.team, key_use::keys(&append));
        let read = self.shared.read(move |look| {
            let number = look.team(team)?.number;
            idempotency::all_stored(look, team, number, &keys)
        });
        let first = read.await?;
        Ok(first.map(|first| first.into_iter().map(|entry| Appended { entry, replayed: true }).collect()))
    }

    async fn erase(&self, team: TeamId, event: EventId) -> Result<(), StoreError> {
        self.change(Class::Vital, ONE, move |tx| erase::erase(tx, team, event)).await
    }

    async fn ends(&self, team: TeamId) -> Result<LogEnds, StoreError> {
        self.shared.read(move |look| look.ends(&look.team(team)?)).await
    }

    async fn read(&self, team: TeamId, after: u64, limit: SliceLimit) -> Result<LogSlice, StoreError> {
        self.shared.read(move |look| look.slice(&look.team(team)?, after, limit)).await
    }

    async fn event(&self, team: TeamId, event: EventId) -> Result<Entry, StoreError> {
        let read = self.shared.read(move |look| {
            let number = look.team(team)?.number;
            let found = look.entry_with_id(team, event)?.filter(|(place, _)| place.team() == number);
            found.map(|(_, entry)| entry).ok_or(Fault::Refused(StoreError::NotFound))
        });
        read.await
    }

    async fn events(&self, team: TeamId, query: EventQuery) -> Result<Page<Entry, u64>, StoreError> {
        self.shared.read(move |look| look.events(&look.team(team)?, query)).await
    }
}
