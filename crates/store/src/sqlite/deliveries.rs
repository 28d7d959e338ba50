//! The webhook logs.

use std::collections::HashMap;

use cstar_types::{Delivery, DeliveryId, DeliveryStatus, EventId, Timestamp};
use rusqlite::{OptionalExtension, Statement, params};

use super::delivery_rows::{DeliveryRow, select_deliveries};
use super::events::LOOKED_AT_MAX;
use super::fault::Fault;
use super::look::{Look, Passing};
use super::team_rows::TeamRow;
use super::webhook_rows::WebhookRow;
use crate::stored::place::Place;
use crate::{DeliveryQuery, Order, Page};

/// The way to the rows of a list that reads the fewest others, by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    OfEvent(u128),
    OfWebhookUnwell(i64, DeliveryStatus),
    OfWebhook(i64),
    Unwell(DeliveryStatus),
    All,
}

#[cfg(test)]
pub(super) const WAYS: [Way; 5] = [
    Way::OfEvent(0),
    Way::OfWebhookUnwell(0, DeliveryStatus::Failed),
    Way::OfWebhook(0),
    Way::Unwell(DeliveryStatus::Failed),
    Way::All,
];

/// A way from the newest place to the oldest, and back.
macro_rules! both {
    ($rest:literal) => {
        (
            select_deliveries!($rest, " AND place > ?1 AND place < ?2 ORDER BY place DESC"),
            select_deliveries!($rest, " AND place > ?1 AND place < ?2 ORDER BY place"),
        )
    };
}

impl Way {
    pub(super) const fn sql(self, order: Order) -> &'static str {
        let (newest_first, oldest_first) = match self {
            Self::OfEvent(_) => both!("INDEXED BY deliveries_event WHERE event_id = ?3"),
            Self::OfWebhookUnwell(..) => both!(
                "INDEXED BY deliveries_unwell_webhook WHERE webhook = ?3 AND status = ?4 AND status <> 0 AND status <> 2"
            ),
            Self::OfWebhook(_) => both!("INDEXED BY deliveries_webhook WHERE webhook = ?3"),
            Self::Unwell(_) => {
                both!("INDEXED BY deliveries_unwell WHERE status = ?3 AND status <> 0 AND status <> 2")
            }
            Self::All => both!("WHERE true"),
        };
        match order {
            Order::Desc => newest_first,
            Order::Asc => oldest_first,
        }
    }

    pub(super) fn rows<'s>(
        self,
        list: &'s mut Statement<'_>,
        low: Place,
        high: Place,
    ) -> rusqlite::Result<rusqlite::Rows<'s>> {
        match self {
            Self::OfEvent(id) => list.query(params![low, high, id.to_be_bytes()]),
            Self::OfWebhookUnwell(webhook, status) => list.query(params![low, high, webhook, status as i64]),
            Self::OfWebhook(webhook) => list.query(params![low, high, webhook]),
            Self::Unwell(status) => list.query(params![low, high, status as i64]),
            Self::All => list.query([low, high]),
        }
    }
}

