//! What befalls nodes that share a database, each under load, and the ledger's word on it. `cargo xtask soak` does the same for as long
//! as one likes, in any order.

use std::time::Duration;

use cstar_testkit::{Clock, Nodes, Servers, SharedFault};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::BINARY;

/// Longer than a node waits for a row before it makes room for others.
const HOLD: Duration = Duration::from_secs(6);

/// C1–C7 after each of some faults.
async fn stand(servers: Option<Servers>, faults: &[SharedFault]) {
    let Some(servers) = servers else { return }; // which has been asked for, or said
    let mut nodes = Nodes::set(BINARY, servers, HOLD).await;
    let mut random = StdRng::seed_from_u64(1);
    for &fault in faults {
        assert!(nodes.can_suffer(fault));
        nodes.suffer(fault, &mut random).await;
        nodes.judge(&fault.to_string()).await;
    }
}

/// DLV-3, DLV-2: a node that slept for longer than its lease repeats what others have sent, and changes nothing of how it ended. LOG-1:
/// connections that end at any moment, time and again.
#[tokio::test]
async fn a_node_that_slept_and_connections_that_end_break_nothing() {
    stand(Servers::start().await, &[SharedFault::NodeSleeps, SharedFault::ConnectionsEnded]).await;
}

/// DLV-3, RT-1: of a node that is cut off from all that the nodes share others have the work once its lease is over, and its streams go on
/// when it is back.
#[tokio::test]
async fn a_node_that_is_cut_off_is_done_without() {
    stand(Servers::start().await, &[SharedFault::NodeCutOff]).await;
}

/// RT-1: what a bell does not tell is streamed all the same, to one node that hears none and to all of them. LOG-2: the row of a team that
/// somebody holds is that team's affair alone. DLV-3: nodes are restarted one after the other, or are of an earlier version than
/// the tables, and nobody misses anything.
#[tokio::test]
async fn bells_rows_and_nodes_that_are_away_are_waited_for() {
    let faults = [
        SharedFault::BellsKilled,
        SharedFault::BellsCut,
        SharedFault::TransactionHeld,
        SharedFault::RollingRestart,
        SharedFault::LaterVersion,
    ];
    stand(Servers::start().await, &faults).await;
}

/// DLV-3: what a node was to send again is sent by others when it is due, whatever its clock said.
#[tokio::test]
async fn a_node_whose_clock_is_ahead_leaves_nothing_behind_for_later() {
    if Clock::found().is_some() {
        stand(Servers::start().await, &[SharedFault::ClockAhead]).await;
    }
}

/// LOG-1: the primary is lost, or hangs with all its connections, and its synchronous standby has all that was acknowledged; the nodes
/// find it by themselves.
#[tokio::test]
async fn log_1_a_promoted_standby_has_all_that_was_acknowledged() {
    stand(Servers::with_standby().await, &[SharedFault::PrimaryLost, SharedFault::PrimaryHangs]).await;
}

/// LOG-1: a database without room for rows refuses them, and without room for its log it panics; both end once there is room, and no
/// node has to be started again.
#[tokio::test]
async fn log_1_a_full_database_is_no_end() {
    stand(Servers::on_small_disk().await, &[SharedFault::DatabaseFull]).await;
}
