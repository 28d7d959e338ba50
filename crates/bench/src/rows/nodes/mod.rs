//! Two nodes that share a PostgreSQL database, which shares the machine's cores with them and the load.

pub(crate) mod batches;
pub(crate) mod stream;
pub(crate) mod webhook;

use cstar_store::postgres::floor::{Counted, Rows};

use crate::Failure;
use crate::database::Database;
use crate::rows::{Run, recorded};
use crate::server::Server;

/// As few as are several: what one costs the other shows, and the cores are soon taken.
const NODES: usize = 2;

/// The database and its nodes. They have one team.
struct Nodes {
    servers: Vec<Server>,
    database: Database,
}

/// What was used so far.
#[derive(Clone, Copy)]
struct Used {
    nodes_cpu_s: f64,
    database_cpu_s: f64,
    wal_bytes: f64,
}

impl Nodes {
    /// Starts them with the database's own bell, or this one.
    fn start(run: &Run, doorbell: &str) -> Result<Self, Failure> {
        let database = Database::start(&run.place)?;
        let (url, mut servers) = (database.url(), Vec::<Server>::new());
        for _ in 0..NODES {
            let team = servers.first().map(|first| first.team.as_str());
            servers.push(Server::join(&run.place.bin, &url, doorbell, team)?);
        }
        Ok(Self { servers, database })
    }

    fn team(&self) -> &str {
        &self.servers[0].team
    }

    fn used(&self) -> Result<Used, Failure> {
        let cpu = self.servers.iter().map(Server::cpu_seconds).sum::<Result<f64, Failure>>()?;
        let (database_cpu_s, wal_bytes) = (self.database.cpu_seconds()?, self.database.wal_bytes()? as f64);
        Ok(Used { nodes_cpu_s: cpu, database_cpu_s, wal_bytes })
    }

    /// One of `/metrics`, summed.
    fn metric(&self, name: &str) -> Result<f64, Failure> {
        self.servers.iter().map(|server| server.metric(name)).sum()
    }

    /// Events in a commit that held any.
    fn group_size(&self) -> Result<f64, Failure> {
        Ok(self.metric("cstar_commit_events_sum")? / self.metric("cstar_commit_events_count")?)
    }

    /// Kills the nodes: what they acknowledged must be in the database, once, and of its deliveries so many with one attempt each.
    fn kill(self, events: u64, deliveries: u64) -> Result<(Database, Rows), Failure> {
        let (team, database) = (self.team().to_owned(), self.database);
        drop(self.servers);
        let (counted, attempts) = (database.count()?, deliveries);
        let wanted = Counted { events, deliveries, delivered: deliveries, waiting: 0, attempts };
        if counted != wanted {
            return Err(format!("{counted:?} on record instead of {wanted:?}").into());
        }
        let rows = database.rows(&team)?;
        recorded::each_once(rows.events(), events)?;
        Ok((database, rows))
    }
}

impl Used {
    /// Of each of so many things, since then.
    fn each(self, since: Self, of: f64) -> Self {
        Self {
            nodes_cpu_s: (self.nodes_cpu_s - since.nodes_cpu_s) / of,
            database_cpu_s: (self.database_cpu_s - since.database_cpu_s) / of,
            wal_bytes: (self.wal_bytes - since.wal_bytes) / of,
        }
    }
}
