//! Lists of events.

use cstar_types::{Entry, Timestamp};
use rusqlite::OptionalExtension;

use super::event_rows::{EventRow, select_events};
use super::fault::Fault;
use super::look::{Look, Passing};
use super::team_rows::TeamRow;
use crate::stored::place::Place;
use crate::{EventQuery, Order, Page};

/// One page looks at so many rows at most: a filter that little passes must not read a whole log in one go.
pub(super) const LOOKED_AT_MAX: usize = 10_000;

impl Look<'_> {
    /// A page of a team's events.
    pub(super) fn events(&self, team: &TeamRow, query: EventQuery) -> Result<Page<Entry, u64>, Fault> {
        let Some((low, high)) = self.event_bounds(team, &query)? else {
            return Ok(Page { rows: Vec::new(), next: None });
        };
        let mut list = self.conn.prepare_cached(match query.order {
            Order::Desc => select_events!("WHERE place >= ?1 AND place <= ?2 ORDER BY place DESC"),
            Order::Asc => select_events!("WHERE place >= ?1 AND place <= ?2 ORDER BY place"),
        })?;
        let mut passing = Passing::new(*self, query.filter);
        let mut page = Page { rows: Vec::new(), next: None };
        let mut last = None;
        let mut looked_at = 0;
        let mut rows = list.query([low, high])?;
        while let Some(row) = rows.next()? {
            if page.rows.len() == query.limit || looked_at == LOOKED_AT_MAX {
                page.next = last;
                break;
            }
            let event = EventRow::read(row)?;
            if passing.passes(event.kind)? {
                page.rows.push(event.entry(*self, team.team.id, row)?);
            }
            last = Some(event.place.count());
            looked_at += 1;
        }
        Ok(page)
    }

    /// The first and the last place that the query can mean; times become places, since they rise together.
    pub(super) fn event_bounds(
        &self,
        team: &TeamRow,
        query: &EventQuery,
    ) -> Result<Option<(Place, Place)>, Fault> {
        let ends = self.ends(team)?;
        let (mut low, mut high) = (ends.oldest, ends.head);
        match (query.from, query.order) {
            (Some(from), Order::Desc) => high = high.min(from.saturating_sub(1)),
            (Some(from), Order::Asc) => low = low.max(from.saturating_add(1)),
            (None, _) => {}
        }
        if let Some(since) = query.since {
            low = low.max(self.first_event_at(team, since, ends.oldest, ends.head)?);
        }
        if let Some(until) = query.until {
            high = high.min(self.first_event_at(team, until, ends.oldest, ends.head)?.saturating_sub(1));
        }
        Ok((low <= high).then(|| (Place::new(team.number, low), Place::new(team.number, high))))
    }

    /// The seq of the first event committed at this time or later, or one behind the head.
    fn first_event_at(&self, team: &TeamRow, at: Timestamp, oldest: u64, head: u64) -> Result<u64, Fault> {
        let mut time = self.conn.prepare_cached("SELECT committed_ms FROM events WHERE place = ?1")?;
        let (mut low, mut high) = (oldest, head + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let committed =
                time.query_row([Place::new(team.number, middle)], |row| row.get::<_, i64>(0)).optional()?;
            let committed = committed.ok_or_else(|| Fault::missing_event(team.team.id, middle))?;
            if committed < at.as_millis() { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }
}
