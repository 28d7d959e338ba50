//! What a store asks of a doorbell.

use cstar_types::TeamId;

/// How a node tells others that it has committed something, so that they hear of it before their next look. Nothing is lost with
/// a bell that nobody hears: each node looks by itself every second. No call waits.
pub trait Doorbell: Send + Sync + 'static {
    /// The team's log has reached this seq.
    fn reached(&self, team: TeamId, seq: u64);

    /// Something changed that every node is to look at.
    fn changed(&self);

    /// Something is due that no node has: for those that send.
    fn due(&self);

    /// Whether this node wants to hear how far the team's log has come.
    fn attend(&self, team: TeamId, wanted: bool);
}
