//! A real NATS server.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::machine::free_address;
use crate::wait::until;

/// Set to leave out the tests that need servers which are not installed.
const WITHOUT_SERVERS: &str = "CSTAR_WITHOUT_SERVERS";

/// Keeps the server for as long as its standard input is open, so that it does not outlive a test that was killed.
const KEEPER: &str = r#""$@" & server=$!; read _; kill -KILL $server; wait $server 2>/dev/null"#;

/// A server on loopback that keeps nothing. Dropped, it is gone.
#[derive(Debug)]
pub struct NatsServer {
    keeper: Option<Child>,
    address: SocketAddr,
    arguments: Vec<String>,
}

impl NatsServer {
    /// Whether there is one to start, and it is not to be left out.
    #[must_use]
    pub fn is_there() -> bool {
        let version = Command::new("nats-server").arg("--version").stdout(Stdio::null()).status();
        std::env::var_os(WITHOUT_SERVERS).is_none() && version.is_ok_and(|status| status.success())
    }

    /// A server that answers; `None` where the tests of servers are left out.
    ///
    /// # Panics
    /// Where NATS is not installed, or does not start.
    #[must_use]
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// The same with arguments of its command line.
    ///
    /// # Panics
    /// As [`NatsServer::start`].
    #[must_use]
    pub async fn start_with(arguments: &[&str]) -> Option<Self> {
        if std::env::var_os(WITHOUT_SERVERS).is_some() {
            return None;
        }
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut server = Self { keeper: None, address: free_address(), arguments };
        server.start_again().await;
        Some(server)
    }

    /// Where it is: `host:port`.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }

    /// Starts it at the same address.
    ///
    /// # Panics
    /// As [`NatsServer::start`].
    pub async fn start_again(&mut self) {
        self.kill();
        let mut server = Command::new("sh");
        server.args(["-c", KEEPER, "sh", "nats-server", "--addr", "127.0.0.1", "--port"]);
        server.arg(self.address.port().to_string()).args(&self.arguments);
        let keeper = server.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.keeper = Some(keeper.expect("a shell"));
        until("NATS's first answer (apt-get install nats-server)", async || greets(self.address)).await;
    }
}

/// It speaks first.
fn greets(address: SocketAddr) -> Option<()> {
    let mut connection = TcpStream::connect(address).ok()?;
    connection.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    let mut word = [0; 4];
    connection.read_exact(&mut word).ok()?;
    (word == *b"INFO").then_some(())
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}
