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
use super::finding::{About, Finding, Looked};
use super::idempotency;
use super::look::Look;
use super::meta;
use super::team_rows::{TeamRow, TeamState};
use super::types::TypeNames;
use crate::StoreError;
use crate::stored::key_use;
use crate::stored::place::Place;

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

impl Part {
    /// What damage in it is about.
    const fn about(self) -> About {
        match self {
            Self::Structure(_) => About::Structure,
            Self::Meta | Self::Types | Self::Teams | Self::EventTypes => About::Store,
            Self::OfTeams | Self::Audit => About::Settings,
            Self::Events => About::Log,
            Self::Deliveries => About::Deliveries,
            Self::Attempts => About::Attempts,
            Self::IdempotencyKeys => About::IdempotencyKeys,
        }
    }
}

/// How far a check has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    part: usize,
    /// The last row looked at; of teams, the one behind it.
    after: i64,
    /// About how many rows were looked at.
    rows: u64,
    /// Of rows that have no number, the rest of its key.
    key: key_use::Hash,
}

impl Progress {
    /// At the beginning of the next part.
    fn next(self) -> Self {
        Self { part: self.part + 1, rows: self.rows, ..Self::default() }
    }

    /// How far it is, for people.
    pub(super) fn looked(self) -> Looked {
        let part = PARTS.get(self.part).map_or("the end", |part| part.about().as_str());
        Looked::At { part, rows: self.rows }
    }
}

/// What a slice found.
#[derive(Debug, Default)]
pub(super) struct Found(pub(super) Vec<Finding>);

