//! The servers that nodes share.

use crate::clock::Clock;
use crate::nats::NatsServer;
use crate::postgres::{Pair, PostgresServer};
use crate::small_disk::SmallDisk;
use crate::wire::Wire;

use super::SharedFault;

/// Room for a database, for what a soak publishes, and for some of the files that PostgreSQL's log is made of.
const SMALL_DISK_BYTES: u64 = 512 << 20;

/// Where the database is.
#[derive(Debug)]
pub(super) enum Database {
    Alone(PostgresServer),
    /// With a synchronous standby.
    Pair(Pair),
    /// On a disk that can be filled; dropped in this order.
    Small(PostgresServer, SmallDisk),
}

/// A database and a NATS server, which one of the nodes reaches by wires.
#[derive(Debug)]
pub struct Servers {
    pub(super) database: Database,
    pub(super) nats: NatsServer,
    pub(super) to_nats: Wire,
    /// None to a database of two servers.
    pub(super) to_database: Option<Wire>,
}

impl Servers {
    /// Whether there are some to start, and they are not to be left out.
    #[must_use]
    pub fn are_there() -> bool {
        PostgresServer::is_there() && NatsServer::is_there()
    }

    /// A database and NATS; `None` where the tests of servers are left out.
    ///
    /// # Panics
    /// Where they are not installed, or do not start.
    #[must_use]
    pub async fn start() -> Option<Self> {
        Self::with(Database::Alone(PostgresServer::start().await?)).await
    }

    /// The same with a synchronous standby.
    ///
    /// # Panics
    /// As [`Servers::start`].
    #[must_use]
    pub async fn with_standby() -> Option<Self> {
        Self::with(Database::Pair(Pair::start().await?)).await
    }

    /// The same with the database on a small disk; `None` also where none can be mounted.
    ///
    /// # Panics
    /// As [`Servers::start`].
    #[must_use]
    pub async fn on_small_disk() -> Option<Self> {
        let disk = SmallDisk::mount(SMALL_DISK_BYTES)?;
        Self::with(Database::Small(PostgresServer::start_on(&disk).await?, disk)).await
    }

    async fn with(database: Database) -> Option<Self> {
        let nats = NatsServer::start().await?;
        let to_nats = Wire::to(nats.address());
        let to_database = match &database {
            Database::Alone(server) | Database::Small(server, _) => Some(Wire::to(server.address())),
            Database::Pair(_) => None,
        };
        Some(Self { database, nats, to_nats, to_database })
    }

    /// Whether they are enough to bring a fault about.
    #[must_use]
    pub fn suffice_for(&self, fault: SharedFault) -> bool {
        match fault {
            SharedFault::PrimaryLost | SharedFault::PrimaryHangs => {
                matches!(self.database, Database::Pair(..))
            }
            SharedFault::NodeCutOff => self.to_database.is_some(),
            SharedFault::DatabaseFull => matches!(self.database, Database::Small(..)),
            SharedFault::ClockAhead => Clock::found().is_some(),
            _ => true,
        }
    }

    /// Where a node's store is.
    pub(super) fn store(&self) -> String {
        match &self.database {
            Database::Alone(server) | Database::Small(server, _) => server.url("postgres"),
            Database::Pair(pair) => pair.url("postgres"),
        }
    }

    /// The same for the node that reaches it by a wire.
    pub(super) fn store_by_wire(&self) -> String {
        let url = self.store();
        let Some(wire) = &self.to_database else { return url };
        url.replace(&self.database.server().address().to_string(), &wire.address().to_string())
    }
}

impl Database {
    /// The server that takes writes.
    pub(super) const fn server(&self) -> &PostgresServer {
        match self {
            Self::Alone(server) | Self::Small(server, _) => server,
            Self::Pair(pair) => pair.primary(),
        }
    }

    pub(super) const fn server_mut(&mut self) -> &mut PostgresServer {
        match self {
            Self::Alone(server) | Self::Small(server, _) => server,
            Self::Pair(pair) => pair.primary_mut(),
        }
    }
}
