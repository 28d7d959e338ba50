//! Looks at everything stored (LOG-3): each checksum, each reference, the gaplessness of each log (LOG-2), and the structure
//! of the file.
//!
//! Rows are looked at in slices, each in a transaction of its own, so that a check of a store at work does not keep the
//! write-ahead log from beginning anew. What SQLite checks by itself goes table by table for the same reason.

use rusqlite::params;

use super::attempt_rows::{SELECT_ATTEMPTS, Stored};
use super::delivery_rows::{DeliveryRow, select_deliveries};
use super::event_rows::{EventRow, select_events};
use super::fault::Fault;
use super::idempotency;
use super::look::Look;
use super::meta;
use super::place::Place;
use super::team_rows::{TeamRow, TeamState};
use super::types::TypeNames;

/// Rows in a slice.
const SLICE_ROWS: i64 = 2_000;

/// What a check looks at, in this order.
#[derive(Debug, Clone, Copy)]
enum Part {
    Structure(&'static str),
    Meta,
    Types,
    Teams,
    EventTypes,
    Audit,
    /// Keys, links, webhooks and operations.
    OfTeams,
    Events,
    Deliveries,
    Attempts,
    IdempotencyKeys,
}

const PARTS: [Part; 25] = [
    Part::Structure("meta"),
    Part::Structure("types"),
    Part::Structure("teams"),
    Part::Structure("keys"),
    Part::Structure("portal_links"),
    Part::Structure("webhooks"),
    Part::Structure("cancellations"),
    Part::Structure("failures"),
    Part::Structure("events"),
    Part::Structure("idempotency"),
    Part::Structure("deliveries"),
    Part::Structure("attempts"),
    Part::Structure("operations"),
    Part::Structure("event_types"),
    Part::Structure("audit"),
    Part::Meta,
    Part::Types,
    Part::EventTypes,
    Part::Audit,
    Part::Teams,
    Part::OfTeams,
    Part::Events,
    Part::Deliveries,
    Part::Attempts,
    Part::IdempotencyKeys,
];

/// How far a check has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    part: usize,
    /// The last row looked at.
    after: i64,
    /// Of rows that have no number, the rest of its key.
    key: idempotency::Hash,
}

impl Progress {
    /// At the beginning of the next part.
    fn next(self) -> Self {
        Self { part: self.part + 1, ..Self::default() }
    }
}

/// Looks at the next slice; answers where to go on, or `None` at the end.
pub(super) fn slice(look: Look<'_>, progress: Progress) -> Result<Option<Progress>, Fault> {
    let Progress { part, after, key } = progress;
    let Some(looked_at) = PARTS.get(part) else { return Ok(None) };
    let last = match looked_at {
        Part::Structure(table) => structure(look, table)?,
        Part::Meta => meta::epoch(look.conn).and(meta::probe(look.conn)).map(|_| None)?,
        Part::Types => types(look, after)?,
        Part::EventTypes => event_types(look)?,
        Part::Audit => {
            let last = look.check_audit(key, SLICE_ROWS)?;
            return Ok(Some(last.map_or(progress.next(), |key| Progress { key, ..progress })));
        }
        Part::Teams => teams(look, after)?,
        Part::OfTeams => of_teams(look, after)?,
        Part::Events => events(look, after)?,
        Part::Deliveries => deliveries(look, after)?,
        Part::Attempts => attempts(look, after)?,
        Part::IdempotencyKeys => {
            let last = idempotency::check(look, (after, key), SLICE_ROWS)?;
            return Ok(Some(last.map_or(progress.next(), |(after, key)| Progress { part, after, key })));
        }
    };
    Ok(Some(last.map_or(progress.next(), |after| Progress { after, ..progress })))
}

fn structure(look: Look<'_>, table: &str) -> Result<Option<i64>, Fault> {
    let found: String =
        look.conn.query_row(&format!("PRAGMA integrity_check('{table}')"), (), |row| row.get(0))?;
    if found == "ok" { Ok(None) } else { Err(Fault::Damaged(format!("table {table}: {found}"))) }
}

fn types(look: Look<'_>, after: i64) -> Result<Option<i64>, Fault> {
    let mut list =
        look.conn.prepare_cached("SELECT number FROM types WHERE number > ?1 ORDER BY number LIMIT ?2")?;
    let mut last = None;
    for number in list.query_map(params![after, SLICE_ROWS], |row| row.get(0))? {
        let number = number?;
        TypeNames::read(look.conn, number)?;
        last = Some(number);
    }
    Ok(last)
}

/// They are few.
fn event_types(look: Look<'_>) -> Result<Option<i64>, Fault> {
    look.event_types_added()?.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(None)
}