impl Found {
    /// Notes damage, and goes on behind it; whatever else goes wrong ends the check.
    fn note<T>(&mut self, about: About, looked: Result<T, Fault>) -> Result<Option<T>, StoreError> {
        match looked.map_err(StoreError::from) {
            Ok(sound) => Ok(Some(sound)),
            Err(StoreError::Damaged(what)) => {
                // Rows that lean on the same damaged one say the same.
                if self.0.last().is_none_or(|last| last.what != what) {
                    self.0.push(Finding { about, what });
                }
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}

/// Looks at the next slice; answers where to go on, or `None` at the end.
pub(super) fn slice(
    look: Look<'_>,
    progress: Progress,
    found: &mut Found,
) -> Result<Option<Progress>, StoreError> {
    let Some(part) = PARTS.get(progress.part) else { return Ok(None) };
    let looked = look_at(look, *part, progress, found);
    // A part that cannot be gone through is given up.
    let next = found.note(part.about(), looked)?;
    Ok(Some(next.unwrap_or(progress.next())))
}

fn look_at(
    look: Look<'_>,
    looked_at: Part,
    progress: Progress,
    found: &mut Found,
) -> Result<Progress, Fault> {
    let Progress { part, after, key, rows } = progress;
    let rows = rows + SLICE_ROWS as u64;
    let last = match looked_at {
        Part::Structure(table) => structure(look, table)?,
        Part::Meta => meta::epoch(look.conn).and(meta::probe(look.conn)).map(|_| None)?,
        Part::Types => types(look, after, found)?,
        Part::EventTypes => event_types(look)?,
        Part::Audit => {
            let last = look.check_audit(key, SLICE_ROWS)?;
            return Ok(last.map_or(progress.next(), |key| Progress { key, rows, ..progress }));
        }
        Part::Teams => teams(look, after, found)?,
        Part::OfTeams => of_teams(look, after, found)?,
        Part::Events => events(look, after, found)?,
        Part::Deliveries => deliveries(look, after, found)?,
        Part::Attempts => attempts(look, after, found)?,
        Part::IdempotencyKeys => {
            let last = idempotency::check(look, (after, key), SLICE_ROWS)?;
            return Ok(last.map_or(progress.next(), |(after, key)| Progress { part, after, key, rows }));
        }
    };
    Ok(last.map_or(progress.next(), |after| Progress { after, rows, ..progress }))
}

fn structure(look: Look<'_>, table: &str) -> Result<Option<i64>, Fault> {
    let found: String =
        look.conn.query_row(&format!("PRAGMA integrity_check('{table}')"), (), |row| row.get(0))?;
    if found == "ok" { Ok(None) } else { Err(Fault::Damaged(format!("table {table}: {found}"))) }
}

fn types(look: Look<'_>, after: i64, found: &mut Found) -> Result<Option<i64>, Fault> {
    let mut list =
        look.conn.prepare_cached("SELECT number FROM types WHERE number > ?1 ORDER BY number LIMIT ?2")?;
    let mut last = None;
    for number in list.query_map(params![after, SLICE_ROWS], |row| row.get(0))? {
        let number = number?;
        found.note(About::Store, TypeNames::read(look.conn, number))?;
        last = Some(number);
    }
    Ok(last)
}

/// They are few.
fn event_types(look: Look<'_>) -> Result<Option<i64>, Fault> {
    look.event_types_added()?.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(None)
}

/// From a number on, since the operator's is 0.
fn teams(look: Look<'_>, from: i64, found: &mut Found) -> Result<Option<i64>, Fault> {
    let mut list =
        look.conn.prepare_cached("SELECT number FROM teams WHERE number >= ?1 ORDER BY number LIMIT ?2")?;
    let mut next = None;
    for number in list.query_map(params![from, SLICE_ROWS], |row| row.get(0))? {
        let number: i64 = number?;
        found.note(About::Store, look.team_numbered(number))?;
        next = Some(number + 1);
    }
    Ok(next)
}

/// From a number on.
fn of_teams(look: Look<'_>, from: i64, found: &mut Found) -> Result<Option<i64>, Fault> {
    let mut next = look.conn.prepare_cached(
        "SELECT number FROM teams WHERE number >= ?1 AND state = 0 ORDER BY number LIMIT 1",
    )?;
    let Some(number) = next.query_map([from], |row| row.get(0))?.next().transpose()? else {
        return Ok(None);
    };
    const ALL: usize = i64::MAX as usize;
    found.note(About::Settings, look.keys_before(number, None, ALL))?;
    found.note(About::Settings, look.links_of(number))?;
    found.note(About::Settings, look.operations_before(number, None, ALL))?;
    let webhooks = found.note(About::Settings, look.webhooks_before(number, None, ALL))?;
    for webhook in webhooks.unwrap_or_default() {
        found.note(About::Settings, webhook.secrets(look))?;
        found.note(About::Settings, look.streak(webhook.number))?;
        found.note(About::Settings, webhook.opened(look))?;
    }
    Ok(Some(number + 1))
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

fn events(look: Look<'_>, after: i64, found: &mut Found) -> Result<Option<i64>, Fault> {
    let mut list = look.conn.prepare_cached(select_events!("WHERE place > ?1 ORDER BY place LIMIT ?2"))?;
    let mut rows = list.query(params![after, SLICE_ROWS])?;
    let mut runs = Runs { look, team: None };
    let mut last = Place::from_bits(after);
    while let Some(row) = rows.next()? {
        let place: Place = row.get(0)?;
        if let Some(team) = found.note(About::Store, runs.team(place))? {
            let event = EventRow::read(row).and_then(|event| event.entry(look, team.team.id, row));
            found.note(About::Log, event)?;
            found.note(About::Log, follows(team, last, place))?;
        }
        last = place;
    }
    Ok((last.bits() > after).then_some(last.bits()))
}

/// LOG-2: nothing is missing between two events of a team, and before the first.
fn follows(team: &TeamRow, last: Place, place: Place) -> Result<(), Fault> {
    let before = if last.team() == team.number { last.count() } else { 0 };
    let expected = before.max(team.removed_events) + 1;
    let missing = place.count().saturating_sub(expected);
    match missing {
        _ if team.state != TeamState::Alive => Ok(()),
        0 if place.count() == expected => Ok(()),
        0 => Err(Fault::Damaged(format!(
            "event {} of team {} was removed and is there",
            place.count(),
            team.team.id
        ))),
        1 => Err(Fault::missing_event(team.team.id, expected)),
        _ => {
            let last = place.count() - 1;
            Err(Fault::Damaged(format!("events {expected} to {last} of team {} are missing", team.team.id)))
        }
    }
}

fn deliveries(look: Look<'_>, after: i64, found: &mut Found) -> Result<Option<i64>, Fault> {
    let mut list =
        look.conn.prepare_cached(select_deliveries!("WHERE place > ?1 ORDER BY place LIMIT ?2"))?;
    let mut rows = list.query(params![after, SLICE_ROWS])?;
    let mut runs = Runs { look, team: None };
    let mut last = None;
    while let Some(row) = rows.next()? {
        let place: Place = row.get(0)?;
        last = Some(place.bits());
        let Some(team) = found.note(About::Store, runs.team(place))? else { continue };
        if team.state == TeamState::Alive {
            found
                .note(About::Deliveries, DeliveryRow::read(row).and_then(|row| delivery(look, team, &row)))?;
        }
    }
    Ok(last)
}

fn delivery(look: Look<'_>, team: &TeamRow, row: &DeliveryRow) -> Result<(), Fault> {
    let damaged = |what: &str| Fault::Damaged(format!("delivery {}: {what}", row.id()));
    look.delivery(team.team.id, row, &look.webhook_of_row(row)?)?;
    if row.status.has_ended() == row.due_ms.is_some() {
        return Err(damaged("it has ended and waits, or neither"));
    }
    if row.event.count() > team.removed_events {
        let mut id = look.conn.prepare_cached("SELECT id FROM events WHERE place = ?1")?;
        let known = id.query_map([row.event], |row| row.get::<_, [u8; 16]>(0))?.next().transpose()?;
        if known != Some(row.event_id.to_be_bytes()) {
            return Err(damaged("its event is missing"));
        }
    } else if row.due_ms.is_some() {
        return Err(damaged("it waits, but its event was removed"));
    }
    look.attempts(row).map(drop)
}

fn attempts(look: Look<'_>, after: i64, found: &mut Found) -> Result<Option<i64>, Fault> {
    let sql = format!("{SELECT_ATTEMPTS} WHERE number > ?1 ORDER BY number LIMIT ?2");
    let mut list = look.conn.prepare_cached(&sql)?;
    let mut rows = list.query(params![after, SLICE_ROWS])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let number = row.get(0)?;
        found.note(About::Attempts, Stored::read(row).and_then(|stored| attempt(look, number, &stored)))?;
        last = Some(number);
    }
    Ok(last)
}

fn attempt(look: Look<'_>, number: i64, stored: &Stored) -> Result<(), Fault> {
    let mut delivery = look.conn.prepare_cached("SELECT 1 FROM deliveries WHERE place = ?1")?;
    if delivery.exists([stored.delivery])? {
        return Ok(());
    }
    Err(Fault::Damaged(format!("attempts row {number}: its delivery is missing")))
}
