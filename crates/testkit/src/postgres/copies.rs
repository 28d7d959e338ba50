//! Copies of a database, by the tools that whoever runs a PostgreSQL has.

use std::io::Write as _;
use std::process::Stdio;

use super::PostgresServer;

impl PostgresServer {
    /// What `pg_dump` makes of a database.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn dump(&self, database: &str) -> Vec<u8> {
        let mut pg_dump = self.programs.command("pg_dump");
        let made =
            pg_dump.args(["--no-owner", "--dbname", &self.url(database)]).output().expect("pg_dump runs");
        assert!(made.status.success(), "pg_dump: {}", String::from_utf8_lossy(&made.stderr));
        made.stdout
    }

    /// Makes a database of a script.
    ///
    /// # Panics
    /// When a statement of it fails.
    pub fn make(&self, database: &str, script: &[u8]) {
        let _ = self.ask(&format!("CREATE DATABASE {database}"));
        self.play(database, script);
    }

    /// Runs a script in a database.
    ///
    /// # Panics
    /// When a statement of it fails.
    pub fn play(&self, database: &str, script: &[u8]) {
        let mut psql = self.psql(database);
        psql.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut psql = psql.spawn().expect("psql runs");
        // It says nothing before the end unless something is wrong; then it does not read the rest.
        let _ = psql.stdin.take().expect("it is piped").write_all(script);
        let played = psql.wait_with_output().expect("our own child");
        assert!(played.status.success(), "psql: {}", String::from_utf8_lossy(&played.stderr));
    }
}
