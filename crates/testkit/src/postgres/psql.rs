//! Asking a server by hand.

use std::process::Command;

use super::{OpenTransaction, PostgresServer};

impl PostgresServer {
    /// What a statement answers in the database `postgres`: a line for each row.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn ask(&self, statement: &str) -> String {
        self.try_ask(statement).unwrap_or_else(|why| panic!("{statement}: {why}"))
    }

    /// The same.
    ///
    /// # Errors
    /// With what is said when it is refused, or nobody answers.
    pub fn try_ask(&self, statement: &str) -> Result<String, String> {
        let answered = self.psql("postgres").args(["--command", statement]).output().expect("psql runs");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if answered.status.success() { Ok(said(&answered.stdout)) } else { Err(said(&answered.stderr)) }
    }

    /// Ends every connection but the one that asks, and answers how many.
    pub fn end_connections(&self) -> usize {
        let ended = self.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        );
        ended.parse().expect("a count")
    }

    /// Holds a transaction open that has done these statements.
    ///
    /// # Panics
    /// When they are refused.
    #[must_use]
    pub fn hold(&self, statements: &str) -> OpenTransaction {
        OpenTransaction::begin(self.psql("postgres"), statements)
    }

    /// Without what whoever runs the tests has set for it.
    pub(super) fn psql(&self, database: &str) -> Command {
        let mut psql = self.programs.command("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
        psql.args(["--dbname", &self.url(database)]);
        psql
    }
}
