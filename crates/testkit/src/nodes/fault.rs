//! Everything that nodes and what they share can be made to suffer.

use std::fmt;

/// A fault of the catalogue, where several nodes share a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedFault {
    /// `kill -9` of a node in the middle of its lease.
    NodeKilled,
    /// A node sleeps for longer than its lease (SIGSTOP), with attempts on their way, and goes on.
    NodeSleeps,
    /// A node whose clock is an hour ahead has retries to make, and is killed.
    ClockAhead,
    /// One node is cut off from the database and from NATS for longer than its lease.
    NodeCutOff,
    /// Each node in turn ends (SIGTERM) and starts again.
    RollingRestart,
    /// A later version brings the tables forward, and the nodes that run go on; of the earlier version no other starts.
    LaterVersion,
    /// The database ends all connections, several times.
    ConnectionsEnded,
    /// The database crashes and starts again.
    DatabaseCrashes,
    /// The primary is lost and its synchronous standby promoted.
    PrimaryLost,
    /// The primary hangs: it answers nothing more, its kernel acknowledges all that comes, and its synchronous standby is promoted.
    PrimaryHangs,
    /// The database finds no room, first for rows and then for its log.
    DatabaseFull,
    /// Somebody holds a transaction open, and in it the row of a team.
    TransactionHeld,
    /// NATS is killed and started again.
    BellsKilled,
    /// One node's connection to NATS is cut.
    BellsCut,
}

impl SharedFault {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::NodeKilled,
        Self::NodeSleeps,
        Self::ClockAhead,
        Self::NodeCutOff,
        Self::RollingRestart,
        Self::LaterVersion,
        Self::ConnectionsEnded,
        Self::DatabaseCrashes,
        Self::PrimaryLost,
        Self::PrimaryHangs,
        Self::DatabaseFull,
        Self::TransactionHeld,
        Self::BellsKilled,
        Self::BellsCut,
    ];
}

impl fmt::Display for SharedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NodeKilled => "node killed",
            Self::NodeSleeps => "node sleeps",
            Self::ClockAhead => "clock ahead",
            Self::NodeCutOff => "node cut off",
            Self::RollingRestart => "rolling restart",
            Self::LaterVersion => "later version",
            Self::ConnectionsEnded => "connections ended",
            Self::DatabaseCrashes => "database crashes",
            Self::PrimaryLost => "primary lost",
            Self::PrimaryHangs => "primary hangs",
            Self::DatabaseFull => "database full",
            Self::TransactionHeld => "transaction held",
            Self::BellsKilled => "bells killed",
            Self::BellsCut => "bells cut",
        })
    }
}
