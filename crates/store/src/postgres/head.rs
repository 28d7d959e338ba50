//! A team's head: where its log ends (LOG-2).
//!
//! Who appends locks the team's row, reads the newest row of `heads`, and leaves the next version of it. The one before is removed by its
//! key, so that nothing ever walks over those that somebody's open transaction keeps: the newest is the first of the index from behind.
//! Counters in a row that is updated in place would cost more with each commit for as long as that transaction is open.

use std::collections::{HashMap, HashSet};

use cstar_types::TeamId;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::fault::Fault;
use super::locks::Locked;
use super::pool::{Link, Param};
use super::tx::{Tx, Writing};
use crate::{LogEnds, StoreError};

/// A team as it stands in this transaction.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) id: TeamId,
    pub(super) number: i64,
    /// Counts what was written of it.
    version: i64,
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

/// The head of a team `t`, as `h`.
macro_rules! head {
    () => {
        "CROSS JOIN LATERAL (
             SELECT version, seq, delivery, last_ms FROM heads WHERE team = t.number ORDER BY version DESC LIMIT 1
         ) h"
    };
}
pub(super) use head;

macro_rules! heads {
    ($where:literal) => {
        concat!(
            "SELECT t.id, t.number, h.version, h.seq, h.delivery, h.last_ms, t.webhooks, t.removed_events FROM teams t ",
            head!(),
            " WHERE t.state = 0 AND ",
            $where
        )
    };
}

/// Locked in one order by everybody: by number, the operator last. Not against those who only refer to the row.
macro_rules! lock {
    ($locked:literal) => {
        concat!(
            "SELECT id FROM teams WHERE id = ANY($1) AND state = 0 ORDER BY number = 0, number FOR NO KEY UPDATE",
            $locked
        )
    };
}

const OF_TEAMS: &str = heads!("t.id = ANY($1)");
const FOUND: &str = heads!("t.id = $1");

impl Head {
    fn read(row: &Row) -> Self {
        Self {
            id: TeamId::from_uuid(row.get(0)),
            number: row.get(1),
            version: row.get(2),
            seq: row.get(3),
            delivery: row.get(4),
            last_ms: row.get(5),
            webhooks: row.get(6),
            removed_events: row.get(7),
        }
    }

    pub(super) fn ends(&self, epoch: u32) -> LogEnds {
        LogEnds { epoch, oldest: self.removed_events as u64 + 1, head: self.seq as u64 }
    }
}

impl Link {
    /// A team that was not deleted.
    pub(super) async fn head(&self, team: TeamId) -> Result<Head, Fault> {
        let rows = self.heads(FOUND, &[(team.as_uuid(), Type::UUID)]).await?;
        rows.first().map(Head::read).ok_or(Fault::Refused(StoreError::NotFound))
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
        if teams.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = self.rows(OF_TEAMS, &[(&ids(teams), Type::UUID_ARRAY)]).await?;
        Ok(rows.iter().map(Head::read).map(|head| (head.id, head)).collect())
    }

    /// Those of these teams that were not deleted, locked.
    pub(super) async fn lock_teams(
        &self,
        teams: &[TeamId],
        locked: Locked,
    ) -> Result<HashMap<TeamId, Head>, Fault> {
        if teams.is_empty() {
            return Ok(HashMap::new());
        }
        let sql = match locked {
            Locked::WaitFor => lock!(""),
            Locked::PassOver => lock!(" SKIP LOCKED"),
        };
        let ids = ids(teams);
        let of = [(&ids as _, Type::UUID_ARRAY)];
        // In one trip, and one after the other: what is read is as it was left by whoever had the lock before.
        let (ours, heads) = tokio::join!(biased; self.rows(sql, &of), self.heads(teams));
        let ours: HashSet<TeamId> = ours?.iter().map(|row| TeamId::from_uuid(row.get(0))).collect();
        Ok(heads?.into_iter().filter(|(team, _)| ours.contains(team)).collect())
    }

    /// One, locked until the end: nobody else appends to its log or changes its webhooks meanwhile.
    pub(super) async fn lock(&self, team: TeamId) -> Result<Head, Fault> {
        self.lock_all(&[team]).await?.remove(&team).ok_or(Fault::Refused(StoreError::NotFound))
    }

    /// Those of these teams that were not deleted, locked.
    pub(super) async fn lock_all(&self, teams: &[TeamId]) -> Result<HashMap<TeamId, Head>, Fault> {
        self.lock_teams(teams, Locked::WaitFor).await
    }

    /// Writes how far the team's log has come.
    pub(super) async fn save(&self, head: &mut Head) -> Result<(), Fault> {
        let params = HeadParams::of([&*head]);
        let mut writing = Writing::default();
        params.write(&mut writing);
        self.write(&writing).await?;
        head.version += 1;
        Ok(())
    }
}

fn ids(teams: &[TeamId]) -> Vec<Uuid> {
    teams.iter().map(|team| *team.as_uuid()).collect()
}

const NEXT: &str = "INSERT INTO heads (team, version, seq, delivery, last_ms)
     SELECT team, version + 1, seq, delivery, last_ms
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS s (team, version, seq, delivery, last_ms)";

/// Each is looked up by its whole key, whatever the planner believes: of one live row among thousands of dead ones it knows the one, and
/// would walk the index from its beginning, past all the dead.
const FORGET: &str = "DELETE FROM heads WHERE ctid = ANY (ARRAY(
         SELECT h.ctid FROM unnest($1::bigint[], $2::bigint[]) AS s (team, version)
         CROSS JOIN LATERAL (SELECT ctid FROM heads WHERE team = s.team AND version = s.version LIMIT 1) h))";

/// Heads as they are to be written.
#[derive(Debug, Default)]
pub(super) struct HeadParams {
    numbers: Vec<i64>,
    versions: Vec<i64>,
    seqs: Vec<i64>,
    deliveries: Vec<i64>,
    last_ms: Vec<i64>,
}

impl HeadParams {
    pub(super) fn of<'h>(heads: impl IntoIterator<Item = &'h Head>) -> Self {
        let mut params = Self::default();
        for head in heads {
            params.numbers.push(head.number);
            params.versions.push(head.version);
            params.seqs.push(head.seq);
            params.deliveries.push(head.delivery);
            params.last_ms.push(head.last_ms);
        }
        params
    }

    /// Writes how far the logs have come.
    pub(super) fn write<'p>(&'p self, writing: &mut Writing<'p>) {
        let (team, version) =
            ((&self.numbers as _, Type::INT8_ARRAY), (&self.versions as _, Type::INT8_ARRAY));
        let ends: [Param<'p>; 3] = [
            (&self.seqs, Type::INT8_ARRAY),
            (&self.deliveries, Type::INT8_ARRAY),
            (&self.last_ms, Type::INT8_ARRAY),
        ];
        let of: [Param<'p>; 2] = [team, version];
        writing.add(NEXT, of.clone().into_iter().chain(ends));
        writing.add(FORGET, of);
    }
}
