//! The audit log: each entry is written by the transaction of the change that it tells of.

use std::fmt::Display;
use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::{Actor, AuditAction, AuditEntry, AuditId, Author, KeyId, TeamId, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::columns::{LAST_ID, at};
use super::fault::Fault;
use super::locks::Lock;
use super::store::Postgres;
use super::tx::{Tx, change, read};
use crate::audit::next_id;
use crate::{Audit, AuditQuery, Page, Store, StoreError};

/// Entries that a page with a filter looks at, and those that are passed over to find old ones.
const LOOKED_AT_MAX: usize = 10_000;

#[async_trait]
impl Audit for Postgres {
    fn by(&self, author: Author) -> Arc<dyn Store> {
        Arc::new(self.by_author(author))
    }

    async fn audit(&self, query: AuditQuery) -> Result<Page<AuditEntry, AuditId>, StoreError> {
        read!(self, |tx| tx.audit(&query))
    }

    async fn remove_old_audit(&self, cutoff: Timestamp, rows: usize) -> Result<usize, StoreError> {
        change!(self, [], |tx| remove_old(&mut tx, cutoff, rows))
    }

    async fn put_on_record(
        &self,
        action: AuditAction,
        team: Option<TeamId>,
        resource: String,
    ) -> Result<(), StoreError> {
        change!(self, [], |tx| tx.record(action, team, &resource))
    }
}

const COLUMNS: &str = "id, at_ms, action, actor, team, resource, address, request_id";

/// A row of [`COLUMNS`].
fn read_entry(row: &Row) -> Result<AuditEntry, Fault> {
    let id = AuditId::from_bits(row.get::<_, Uuid>("id").as_u128());
    let damaged = || Fault::damaged("audit", id);
    let address = row.get::<_, Option<&str>>("address").map(str::parse).transpose();
    let key = row.get::<_, Option<Uuid>>("actor").map(|key| KeyId::from_bits(key.as_u128()));
    Ok(AuditEntry {
        id,
        action: row.get::<_, &str>("action").parse().map_err(|_| damaged())?,
        resource: row.get("resource"),
        team: row.get::<_, Option<Uuid>>("team").map(TeamId::from_uuid),
        by: Author {
            actor: key.map_or(Actor::Platform, Actor::Key),
            at: at(row, "at_ms"),
            address: address.map_err(|_| damaged())?,
            request_id: row.get("request_id"),
        },
    })
}

/// Removes the oldest entries of a time that has passed. Ids rise even where the clock was set back, so entries of a time that
/// was yet to come stand before old ones, and are passed over.
async fn remove_old(tx: &mut Tx, cutoff: Timestamp, rows: usize) -> Result<usize, Fault> {
    let sql = "DELETE FROM audit WHERE id IN (
                   SELECT id FROM (SELECT id, at_ms FROM audit ORDER BY id LIMIT $3) AS oldest
                   WHERE at_ms < $1 ORDER BY id LIMIT $2)";
    let looked_at = rows.saturating_add(LOOKED_AT_MAX) as i64;
    let bounds = [
        (&cutoff.as_millis() as _, Type::INT8),
        (&(rows as i64) as _, Type::INT8),
        (&looked_at as _, Type::INT8),
    ];
    Ok(tx.run(sql, &bounds).await? as usize)
}

impl Tx {
    /// Puts on record what is changed here, if it is for somebody. To be called where it is certain that something changes, and
    /// last: from here on everybody else waits who puts something on record.
    pub(super) async fn record(
        &self,
        action: AuditAction,
        team: Option<TeamId>,
        resource: impl Display,
    ) -> Result<(), Fault> {
        let Some(by) = self.author.as_deref() else { return Ok(()) };
        self.hold(Lock::Record).await?;
        let last = self.row("SELECT id FROM audit ORDER BY id DESC LIMIT 1", &[]).await?;
        let last = last.map(|row| AuditId::from_bits(row.get::<_, Uuid>(0).as_u128()));
        let key = match by.actor {
            Actor::Platform => None,
            Actor::Key(key) => Some(Uuid::from_u128(key.bits())),
        };
        let sql = format!("INSERT INTO audit ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
        let params = [
            (&Uuid::from_u128(next_id(last, by.at).bits()) as _, Type::UUID),
            (&by.at.as_millis() as _, Type::INT8),
            (&action.as_str() as _, Type::TEXT),
            (&key as _, Type::UUID),
            (&team.map(|team| *team.as_uuid()) as _, Type::UUID),
            (&resource.to_string() as _, Type::TEXT),
            (&by.address.map(|address| address.to_string()) as _, Type::TEXT),
            (&by.request_id as _, Type::TEXT),
        ];
        self.run(&sql, &params).await.map(drop)
    }

    /// A page of the audit log, newest first.
    async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditEntry, AuditId>, Fault> {
        if let Some(team) = query.team {
            self.head(team).await?;
        }
        let of = if query.team.is_some() { "team = $1" } else { "$1::uuid IS NULL" };
        // Where nothing is filtered, what is looked at is what is shown.
        let limit = if query.filters() { LOOKED_AT_MAX.max(query.limit) } else { query.limit };
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE {of} AND id < $2 ORDER BY id DESC LIMIT $3");
        let from = query.from.map_or(LAST_ID, |id| Uuid::from_u128(id.bits()));
        let params = [
            (&query.team.map(|team| *team.as_uuid()) as _, Type::UUID),
            (&from as _, Type::UUID),
            (&(limit as i64 + 1) as _, Type::INT8),
        ];
        let found = self.rows(&sql, &params).await?;
        let (mut rows, mut last) = (Vec::new(), None);
        for (looked_at, row) in found.iter().enumerate() {
            // There is one more, and no more room for it.
            if rows.len() == query.limit || looked_at == limit {
                return Ok(Page { rows, next: last });
            }
            let entry = read_entry(row)?;
            last = Some(entry.id);
            rows.extend(query.asks_for(&entry).then_some(entry));
        }
        Ok(Page { rows, next: None })
    }
}
