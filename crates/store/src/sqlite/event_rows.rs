//! The rows of events: a team's log.

use bytes::Bytes;
use cstar_types::{Entry, Event, EventId, Position, TeamId, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::fault::Fault;
use super::look::Look;
use super::rows::{Columns, Insert, NewRow, insert_into};
use super::team_rows::TeamRow;
use crate::stored::checksum::{EventColumns, event_checksum};
use crate::stored::kind::Kind;
use crate::stored::place::Place;
use crate::{LogEnds, LogSlice, SliceLimit};

/// A macro, because SQL must be known when it is compiled: nothing is put together on the way of an event.
macro_rules! select_events {
    ($rest:literal) => {
        concat!("SELECT place, id, kind, created_ms, committed_ms, checksum, body FROM events ", $rest)
    };
}
pub(super) use select_events;

/// A row of `events`, its body not yet looked at.
pub(super) struct EventRow {
    pub(super) place: Place,
    pub(super) id: u128,
    pub(super) kind: Kind,
    created_ms: i64,
    pub(super) committed_ms: i64,
    checksum: i64,
}

impl EventRow {
    pub(super) fn read(row: &Row<'_>) -> Result<Self, Fault> {
        Ok(Self {
            place: row.get(0)?,
            id: u128::from_be_bytes(row.get(1)?),
            kind: Kind(row.get(2)?),
            created_ms: row.get(3)?,
            committed_ms: row.get(4)?,
            checksum: row.get(5)?,
        })
    }

    /// The body, as it was written (LOG-3).
    fn body<'r>(&self, row: &'r Row<'_>) -> Result<&'r [u8], Fault> {
        let body = row.get_ref(6)?.as_blob().map_err(|_| Fault::damaged("events", self.place.bits()))?;
        if self.checksum_over(body) == self.checksum {
            Ok(body)
        } else {
            Err(Fault::damaged("events", self.place.bits()))
        }
    }

    fn checksum_over(&self, body: &[u8]) -> i64 {
        let columns = EventColumns {
            place: self.place.bits(),
            id: self.id,
            kind: self.kind.0,
            created_ms: self.created_ms,
            committed_ms: self.committed_ms,
        };
        event_checksum(&columns, crc32fast::hash(body), body.len())
    }

    /// Writes down that the event is erased. Its row and its place stay (LOG-2), and say so (LOG-3).
    pub(super) fn erase(mut self, look: Look<'_>) -> Result<(), Fault> {
        self.kind = self.kind.erased();
        let mut erase = look
            .conn
            .prepare_cached("UPDATE events SET kind = ?2, checksum = ?3, body = x'' WHERE place = ?1")?;
        erase.execute(params![self.place, self.kind.0, self.checksum_over(&[])])?;
        Ok(())
    }

    /// The whole entry, out of the row that this was read from.
    pub(super) fn entry(&self, look: Look<'_>, team: TeamId, row: &Row<'_>) -> Result<Entry, Fault> {
        let event = Event {
            id: EventId::from_bits(self.id, self.kind.is_test()),
            event_type: look.event_type(self.kind)?,
            team,
            created_at: Timestamp::from_millis(self.created_ms),
            body: Bytes::copy_from_slice(self.body(row)?),
        };
        Ok(Entry {
            position: Position::new(look.shelf.epoch, self.place.count()),
            event: if self.kind.is_erased() { event.erased() } else { event },
        })
    }
}

/// A row of `events` that is to be inserted.
pub(super) struct NewEventRow<'p> {
    pub(super) columns: EventColumns,
    /// The body's CRC-32.
    pub(super) body_crc: u32,
    pub(super) body: &'p [u8],
}

impl NewRow for NewEventRow<'_> {
    const INSERT: Insert = insert_into!(
        "events (place, id, kind, created_ms, committed_ms, checksum, body)",
        "(?, ?, ?, ?, ?, ?, ?)"
    );

    fn bind(&self, columns: &mut Columns<'_, '_>) -> rusqlite::Result<()> {
        columns.bind(self.columns.place)?;
        columns.bind(self.columns.id.to_be_bytes())?;
        columns.bind(self.columns.kind)?;
        columns.bind(self.columns.created_ms)?;
        columns.bind(self.columns.committed_ms)?;
        columns.bind(event_checksum(&self.columns, self.body_crc, self.body.len()))?;
        columns.bind(self.body)
    }
}

impl Look<'_> {
    /// The ends of a team's log.
    pub(super) fn ends(&self, team: &TeamRow) -> Result<LogEnds, Fault> {
        let head = self.last_event(team)?.map_or(team.removed_events, |(place, _)| place.count());
        Ok(LogEnds { epoch: self.shelf.epoch, oldest: team.removed_events + 1, head })
    }

    /// The place and the commit time of a team's newest event.
    pub(super) fn last_event(&self, team: &TeamRow) -> Result<Option<(Place, i64)>, Fault> {
        let mut last = self.conn.prepare_cached(
            "SELECT place, committed_ms FROM events WHERE place > ?1 AND place <= ?2 ORDER BY place DESC LIMIT 1",
        )?;
        let bounds = [Place::before(team.number), Place::last(team.number)];
        Ok(last.query_row(bounds, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// The entry at a place, if it is (still) there.
    pub(super) fn entry_at(&self, team: TeamId, place: Place) -> Result<Option<Entry>, Fault> {
        let mut found = self.conn.prepare_cached(select_events!("WHERE place = ?1"))?;
        let mut rows = found.query([place])?;
        rows.next()?.map(|row| EventRow::read(row)?.entry(*self, team, row)).transpose()
    }

    /// The entry with this id, in whichever team it is.
    pub(super) fn entry_with_id(&self, team: TeamId, id: EventId) -> Result<Option<(Place, Entry)>, Fault> {
        let mut found = self.conn.prepare_cached(select_events!("WHERE id = ?1"))?;
        let mut rows = found.query([id.bits().to_be_bytes()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let event = EventRow::read(row)?;
        let known = event.kind.is_test() == id.is_test();
        known.then(|| Ok((event.place, event.entry(*self, team, row)?))).transpose()
    }

    /// The entries after `after`; LOG-2 is checked on the way.
    pub(super) fn slice(&self, team: &TeamRow, after: u64, limit: SliceLimit) -> Result<LogSlice, Fault> {
        let ends = self.ends(team)?;
        let mut entries = Vec::new();
        let mut seq = after.max(ends.oldest - 1);
        if seq >= ends.head {
            return Ok(LogSlice { entries, ends });
        }
        let mut read = self
            .conn
            .prepare_cached(select_events!("WHERE place > ?1 AND place <= ?2 ORDER BY place LIMIT ?3"))?;
        let from = Place::new(team.number, seq);
        let mut rows = read.query(params![from, Place::last(team.number), limit.entries.max(1) as i64])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let event = EventRow::read(row)?;
            let entry = event.entry(*self, team.team.id, row)?;
            seq += 1;
            if entry.position.seq != seq {
                return Err(Fault::missing_event(team.team.id, seq));
            }
            bytes += entry.event.body.len();
            if bytes > limit.bytes && !entries.is_empty() {
                break;
            }
            entries.push(entry);
        }
        Ok(LogSlice { entries, ends })
    }
}
