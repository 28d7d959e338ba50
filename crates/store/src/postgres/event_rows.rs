//! The rows of events: a team's log.

use bytes::Bytes;
use cstar_types::{Entry, Event, EventId, EventType, Position, TeamId, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::days::Day;
use super::fault::Fault;
use super::pool::Param;
use super::values::{Body, TypeName};
use crate::stored::checksum::{EventColumns, named_event_checksum};
use crate::stored::kind::Kind;
use crate::stored::place::Place;

/// What is read of an event, after `e`, in the order that [`EventRow::read`] takes it in.
macro_rules! event_columns {
    () => {
        "e.seq, e.day, e.id, e.type, e.marks, e.created_ms, e.committed_ms, e.checksum, e.body"
    };
}
pub(super) use event_columns;

/// A row of `events`.
pub(super) struct EventRow {
    pub(super) team: i64,
    pub(super) seq: i64,
    pub(super) day: Day,
    pub(super) event: Event,
    pub(super) marks: Kind,
    pub(super) committed_ms: i64,
}

impl EventRow {
    /// Reads the columns from the one at `first` on, as they were written (LOG-3).
    pub(super) fn read(row: &Row, first: usize, (id, team): (TeamId, i64)) -> Result<Self, Fault> {
        let seq: i64 = row.get(first);
        let damaged = || Fault::damaged("events", format!("{seq} of team {id}"));
        let marks = Kind(row.get::<_, i16>(first + 4).into());
        let event_type: EventType = row.get::<_, &str>(first + 3).parse().map_err(|_| damaged())?;
        let body: &[u8] = row.get(first + 8);
        let event = Event {
            id: EventId::from_uuid(row.get(first + 2), marks.is_test()),
            event_type,
            team: id,
            created_at: Timestamp::from_millis(row.get(first + 5)),
            body: Bytes::copy_from_slice(body),
        };
        let read =
            Self { team, seq, day: row.get(first + 1), event, marks, committed_ms: row.get(first + 6) };
        if read.checksum(crc32fast::hash(body)) == row.get::<_, i64>(first + 7) {
            Ok(read)
        } else {
            Err(damaged())
        }
    }

    pub(super) fn checksum(&self, body_crc: u32) -> i64 {
        let columns = EventColumns {
            place: Place::new(self.team, self.seq as u64).bits(),
            id: self.event.id.bits(),
            kind: self.marks.0,
            created_ms: self.event.created_at.as_millis(),
            committed_ms: self.committed_ms,
        };
        named_event_checksum(&columns, self.event.event_type.as_str(), body_crc, self.event.body.len())
    }

    /// What stands there.
    pub(super) fn entry(self, epoch: u32) -> Entry {
        let event = if self.marks.is_erased() { self.event.erased() } else { self.event };
        Entry { position: Position::new(epoch, self.seq as u64), event }
    }
}

/// Inserts [`NewEvents`].
pub(super) const INSERT_EVENTS: &str =
    "INSERT INTO events (team, seq, day, id, type, marks, created_ms, committed_ms, checksum, body)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::uuid[], $5::text[], $6::smallint[], $7::bigint[],
                          $8::bigint[], $9::bigint[], $10::bytea[])";

/// Columns of events that are inserted together.
#[derive(Default)]
pub(super) struct NewEvents {
    teams: Vec<i64>,
    seqs: Vec<i64>,
    days: Vec<Day>,
    ids: Vec<Uuid>,
    types: Vec<TypeName>,
    marks: Vec<i16>,
    created: Vec<i64>,
    committed: Vec<i64>,
    checksums: Vec<i64>,
    bodies: Vec<Body>,
}

impl NewEvents {
    pub(super) fn is_empty(&self) -> bool {
        self.seqs.is_empty()
    }

    pub(super) fn push(&mut self, row: &EventRow, body_crc: u32) {
        self.teams.push(row.team);
        self.seqs.push(row.seq);
        self.days.push(row.day);
        self.ids.push(Uuid::from_u128(row.event.id.bits()));
        self.types.push(TypeName(row.event.event_type.clone()));
        self.marks.push(row.marks.0 as i16);
        self.created.push(row.event.created_at.as_millis());
        self.committed.push(row.committed_ms);
        self.checksums.push(row.checksum(body_crc));
        self.bodies.push(Body(row.event.body.clone()));
    }

    pub(super) fn as_params(&self) -> [Param<'_>; 10] {
        [
            (&self.teams, Type::INT8_ARRAY),
            (&self.seqs, Type::INT8_ARRAY),
            (&self.days, Type::INT4_ARRAY),
            (&self.ids, Type::UUID_ARRAY),
            (&self.types, Type::TEXT_ARRAY),
            (&self.marks, Type::INT2_ARRAY),
            (&self.created, Type::INT8_ARRAY),
            (&self.committed, Type::INT8_ARRAY),
            (&self.checksums, Type::INT8_ARRAY),
            (&self.bodies, Type::BYTEA_ARRAY),
        ]
    }
}
