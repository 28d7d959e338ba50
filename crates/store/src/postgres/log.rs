//! The log: each call of it, and its reading.

use async_trait::async_trait;
use cstar_types::{Entry, EventId, TeamId};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::append::Publish;
use super::erase;
use super::event_rows::{EventRow, event_columns};
use super::fault::Fault;
use super::head::head;
use super::store::Postgres;
use super::tx::{Tx, change, read};
use crate::stored::key_use::{self, KeyUse};
use crate::{Append, Appended, EventQuery, Log, LogEnds, LogSlice, Page, SliceLimit, StoreError};

#[async_trait]
impl Log for Postgres {
    async fn append(&self, append: Append) -> Result<Vec<Appended>, StoreError> {
        let mut publish = Publish::prepare(append);
        if let Some(filters) = publish.filters(&self.open.filters) {
            publish.judge(filters).await;
        }
        self.open.publish(publish).await
    }

    async fn repeated(&self, append: Append) -> Result<Option<Vec<Appended>>, StoreError> {
        let (team, keys) = (append.team, key_use::keys(&append));
        read!(self, |tx| repeated(&tx, team, &keys))
    }

    async fn erase(&self, team: TeamId, event: EventId) -> Result<(), StoreError> {
        change!(self, [team], |tx| erase::erase(&mut tx, team, event))
    }

    async fn ends(&self, team: TeamId) -> Result<LogEnds, StoreError> {
        let _turn = self.open.looks_at_ends.acquire().await; // never closed
        let ends = self.open.head(team).await?.ends(self.open.epoch);
        self.open.followed.lock().begin(team, ends.head);
        Ok(ends)
    }

    async fn read(&self, team: TeamId, after: u64, limit: SliceLimit) -> Result<LogSlice, StoreError> {
        Ok(self.open.slice(team, after, limit).await?)
    }

    async fn event(&self, team: TeamId, event: EventId) -> Result<Entry, StoreError> {
        read!(self, |tx| async {
            let number = tx.head(team).await?.number;
            let row = tx.event_with_id(team, number, event).await?;
            Ok(row.ok_or(StoreError::NotFound)?.entry(tx.open.epoch))
        })
    }

    async fn events(&self, team: TeamId, query: EventQuery) -> Result<Page<Entry, u64>, StoreError> {
        read!(self, |tx| tx.events(team, &query))
    }
}

/// The first event of each key, if all are stored.
async fn repeated(tx: &Tx, team: TeamId, keys: &[Option<KeyUse>]) -> Result<Option<Vec<Appended>>, Fault> {
    tx.head(team).await?;
    let stored = tx.stored(keys.iter().flatten().map(|key| (team, *key)).collect()).await?;
    let mut found = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        let Some(KeyUse { key, fingerprint }) = key else { return Ok(None) };
        let Some((entry, used_for)) = stored.get(&(team, *key)) else { return Ok(None) };
        if used_for != fingerprint {
            return Err(StoreError::IdempotencyKeyReused { index }.into());
        }
        found.push(Appended { entry: entry.clone(), replayed: true });
    }
    Ok(Some(found))
}

/// The ends of a log and the entries behind one, as one statement: so both are of one moment. A sum over the sizes of stored bodies
/// cuts off what is too much before any of it is read; it may bring too many erased events, which have none and are read with one.
const SLICE: &str = concat!(
    "SELECT t.number, t.removed_events, h.seq AS head, ",
    event_columns!(),
    " FROM teams t ",
    head!(),
    " LEFT JOIN LATERAL (
          SELECT * FROM (
              SELECT *, sum(octet_length(body)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS through
              FROM events WHERE team = t.number AND seq > greatest($2, t.removed_events) AND day >= $5
              ORDER BY seq LIMIT $3
          ) page WHERE through <= $4 OR seq = greatest($2, t.removed_events) + 1
      ) e ON true
      WHERE t.id = $1 AND t.state = 0 ORDER BY e.seq"
);

impl super::store::Open {
    /// The row of a team that was not deleted.
    async fn head(&self, team: TeamId) -> Result<super::head::Head, Fault> {
        self.connections.get().await?.head(team).await
    }

    pub(super) async fn slice(&self, team: TeamId, after: u64, limit: SliceLimit) -> Result<LogSlice, Fault> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let (entries, bytes) = (limit.entries.max(1) as i64, limit.bytes.clamp(1, 1 << 40) as i64);
        let params = [
            (team.as_uuid() as _, Type::UUID),
            (&after as _, Type::INT8),
            (&entries as _, Type::INT8),
            (&bytes as _, Type::INT8),
            (&self.seen_days.behind(team, after) as _, Type::INT4),
        ];
        let rows = self.connections.get().await?.heads(SLICE, &params).await?;
        let first = rows.first().ok_or(Fault::Refused(StoreError::NotFound))?;
        let (number, removed, head): (i64, i64, i64) = (first.get(0), first.get(1), first.get(2));
        let ends = LogEnds { epoch: self.epoch, oldest: removed as u64 + 1, head: head as u64 };
        let mut read = Vec::with_capacity(rows.len());
        let (mut next, mut bytes) = (after.max(removed), 0);
        for row in rows.iter().filter(|row| row.get::<_, Option<i64>>(3).is_some()) {
            let row = EventRow::read(row, 3, (team, number))?;
            next += 1;
            if row.seq != next {
                return Err(Fault::missing_event(team, next));
            }
            if read.is_empty() || row.seq == head {
                self.seen_days.saw(team, row.seq, row.day);
            }
            let entry = row.entry(self.epoch);
            bytes += entry.event.body.len();
            if bytes > limit.bytes && !read.is_empty() {
                break;
            }
            read.push(entry);
        }
        if read.is_empty() && next < head {
            return Err(Fault::missing_event(team, next + 1));
        }
        Ok(LogSlice { entries: read, ends })
    }
}

impl Tx {
    /// The row of a team's event that is kept.
    pub(super) async fn event_with_id(
        &self,
        team: TeamId,
        number: i64,
        event: EventId,
    ) -> Result<Option<EventRow>, Fault> {
        const FOUND: &str = concat!(
            "SELECT ",
            event_columns!(),
            " FROM events e JOIN teams t ON t.number = e.team AND e.seq > t.removed_events WHERE e.team = $1 AND e.id = $2"
        );
        let id = Uuid::from_u128(event.bits());
        let row = self.row(FOUND, &[(&number, Type::INT8), (&id, Type::UUID)]).await?;
        let row = row.map(|row| EventRow::read(&row, 0, (team, number))).transpose()?;
        Ok(row.filter(|row| row.marks.is_test() == event.is_test()))
    }

    /// Whether the event at this place is kept.
    pub(super) async fn is_kept(&self, team: i64, seq: i64) -> Result<bool, Fault> {
        let sql = "SELECT 1 FROM teams WHERE number = $1 AND removed_events < $2";
        Ok(self.row(sql, &[(&team, Type::INT8), (&seq, Type::INT8)]).await?.is_some())
    }
}
