//! Nodes: each start of a process is one, and has what it took for as long as it says that it is there.
//!
//! The number of a node is its fencing number: a node that slept through its lease finds that what it had is another's, and what
//! it reports of it is not taken. How long it slept the database tells it: the clock of a machine that was suspended stood still with
//! it. What it sends before it has heard comes twice, under the same delivery (DLV-3).

use std::sync::atomic::Ordering;
use std::time::Duration;

use cstar_types::DeliveryId;
use tokio_postgres::types::Type;

use super::delivery_rows::DeliveryPlace;
use super::fault::Fault;
use super::pool::Link;
use super::store::Open;
use super::tx::Tx;

/// No node, which count from 1: what it has is anybody's.
pub(super) const NOBODY: i64 = 0;

/// Until when a node is believed to be there without another word of it: then what is leased is anybody's. In SQL.
fn leased_until(lease: Duration) -> String {
    format!("now() + interval '{} milliseconds'", lease.as_millis())
}

/// A new node.
pub(super) async fn begin(link: &Link, lease: Duration) -> Result<i64, Fault> {
    let sql = format!("INSERT INTO nodes (leased_until) VALUES ({}) RETURNING number", leased_until(lease));
    let row = link.row(&sql, &[]).await?;
    Ok(row.ok_or_else(|| Fault::damaged("nodes", "new"))?.get(0))
}

impl Open {
    /// Whether what is due is to be told to this node.
    pub(super) fn sends(&self) -> bool {
        self.sends && !self.has_left.load(Ordering::Acquire)
    }

    /// Who has what this node makes to be sent.
    pub(super) fn keeper(&self) -> i64 {
        if self.sends() { self.node } else { NOBODY }
    }

    /// Says that the node is there; answers for how long it was not believed to be, on the database's clock. What it had then went to
    /// others, and what it takes from now on is its own.
    pub(super) async fn renew_lease(&self, link: &Link) -> Result<Option<Duration>, Fault> {
        if self.leaves.load(Ordering::Acquire) {
            return Ok(None);
        }
        let sql = format!(
            "WITH before AS (SELECT leased_until FROM nodes WHERE number = {node})
             INSERT INTO nodes (number, leased_until) OVERRIDING SYSTEM VALUE VALUES ({node}, {until})
             ON CONFLICT (number) DO UPDATE SET leased_until = {until} WHERE NOT nodes.has_left
             RETURNING (SELECT (extract(epoch FROM now() - leased_until) * 1000)::bigint FROM before)",
            node = if self.has_left.load(Ordering::Acquire) { -self.node } else { self.node },
            until = leased_until(self.lease),
        );
        let Some(row) = link.row(&sql, &[]).await? else { return Ok(None) };
        Ok(match row.get::<_, Option<i64>>(0) {
            Some(millis) => u64::try_from(millis).ok().map(Duration::from_millis),
            None => Some(Duration::MAX), // it was forgotten
        })
    }

    /// Leaves all that the node has to whoever comes.
    pub(super) async fn end_lease(&self) -> Result<(), Fault> {
        let sql = format!("{LEAVE} ({node}, -{node})", node = self.node);
        self.connections.get().await?.run(&sql, &[]).await.map(drop)
    }
}

/// A renewal that is on its way comes too late.
const LEAVE: &str = "UPDATE nodes SET leased_until = now(), has_left = true WHERE number IN";

/// Leaves what waits to whoever comes, but for these: the node keeps them under the negative of its number, with a lease of their own.
pub(super) async fn leave(tx: &mut Tx, but: &[DeliveryId]) -> Result<(), Fault> {
    let (node, until) = (tx.open.node, leased_until(tx.open.lease));
    tx.open.has_left.store(true, Ordering::Release);
    let kept =
        but.iter().filter_map(|id| DeliveryPlace::of(*id)).map(|(place, _)| (place.team, place.number));
    let (teams, numbers): (Vec<i64>, Vec<i64>) = kept.unzip();
    tx.script(&format!(
        "INSERT INTO nodes (number, leased_until) OVERRIDING SYSTEM VALUE VALUES (-{node}, {until})
         ON CONFLICT (number) DO NOTHING"
    ))
    .await?;
    let keep = "UPDATE due u SET node = -$1 FROM unnest($2::bigint[], $3::bigint[]) AS kept (team, number)
         WHERE u.team = kept.team AND u.number = kept.number AND u.node = $1";
    let of = [(&node as _, Type::INT8), (&teams as _, Type::INT8_ARRAY), (&numbers as _, Type::INT8_ARRAY)];
    tx.run(keep, &of).await?;
    tx.script(&format!("{LEAVE} ({node})")).await
}
