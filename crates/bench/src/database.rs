//! A PostgreSQL server of its own for each measurement, on the disk that is measured.

use cstar_store::postgres::floor::{Bare, Counted, Rows};
use cstar_testkit::PostgresServer;
use tokio::runtime::{Builder, Runtime};

use crate::server::Place;
use crate::{Failure, process};

/// What the harness of the tests has smaller than PostgreSQL has it by itself. What decides whether a commit is on disk is as it comes.
const SETTINGS: [&str; 2] = ["shared_buffers=128MB", "max_wal_size=1GB"];
const NAME: &str = "cstar";
/// Days that a database keeps when it has run for a while: each is a partition of the large tables, for which plans are made.
const DAYS: u32 = 30;

/// A server that runs; it is stopped and its data removed when this is dropped.
pub(crate) struct Database {
    server: PostgresServer,
    runtime: Runtime,
}

impl Database {
    pub(crate) fn start(place: &Place) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let parent = place.parent();
        let started = runtime.block_on(PostgresServer::start_within(&parent, &SETTINGS));
        let server = started.ok_or("CSTAR_WITHOUT_SERVERS leaves out what several nodes need")?;
        let database = Self { server, runtime };
        database.make(NAME)?;
        Ok(database)
    }

    /// Where nodes find it.
    pub(crate) fn url(&self) -> String {
        self.server.url(NAME)
    }

    /// Of all its processes.
    pub(crate) fn cpu_seconds(&self) -> Result<f64, Failure> {
        process::family_cpu_seconds(self.server.process())
    }

    pub(crate) fn wal_bytes(&self) -> Result<u64, Failure> {
        self.ask(async |database| database.wal_bytes().await)
    }

    pub(crate) fn count(&self) -> Result<Counted, Failure> {
        self.ask(async |database| database.count().await)
    }

    /// The rows of a team's events, and of all deliveries and attempts.
    pub(crate) fn rows(&self, team: &str) -> Result<Rows, Failure> {
        self.ask(async |database| Rows::read(&database, team).await)
    }

    /// Copies rows into an empty database beside the one that nodes use; events a second.
    pub(crate) fn copy(&self, rows: &Rows, group: f64) -> Result<f64, Failure> {
        const EMPTY: &str = "floor";
        self.make(EMPTY)?;
        let url = self.server.url(EMPTY);
        let took = self
            .runtime
            .block_on(async { rows.copy(&Bare::reach(&url).await?, group.round() as usize).await })?;
        Ok(rows.events().count() as f64 / took.as_secs_f64())
    }

    fn make(&self, name: &str) -> Result<(), Failure> {
        let url = self.server.url("postgres");
        let made = async {
            Bare::reach(&url).await?.make_database(name).await?;
            Bare::reach(&self.server.url(name)).await?.make_tables(DAYS).await
        };
        Ok(self.runtime.block_on(made)?)
    }

    fn ask<T, E: Into<Failure>>(
        &self,
        question: impl AsyncFnOnce(Bare) -> Result<T, E>,
    ) -> Result<T, Failure> {
        let url = self.url();
        self.runtime.block_on(async { question(Bare::reach(&url).await?).await.map_err(Into::into) })
    }
}
