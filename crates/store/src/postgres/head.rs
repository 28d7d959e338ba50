//! The row of a team: the counter of its log (LOG-2).

use std::collections::HashMap;

use cstar_types::TeamId;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::fault::Fault;
use super::pool::Link;
use super::tx::Tx;
use crate::{LogEnds, StoreError};

/// A team as it stands in this transaction.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) id: TeamId,
    pub(super) number: i64,
    /// The seq of the newest event.
    pub(super) seq: i64,
    /// The number of the newest delivery.
    pub(super) delivery: i64,
    /// The newest commit time; times within a team never fall, whatever the clock does.
    pub(super) last_ms: i64,
    /// Which webhooks it has: rises with every change of one.
    pub(super) webhooks: i64,
    /// The seq of the newest event that was removed.
    pub(super) removed_events: i64,
}

macro_rules! heads {
    ($rest:literal) => {
        concat!("SELECT id, number, seq, delivery, last_ms, webhooks, removed_events FROM teams ", $rest)
    };
}

/// Locked in one order by everybody: by number, the operator last. Not against those who only refer to the row.
const LOCK: &str = heads!("WHERE id = ANY($1) AND state = 0 ORDER BY number = 0, number FOR NO KEY UPDATE");

impl Head {
    fn read(row: &Row) -> Self {
        Self {
            id: TeamId::from_uuid(row.get(0)),
            number: row.get(1),
            seq: row.get(2),
            delivery: row.get(3),
            last_ms: row.get(4),
            webhooks: row.get(5),
            removed_events: row.get(6),
        }
    }

    pub(super) fn ends(&self, epoch: u32) -> LogEnds {
        LogEnds { epoch, oldest: self.removed_events as u64 + 1, head: self.seq as u64 }
    }
}

const FOUND: &str = heads!("WHERE id = $1 AND state = 0");

impl Link {
    /// A team that was not deleted.
    pub(super) async fn head(&self, team: TeamId) -> Result<Head, Fault> {
        let row = self.row(FOUND, &[(team.as_uuid(), Type::UUID)]).await?;
        row.map(|row| Head::read(&row)).ok_or(Fault::Refused(StoreError::NotFound))
    }
}

impl Tx {
    /// A team that was not deleted.
    pub(super) async fn head(&self, team: TeamId) -> Result<Head, Fault> {
        let row = self.row(FOUND, &[(team.as_uuid(), Type::UUID)]).await?;
        row.map(|row| Head::read(&row)).ok_or(Fault::Refused(StoreError::NotFound))
    }

    /// Those of these teams that were not deleted.
    pub(super) async fn heads(&self, teams: &[TeamId]) -> Result<HashMap<TeamId, Head>, Fault> {
        self.heads_by(heads!("WHERE id = ANY($1) AND state = 0"), teams).await
    }

    /// Those of these teams that were not deleted, locked; unless one waits for them, without those that somebody else has locked.
    pub(super) async fn lock_teams(
        &self,
        teams: &[TeamId],
        waits: bool,
    ) -> Result<HashMap<TeamId, Head>, Fault> {
        const FREE: &str = heads!(
            "WHERE id = ANY($1) AND state = 0 ORDER BY number = 0, number FOR NO KEY UPDATE SKIP LOCKED"
        );
        self.heads_by(if waits { LOCK } else { FREE }, teams).await
    }

    async fn heads_by(&self, sql: &str, teams: &[TeamId]) -> Result<HashMap<TeamId, Head>, Fault> {
        if teams.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<Uuid> = teams.iter().map(|team| *team.as_uuid()).collect();
        let rows = self.rows(sql, &[(&ids, Type::UUID_ARRAY)]).await?;
        Ok(rows.iter().map(Head::read).map(|head| (head.id, head)).collect())
    }

    /// One, locked until the end: nobody else appends to its log or changes its webhooks meanwhile.
    pub(super) async fn lock(&self, team: TeamId) -> Result<Head, Fault> {
        self.lock_all(&[team]).await?.remove(&team).ok_or(Fault::Refused(StoreError::NotFound))
    }

    /// Those of these teams that were not deleted, locked.
    pub(super) async fn lock_all(&self, teams: &[TeamId]) -> Result<HashMap<TeamId, Head>, Fault> {
        self.heads_by(LOCK, teams).await
    }

    /// Writes how far the team's log has come.
    pub(super) async fn save(&self, head: &Head) -> Result<(), Fault> {
        let params = HeadParams::of([head]);
        self.run(SAVE, &params.as_params()).await.map(drop)
    }
}

/// Writes how far the logs of teams have come.
pub(super) const SAVE: &str = "UPDATE teams t SET seq = s.seq, delivery = s.delivery, last_ms = s.last_ms
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS s (number, seq, delivery, last_ms)
     WHERE t.number = s.number";

/// The parameters of [`SAVE`].
#[derive(Debug, Default)]
pub(super) struct HeadParams {
    numbers: Vec<i64>,
    seqs: Vec<i64>,
    deliveries: Vec<i64>,
    last_ms: Vec<i64>,
}

impl HeadParams {
    pub(super) fn of<'h>(heads: impl IntoIterator<Item = &'h Head>) -> Self {
        let mut params = Self::default();
        for head in heads {
            params.numbers.push(head.number);
            params.seqs.push(head.seq);
            params.deliveries.push(head.delivery);
            params.last_ms.push(head.last_ms);
        }
        params
    }

    pub(super) fn as_params(&self) -> [super::pool::Param<'_>; 4] {
        [
            (&self.numbers, Type::INT8_ARRAY),
            (&self.seqs, Type::INT8_ARRAY),
            (&self.deliveries, Type::INT8_ARRAY),
            (&self.last_ms, Type::INT8_ARRAY),
        ]
    }
}
