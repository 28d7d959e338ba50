//! Idempotency keys: a repeat finds the first event instead of making another.

use std::collections::HashMap;
use std::sync::Arc;

use cstar_types::{Entry, TeamId, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::fault::Fault;
use super::look::Look;
use crate::StoreError;
use crate::stored::checksum::Checksum;
use crate::stored::key_use::{Hash, KeyUse};
use crate::stored::place::Place;

/// How an event stands to those before it.
#[derive(Debug)]
pub(super) enum Standing {
    /// It is the first.
    New,
    /// An earlier publish brought it.
    Stored(Arc<Entry>),
    /// It repeats the event at this place of the same publish.
    Repeats(usize),
}

/// Finds each event's first one. Refuses a key that was used for something else.
pub(super) fn standings<'k>(
    look: Look<'_>,
    team: TeamId,
    team_number: i64,
    keys: impl Iterator<Item = &'k Option<KeyUse>>,
) -> Result<Vec<Standing>, Fault> {
    let mut in_batch: HashMap<Hash, (usize, Hash)> = HashMap::new();
    let mut standings = Vec::with_capacity(keys.size_hint().0);
    for (index, key) in keys.enumerate() {
        let Some(KeyUse { key, fingerprint }) = key else {
            standings.push(Standing::New);
            continue;
        };
        let reused = Fault::Refused(StoreError::IdempotencyKeyReused { index });
        let standing = if let Some((first, used_for)) = in_batch.get(key) {
            if used_for != fingerprint {
                return Err(reused);
            }
            Standing::Repeats(*first)
        } else if let Some((entry, used_for)) = stored(look, team, team_number, key)? {
            if used_for != *fingerprint {
                return Err(reused);
            }
            Standing::Stored(Arc::new(entry))
        } else {
            in_batch.insert(*key, (index, *fingerprint));
            Standing::New
        };
        standings.push(standing);
    }
    Ok(standings)
}

/// The first event of each key, if all are stored: it looks no further than the first that is not.
pub(super) fn all_stored(
    look: Look<'_>,
    team: TeamId,
    team_number: i64,
    keys: &[Option<KeyUse>],
) -> Result<Option<Vec<Arc<Entry>>>, Fault> {
    let mut found = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        let Some(KeyUse { key, fingerprint }) = key else { return Ok(None) };
        let Some((entry, used_for)) = stored(look, team, team_number, key)? else { return Ok(None) };
        if used_for != *fingerprint {
            return Err(Fault::Refused(StoreError::IdempotencyKeyReused { index }));
        }
        found.push(Arc::new(entry));
    }
    Ok(Some(found))
}

fn checksum(team: i64, key: &Hash, event: Place, fingerprint: &Hash, used_ms: i64) -> i64 {
    Checksum::new().int(team).bytes(key).int(event.bits()).bytes(fingerprint).int(used_ms).finish()
}

/// The event that a key was first used for, if it is still kept, and its fingerprint.
fn stored(look: Look<'_>, team: TeamId, number: i64, key: &Hash) -> Result<Option<(Entry, Hash)>, Fault> {
    let mut found = look.conn.prepare_cached(
        "SELECT event, fingerprint, used_ms, checksum FROM idempotency WHERE team = ?1 AND key = ?2",
    )?;
    let row = found.query_row(params![number, key], |row| {
        Ok((row.get::<_, Place>(0)?, row.get::<_, Hash>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
    });
    let Some((event, fingerprint, used_ms, stored)) = row.optional()? else { return Ok(None) };
    if checksum(number, key, event, &fingerprint, used_ms) != stored {
        return Err(Fault::damaged("idempotency", event.bits()));
    }
    Ok(look.entry_at(team, event)?.map(|entry| (entry, fingerprint)))
}

/// Keeps the use of a key. It replaces one whose event is no longer kept.
pub(super) fn keep(
    look: Look<'_>,
    team: i64,
    KeyUse { key, fingerprint }: &KeyUse,
    event: Place,
    used: Timestamp,
) -> Result<(), Fault> {
    let mut keep = look.conn.prepare_cached(
        "INSERT OR REPLACE INTO idempotency (team, key, event, fingerprint, used_ms, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let used_ms = used.as_millis();
    let checksum = checksum(team, key, event, fingerprint, used_ms);
    keep.execute(params![team, key, event, fingerprint, used_ms, checksum])?;
    Ok(())
}

pub(super) const NEXT: &str = "SELECT team, key, event, fingerprint, used_ms, checksum FROM idempotency
     WHERE (team, key) > (?1, ?2) ORDER BY team, key LIMIT ?3";

/// Looks at so many rows behind one (LOG-3); answers the last, or `None` if there was none.
pub(super) fn check(look: Look<'_>, after: (i64, Hash), rows: i64) -> Result<Option<(i64, Hash)>, Fault> {
    let mut next = look.conn.prepare_cached(NEXT)?;
    let mut found = next.query(params![after.0, after.1, rows])?;
    let mut last = None;
    while let Some(row) = found.next()? {
        let (team, key, event): (i64, Hash, Place) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if checksum(team, &key, event, &row.get(3)?, row.get(4)?) != row.get::<_, i64>(5)? {
            return Err(Fault::damaged("idempotency", event.bits()));
        }
        last = Some((team, key));
    }
    Ok(last)
}
