//! The rows of the audit log, each written by the transaction of the change that it tells of.

use std::fmt::Display;

use cstar_types::{Actor, AuditAction, AuditEntry, AuditId, Author, KeyId, TeamId, Timestamp};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::fault::Fault;
use super::look::Look;
use super::tx::Tx;
use crate::audit::next_id;
use crate::stored::checksum::Checksum;
use crate::{AuditQuery, Page};

/// Entries that a page with a filter looks at, and those that are passed over to find old ones.
const LOOKED_AT_MAX: usize = 10_000;

macro_rules! select_audit {
    ($rest:literal) => {
        concat!(
            "SELECT id, at_ms, action, actor, team, resource, address, request_id, checksum FROM audit ",
            $rest
        )
    };
}

pub(super) const OF_TEAM: &str = select_audit!("WHERE team = ?1 AND id < ?2 ORDER BY id DESC");
pub(super) const OF_ALL: &str = select_audit!("WHERE ?1 IS NULL AND id < ?2 ORDER BY id DESC");
pub(super) const OLDEST: &str = "SELECT id, at_ms FROM audit ORDER BY id";

/// What is stored of an entry beside its id, its time and its texts.
struct Columns {
    /// The key; the platform has none.
    actor: Option<[u8; 16]>,
    team: Option<[u8; 16]>,
    address: Option<String>,
}

impl Columns {
    fn of(entry: &AuditEntry) -> Self {
        let key = match entry.by.actor {
            Actor::Platform => None,
            Actor::Key(key) => Some(key.bits().to_be_bytes()),
        };
        Self {
            actor: key,
            team: entry.team.map(|team| *team.as_uuid().as_bytes()),
            address: entry.by.address.map(|address| address.to_string()),
        }
    }
}

fn checksum(entry: &AuditEntry, columns: &Columns) -> i64 {
    Checksum::new()
        .bits(entry.id.bits())
        .int(entry.by.at.as_millis())
        .text(entry.action.as_str())
        .maybe_bytes(columns.actor.as_ref().map(<[u8; 16]>::as_slice))
        .maybe_bytes(columns.team.as_ref().map(<[u8; 16]>::as_slice))
        .text(&entry.resource)
        .maybe_bytes(columns.address.as_deref().map(str::as_bytes))
        .text(&entry.by.request_id)
        .finish()
}

/// Reads a row of [`select_audit`].
fn read(row: &Row<'_>) -> Result<AuditEntry, Fault> {
    let id = AuditId::from_bits(u128::from_be_bytes(row.get(0)?));
    let damaged = || Fault::damaged("audit", id);
    let columns = Columns { actor: row.get(3)?, team: row.get(4)?, address: row.get(6)? };
    let address = columns.address.as_deref().map(str::parse).transpose().map_err(|_| damaged())?;
    let key = columns.actor.map(|key| KeyId::from_bits(u128::from_be_bytes(key)));
    let entry = AuditEntry {
        id,
        action: row.get::<_, String>(2)?.parse().map_err(|_| damaged())?,
        resource: row.get(5)?,
        team: columns.team.map(|team| TeamId::from_uuid(Uuid::from_bytes(team))),
        by: Author {
            actor: key.map_or(Actor::Platform, Actor::Key),
            at: Timestamp::from_millis(row.get(1)?),
            address,
            request_id: row.get(7)?,
        },
    };
    if checksum(&entry, &columns) == row.get::<_, i64>(8)? { Ok(entry) } else { Err(damaged()) }
}

impl Tx<'_> {
    /// Puts on record what is changed here, if it is for somebody. To be called where it is certain that something changes.
    pub(super) fn record(
        &self,
        action: AuditAction,
        team: Option<TeamId>,
        resource: impl Display,
    ) -> Result<(), Fault> {
        let Some(by) = self.author.as_deref() else { return Ok(()) };
        let last = self.conn.prepare_cached("SELECT max(id) FROM audit")?.query_row((), |row| row.get(0));
        let last: Option<[u8; 16]> = last?;
        let last = last.map(|id| AuditId::from_bits(u128::from_be_bytes(id)));
        let resource = resource.to_string();
        let entry = AuditEntry { id: next_id(last, by.at), action, resource, team, by: by.clone() };
        let columns = Columns::of(&entry);
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO audit (id, at_ms, action, actor, team, resource, address, request_id, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        insert.execute(params![
            entry.id.bits().to_be_bytes(),
            entry.by.at.as_millis(),
            entry.action.as_str(),
            columns.actor,
            columns.team,
            entry.resource,
            columns.address,
            entry.by.request_id,
            checksum(&entry, &columns),
        ])?;
        Ok(())
    }
}

impl Look<'_> {
    /// A page of the audit log, newest first.
    pub(super) fn audit(&self, query: &AuditQuery) -> Result<Page<AuditEntry, AuditId>, Fault> {
        let sql = if query.team.is_some() { OF_TEAM } else { OF_ALL };
        let team = query.team.map(|team| *team.as_uuid().as_bytes());
        let from = query.from.map_or(u128::MAX, AuditId::bits).to_be_bytes();
        let mut list = self.conn.prepare_cached(sql)?;
        let mut found = list.query(params![team, from])?;
        let (mut rows, mut last) = (Vec::new(), None);
        for looked_at in 0.. {
            let Some(row) = found.next()? else { break };
            // There is one more, and no more room for it.
            if rows.len() == query.limit || looked_at == LOOKED_AT_MAX {
                return Ok(Page { rows, next: last });
            }
            let entry = read(row)?;
            last = Some(entry.id);
            rows.extend(query.asks_for(&entry).then_some(entry));
        }
        Ok(Page { rows, next: None })
    }

    /// Looks at about so many entries behind one; answers the last.
    pub(super) fn check_audit(&self, after: [u8; 16], limit: i64) -> Result<Option<[u8; 16]>, Fault> {
        let mut list = self.conn.prepare_cached(select_audit!("WHERE id > ?1 ORDER BY id LIMIT ?2"))?;
        let mut last = None;
        for entry in list.query_and_then(params![after, limit], read)? {
            last = Some(entry?.id.bits().to_be_bytes());
        }
        Ok(last)
    }

    /// The newest of the oldest entries that were made before a time, at most so many, and how many they are. Ids rise even where
    /// the clock was set back, so entries of a time that was yet to come stand before old ones, and are passed over.
    pub(super) fn old_audit(
        &self,
        cutoff: Timestamp,
        rows: usize,
    ) -> Result<(Option<[u8; 16]>, usize), Fault> {
        let mut oldest = self.conn.prepare_cached(OLDEST)?;
        let mut found = oldest.query(())?;
        let (mut upto, mut count, mut passed_over) = (None, 0, 0);
        while count < rows
            && passed_over < LOOKED_AT_MAX
            && let Some(row) = found.next()?
        {
            if row.get::<_, i64>(1)? < cutoff.as_millis() {
                upto = Some(row.get(0)?);
                count += 1;
            } else {
                passed_over += 1;
            }
        }
        Ok((upto, count))
    }

    /// Removes entries up to one that were made before a time; answers how many.
    pub(super) fn remove_audit(&self, upto: [u8; 16], cutoff: Timestamp) -> Result<usize, Fault> {
        let mut remove = self.conn.prepare_cached("DELETE FROM audit WHERE id <= ?1 AND at_ms < ?2")?;
        Ok(remove.execute(params![upto, cutoff.as_millis()])?)
    }
}
