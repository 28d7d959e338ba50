//! Lists of events.

use cstar_types::{Entry, EventType, TeamId, Timestamp};
use tokio_postgres::types::Type;

use super::event_rows::{EventRow, event_columns};
use super::fault::Fault;
use super::head::Head;
use super::tx::Tx;
use crate::{EventQuery, Order, Page};

/// One page looks at so many rows at most: a filter that little passes must not read a whole log in one go.
pub(super) const LOOKED_AT_MAX: usize = 10_000;
/// Rows of one look at a time: so many counts at once.
const PROBES: i64 = 64;

impl Tx {
    /// A page of a team's events. Their types are looked at first, and only what is shown is read.
    pub(super) async fn events(&self, team: TeamId, query: &EventQuery) -> Result<Page<Entry, u64>, Fault> {
        let head = self.head(team).await?;
        let (low, high) = self.event_bounds(&head, query).await?;
        let mut page = Page { rows: Vec::new(), next: None };
        let sql = match query.order {
            Order::Desc => {
                "SELECT seq, type FROM events WHERE team = $1 AND seq >= $2 AND seq <= $3 ORDER BY seq DESC LIMIT $4"
            }
            Order::Asc => {
                "SELECT seq, type FROM events WHERE team = $1 AND seq >= $2 AND seq <= $3 ORDER BY seq LIMIT $4"
            }
        };
        let (mut low, mut high) = (low, high);
        let (mut shown, mut last, mut looked_at) = (Vec::new(), None, 0);
        // What passes is not known: a look that brought too little is followed by a longer one.
        let mut look = query.limit.saturating_add(1).min(LOOKED_AT_MAX);
        'page: while low <= high {
            let bounds = [
                (&head.number as _, Type::INT8),
                (&low as _, Type::INT8),
                (&high as _, Type::INT8),
                (&(look as i64) as _, Type::INT8),
            ];
            let rows = self.rows(sql, &bounds).await?;
            for row in &rows {
                if shown.len() == query.limit || looked_at == LOOKED_AT_MAX {
                    page.next = last;
                    break 'page;
                }
                let seq: i64 = row.get(0);
                let event_type: EventType =
                    row.get::<_, &str>(1).parse().map_err(|_| Fault::damaged("events", seq))?;
                if query.filter.passes(&event_type) {
                    shown.push(seq);
                }
                last = Some(seq as u64);
                looked_at += 1;
                match query.order {
                    Order::Desc => high = seq - 1,
                    Order::Asc => low = seq + 1,
                }
            }
            if rows.len() < look {
                break;
            }
            look = (look * 4).min(LOOKED_AT_MAX);
        }
        page.rows = self.entries(&head, &shown, query.order).await?;
        Ok(page)
    }

    /// The entries at these places.
    async fn entries(&self, head: &Head, seqs: &[i64], order: Order) -> Result<Vec<Entry>, Fault> {
        const AT: &str = concat!(
            "SELECT ",
            event_columns!(),
            " FROM events e WHERE e.team = $1 AND e.seq = ANY($2) ORDER BY e.seq"
        );
        if seqs.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.rows(AT, &[(&head.number, Type::INT8), (&seqs, Type::INT8_ARRAY)]).await?;
        let entry = |row| Ok(EventRow::read(row, 0, (head.id, head.number))?.entry(self.open.epoch));
        let mut entries: Vec<Entry> = rows.iter().map(entry).collect::<Result<_, Fault>>()?;
        if order == Order::Desc {
            entries.reverse();
        }
        Ok(entries)
    }

    /// The first and the last place that the query can mean; times become places, since they rise together.
    async fn event_bounds(&self, head: &Head, query: &EventQuery) -> Result<(i64, i64), Fault> {
        let (mut low, mut high) = (head.removed_events + 1, head.seq);
        let from = query.from.map(|from| i64::try_from(from).unwrap_or(i64::MAX));
        match (from, query.order) {
            (Some(from), Order::Desc) => high = high.min(from.saturating_sub(1)),
            (Some(from), Order::Asc) => low = low.max(from.saturating_add(1)),
            (None, _) => {}
        }
        if let Some(since) = query.since {
            low = low.max(self.first_event_at(head, since).await?);
        }
        if let Some(until) = query.until {
            high = high.min(self.first_event_at(head, until).await? - 1);
        }
        Ok((low, high))
    }

    /// The seq of the first event committed at this time or later, or one behind the head. Each trip looks at many places
    /// between the bounds, so there are a few of them however long the log is.
    pub(super) async fn first_event_at(&self, head: &Head, at: Timestamp) -> Result<i64, Fault> {
        let sql = "SELECT seq, committed_ms FROM events WHERE team = $1 AND seq = ANY($2) ORDER BY seq";
        let (mut low, mut high) = (head.removed_events + 1, head.seq + 1);
        while low < high {
            let step = (high - low) / PROBES + 1;
            let probes: Vec<i64> =
                (0..PROBES).map(|probe| low + probe * step).filter(|seq| *seq < high).collect();
            let rows = self.rows(sql, &[(&head.number, Type::INT8), (&probes, Type::INT8_ARRAY)]).await?;
            if rows.len() != probes.len() {
                return Err(Fault::missing_event(head.id, low));
            }
            for row in &rows {
                let seq: i64 = row.get(0);
                if row.get::<_, i64>(1) >= at.as_millis() {
                    high = seq;
                    break;
                }
                low = seq + 1;
            }
        }
        Ok(low)
    }
}
