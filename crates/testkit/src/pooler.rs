//! A real pooler in front of a PostgreSQL server.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::machine::free_address;
use crate::postgres::{PASSWORD, PostgresServer, USER, as_nobody, hand_over};
use crate::wait::until;

/// Keeps it for as long as its standard input is open, so that it does not outlive a test that was killed.
const KEEPER: &str = r#""$@" & pooler=$!; read _; kill -KILL $pooler; wait $pooler 2>/dev/null"#;

/// pgbouncer on loopback, in transaction mode: each transaction gets whichever of a few sessions is free. Dropped, it is gone.
#[derive(Debug)]
pub struct Pooler {
    keeper: Child,
    address: SocketAddr,
    _place: TempDir,
}

impl Pooler {
    /// One in front of this server.
    ///
    /// # Panics
    /// Where pgbouncer is not installed, or does not start.
    pub async fn before(server: &PostgresServer) -> Self {
        let (place, address, to) =
            (tempfile::tempdir().expect("a directory"), free_address(), server.address());
        let (settings, users) = (place.path().join("pgbouncer.ini"), place.path().join("users"));
        let text = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = {}\nlisten_port = {}\nunix_socket_dir =\n\
             auth_type = scram-sha-256\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 4\n",
            to.ip(),
            to.port(),
            address.ip(),
            address.port(),
            users.display()
        );
        std::fs::write(&settings, text).expect("a file");
        std::fs::write(&users, format!("\"{USER}\" \"{PASSWORD}\"\n")).expect("a file");
        [place.path(), &settings, &users].into_iter().for_each(hand_over);
        let mut pooler = as_nobody(Command::new("sh"));
        pooler.args(["-c", KEEPER, "sh", "pgbouncer", "--quiet"]).arg(settings);
        let pooler = pooler.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let pooler = Self { keeper: pooler.expect("a shell"), address, _place: place };
        until("the pooler's first answer (apt-get install pgbouncer)", async || {
            std::net::TcpStream::connect(address).ok()
        })
        .await;
        pooler
    }

    /// Where a database behind it is.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@{}/{database}", self.address)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