impl Look<'_> {
    /// A page of a team's deliveries.
    pub(super) fn deliveries(
        &self,
        team: &TeamRow,
        query: DeliveryQuery,
    ) -> Result<Page<Delivery, DeliveryId>, Fault> {
        let mut page = Page { rows: Vec::new(), next: None };
        let Some(webhook) = self.webhook_asked_for(team, &query)? else { return Ok(page) };
        let way = self.way(team, &query, webhook)?;
        let (low, high) = self.delivery_bounds(team, &query)?;
        let mut judge = Judge::new(*self, &query, webhook);
        let mut list = self.conn.prepare_cached(way.sql(Order::Desc))?;
        let mut rows = way.rows(&mut list, low, high)?;
        let mut last = None;
        let mut looked_at = 0;
        while let Some(row) = rows.next()? {
            if page.rows.len() == query.limit || looked_at == LOOKED_AT_MAX {
                page.next = last;
                break;
            }
            let row = DeliveryRow::read(row)?;
            if judge.shows(&row)? {
                page.rows.push(self.delivery(team.team.id, &row, judge.webhook(&row)?)?);
            }
            last = Some(row.id());
            looked_at += 1;
        }
        Ok(page)
    }

    /// The number of the webhook that is asked for, if one is; `None` if it is not the team's.
    pub(super) fn webhook_asked_for(
        &self,
        team: &TeamRow,
        query: &DeliveryQuery,
    ) -> Result<Option<Option<i64>>, Fault> {
        let Some(id) = query.webhook else { return Ok(Some(None)) };
        let known = self.any_webhook(id)?.filter(|row| row.team_number == team.number);
        Ok(known.map(|row| Some(row.number)))
    }

    pub(super) fn way(
        &self,
        team: &TeamRow,
        query: &DeliveryQuery,
        webhook: Option<i64>,
    ) -> Result<Way, Fault> {
        use DeliveryStatus::{Cancelled, Failed, Retrying};
        if let Some(event) = query.event {
            return Ok(Way::OfEvent(event.bits()));
        }
        let unwell = query.status.filter(|status| matches!(status, Retrying | Failed | Cancelled));
        // Rows that were cancelled but not yet rewritten are not in the index of cancelled ones.
        let unwell = match unwell {
            Some(Cancelled) if self.is_cancelling(team.number)? => None,
            unwell => unwell,
        };
        Ok(match (webhook, unwell) {
            (Some(webhook), Some(status)) => Way::OfWebhookUnwell(webhook, status),
            (Some(webhook), None) => Way::OfWebhook(webhook),
            (None, Some(status)) => Way::Unwell(status),
            (None, None) => Way::All,
        })
    }

    fn is_cancelling(&self, team: i64) -> Result<bool, Fault> {
        let mut any =
            self.conn.prepare_cached("SELECT 1 FROM webhooks WHERE cancelling = 1 AND team = ?1 LIMIT 1")?;
        Ok(any.exists([team])?)
    }

    /// Rows of the query stand above the first place and below the second; times become places, since they rise
    /// together.
    pub(super) fn delivery_bounds(
        &self,
        team: &TeamRow,
        query: &DeliveryQuery,
    ) -> Result<(Place, Place), Fault> {
        let (mut low, mut high) = (Place::before(team.number), Place::last(team.number));
        if let Some((from, _)) = query.from.and_then(Place::of_delivery) {
            high = high.min(from.max(low));
        }
        if let Some(since) = query.since {
            low = Place::new(team.number, self.first_delivery_at(team.number, since)?.saturating_sub(1));
        }
        if let Some(until) = query.until {
            high = high.min(Place::new(team.number, self.first_delivery_at(team.number, until)?));
        }
        Ok((low, high))
    }

    /// The count of the first delivery made at this time or later, or one behind the last. Counts may have holes.
    fn first_delivery_at(&self, team: i64, at: Timestamp) -> Result<u64, Fault> {
        let mut next = self.conn.prepare_cached(
            "SELECT place, created_ms FROM deliveries WHERE place >= ?1 AND place <= ?2 ORDER BY place LIMIT 1",
        )?;
        let mut low = 1;
        let mut high = self.last_delivery(team)?.map_or(0, |(place, _)| place.count()) + 1;
        while low < high {
            let middle = low + (high - low) / 2;
            let range = [Place::new(team, middle), Place::new(team, high - 1)];
            let found = next.query_row(range, |row| Ok((row.get::<_, Place>(0)?, row.get::<_, i64>(1)?)));
            match found.optional()? {
                Some((place, created)) if created < at.as_millis() => low = place.count() + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// The place and the time of a team's newest delivery.
    pub(super) fn last_delivery(&self, team: i64) -> Result<Option<(Place, i64)>, Fault> {
        let mut last = self.conn.prepare_cached(
            "SELECT place, created_ms FROM deliveries WHERE place > ?1 AND place <= ?2 ORDER BY place DESC LIMIT 1",
        )?;
        let bounds = [Place::before(team), Place::last(team)];
        Ok(last.query_row(bounds, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }
}

/// Decides whether a list shows a row; remembers the webhooks that it met.
pub(super) struct Judge<'a> {
    look: Look<'a>,
    passing: Passing<'a>,
    webhooks: HashMap<i64, WebhookRow>,
    webhook: Option<i64>,
    event: Option<EventId>,
    status: Option<DeliveryStatus>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(look: Look<'a>, query: &DeliveryQuery, webhook: Option<i64>) -> Self {
        Self {
            look,
            passing: Passing::new(look, query.filter.clone()),
            webhooks: HashMap::new(),
            webhook,
            event: query.event,
            status: query.status,
        }
    }

    /// The webhook of a row.
    pub(super) fn webhook(&mut self, row: &DeliveryRow) -> Result<&WebhookRow, Fault> {
        use std::collections::hash_map::Entry;
        match self.webhooks.entry(row.webhook) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(self.look.webhook_of_row(row)?)),
        }
    }

    pub(super) fn shows(&mut self, row: &DeliveryRow) -> Result<bool, Fault> {
        let of_event = |event: EventId| event.bits() == row.event_id && event.is_test() == row.kind.is_test();
        if self.webhook.is_some_and(|webhook| webhook != row.webhook)
            || self.event.is_some_and(|event| !of_event(event))
            || !self.passing.passes(row.kind)?
        {
            return Ok(false);
        }
        let (wanted, generation) = (self.status, self.webhook(row)?.generation);
        Ok(wanted.is_none_or(|wanted| row.status_under(generation) == wanted))
    }
}
