//! Nodes: each start of a process is one, and has what it took for as long as it says that it is there.
//!
//! The number of a node is its fencing number: a node that slept through its lease finds that what it had is another's, and what
//! it reports of it is not taken.

use std::sync::Arc;
use std::time::Duration;

use super::fault::Fault;
use super::pool::Link;
use super::store::Open;

/// After so long without a word of its node, what is leased is anybody's.
pub(super) const LEASE: &str = "interval '30 seconds'";
/// A few words may be lost.
const RENEWAL: Duration = Duration::from_secs(5);

/// A new node.
pub(super) async fn begin(link: &Link) -> Result<i64, Fault> {
    let sql = format!("INSERT INTO nodes (leased_until) VALUES (now() + {LEASE}) RETURNING number");
    let row = link.row(&sql, &[]).await?;
    Ok(row.ok_or_else(|| Fault::damaged("nodes", "new"))?.get(0))
}

/// Says again and again that the node is there, for as long as the store is.
pub(super) async fn renew(open: std::sync::Weak<Open>) {
    let mut turns = tokio::time::interval(RENEWAL);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let Some(open) = open.upgrade().filter(|open| !open.connections.is_closed()) else { return };
        if let Err(fault) = open.renew_lease().await {
            tracing::warn!(?fault, "the lease of this node could not be renewed");
        }
        if let Err(fault) = open.learn_event_types().await {
            tracing::debug!(?fault, "event types could not be read again");
        }
    }
}

impl Open {
    async fn renew_lease(self: &Arc<Self>) -> Result<(), Fault> {
        let link = self.connections.get().await?;
        let sql = format!("UPDATE nodes SET leased_until = now() + {LEASE} WHERE number = {}", self.node);
        if link.run(&sql, &[]).await? == 0 {
            // It was away for so long that it was forgotten. What it had went to others; what it takes from now on is its own.
            let sql = format!(
                "INSERT INTO nodes (number, leased_until) OVERRIDING SYSTEM VALUE VALUES ({}, now() + {LEASE})
                 ON CONFLICT (number) DO NOTHING",
                self.node
            );
            link.run(&sql, &[]).await?;
        }
        Ok(())
    }

    /// Leaves what the node has to whoever comes.
    pub(super) async fn end_lease(&self) -> Result<(), Fault> {
        let sql = format!("UPDATE nodes SET leased_until = now() WHERE number = {}", self.node);
        self.connections.get().await?.run(&sql, &[]).await.map(drop)
    }
}