fn teams(look: Look<'_>, after: i64) -> Result<Option<i64>, Fault> {
    let mut list =
        look.conn.prepare_cached("SELECT number FROM teams WHERE number > ?1 ORDER BY number LIMIT ?2")?;
    let mut last = None;
    for number in list.query_map(params![after, SLICE_ROWS], |row| row.get(0))? {
        let team = look.team_numbered(number?)?;
        last = Some(team.number);
    }
    Ok(last)
}

fn of_teams(look: Look<'_>, after: i64) -> Result<Option<i64>, Fault> {
    let mut next = look
        .conn
        .prepare_cached("SELECT number FROM teams WHERE number > ?1 AND state = 0 ORDER BY number LIMIT 1")?;
    let Some(number) = next.query_map([after], |row| row.get(0))?.next().transpose()? else {
        return Ok(None);
    };
    look.keys_before(number, None, i64::MAX as usize)?;
    look.links_of(number)?;
    look.operations_before(number, None, i64::MAX as usize)?;
    for webhook in look.webhooks_before(number, None, i64::MAX as usize)? {
        webhook.secrets(look)?;
        webhook.shown(look)?;
    }
    Ok(Some(number))
}

/// The team that a run of rows belongs to.
struct Runs<'a> {
    look: Look<'a>,
    team: Option<TeamRow>,
}

impl Runs<'_> {
    /// The team of this place.
    fn team(&mut self, place: Place) -> Result<&TeamRow, Fault> {
        let team = match self.team.take() {
            Some(team) if team.number == place.team() => team,
            _ => self.look.team_numbered(place.team())?,
        };
        Ok(self.team.insert(team))
    }
}

fn events(look: Look<'_>, after: i64) -> Result<Option<i64>, Fault> {
    let mut list = look.conn.prepare_cached(select_events!("WHERE place > ?1 ORDER BY place LIMIT ?2"))?;
    let mut rows = list.query(params![after, SLICE_ROWS])?;
    let mut runs = Runs { look, team: None };
    let mut last = Place::from_bits(after);
    while let Some(row) = rows.next()? {
        let event = EventRow::read(row)?;
        let team = runs.team(event.place)?;
        event.entry(look, team.team.id, row)?;
        let before = if last.team() == team.number { last.count() } else { 0 };
        let expected = before.max(team.removed_events) + 1;
        if team.state == TeamState::Alive && event.place.count() != expected {
            return Err(Fault::missing_event(team.team.id, expected));
        }
        last = event.place;
    }
    Ok((last.bits() > after).then_some(last.bits()))
}

fn deliveries(look: Look<'_>, after: i64) -> Result<Option<i64>, Fault> {
    let mut list =
        look.conn.prepare_cached(select_deliveries!("WHERE place > ?1 ORDER BY place LIMIT ?2"))?;
    let mut id = look.conn.prepare_cached("SELECT id FROM events WHERE place = ?1")?;
    let mut runs = Runs { look, team: None };
    let mut last = None;
    for row in list.query_and_then(params![after, SLICE_ROWS], DeliveryRow::read)? {
        let row = row?;
        last = Some(row.place.bits());
        let team = runs.team(row.place)?;
        if team.state != TeamState::Alive {
            continue;
        }
        let damaged = |what: &str| Fault::Damaged(format!("delivery {}: {what}", row.id()));
        look.delivery(team.team.id, &row, &look.webhook_of_row(&row)?)?;
        if row.status.has_ended() == row.due_ms.is_some() {
            return Err(damaged("it has ended and waits, or neither"));
        }
        if row.event.count() > team.removed_events {
            let known = id.query_map([row.event], |row| row.get::<_, [u8; 16]>(0))?.next().transpose()?;
            if known != Some(row.event_id.to_be_bytes()) {
                return Err(damaged("its event is missing"));
            }
        } else if row.due_ms.is_some() {
            return Err(damaged("it waits, but its event was removed"));
        }
        look.attempts(&row)?;
    }
    Ok(last)
}

fn attempts(look: Look<'_>, after: i64) -> Result<Option<i64>, Fault> {
    let sql = format!("{SELECT_ATTEMPTS} WHERE number > ?1 ORDER BY number LIMIT ?2");
    let mut list = look.conn.prepare_cached(&sql)?;
    let mut delivery = look.conn.prepare_cached("SELECT 1 FROM deliveries WHERE place = ?1")?;
    let mut rows = list.query(params![after, SLICE_ROWS])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let stored = Stored::read(row)?;
        let number: i64 = row.get(0)?;
        if !delivery.exists([stored.delivery])? {
            return Err(Fault::Damaged(format!("attempts row {number}: its delivery is missing")));
        }
        last = Some(number);
    }
    Ok(last)
}
