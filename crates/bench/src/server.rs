//! A server of its own for each measurement, in a fresh directory.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::Failure;
use crate::http::Connection;

/// Long and random enough for a server that lives for a minute on loopback.
const PLATFORM_KEY: &str = "bench-platform-key-0123456789abcdef0123456789";
const START_DEADLINE: Duration = Duration::from_secs(20);

/// A running server; it is killed and its data removed when this is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    pub(crate) team: String,
    _data: TempDir,
}

impl Server {
    pub(crate) async fn start(bin: &Path, data: Option<&Path>) -> Result<Self, Failure> {
        let data = data.map_or_else(tempfile::tempdir, tempfile::tempdir_in)?;
        let address = free_address()?;
        let process = Command::new(bin)
            .args([
                "serve",
                "--listen",
                &address.to_string(),
                "--allow-http",
                "--allow-targets",
                "127.0.0.0/8",
            ])
            .args(["--log", "warn", "--data"])
            .arg(data.path())
            .env("CSTAR_PLATFORM_KEY", PLATFORM_KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut server = Self { process, address, team: String::new(), _data: data };
        tokio::time::timeout(START_DEADLINE, server.until_ready()).await??;
        let (status, team) = server.connect().await?.post("/v1/teams", r#"{"name":"bench"}"#.into()).await?;
        if status != 201 {
            return Err(format!("making a team answered {status}").into());
        }
        let team: serde_json::Value = serde_json::from_slice(&team)?;
        server.team = team["id"].as_str().ok_or("a team without an id")?.to_owned();
        Ok(server)
    }

    async fn until_ready(&mut self) -> Result<(), Failure> {
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Err(format!("the server ended at once: {status}").into());
            }
            let ready = async { self.connect().await?.get("/readyz").await };
            if ready.await.is_ok_and(|(status, _)| status == 200) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A keep-alive connection with the platform key.
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        Connection::open(self.address, PLATFORM_KEY).await
    }

    /// A path below the team's.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("/v1/teams/{}/{below}", self.team)
    }

    pub(crate) const fn key(&self) -> &'static str {
        PLATFORM_KEY
    }

    pub(crate) fn pid(&self) -> Result<u32, Failure> {
        self.process.id().ok_or_else(|| "the server has ended".into())
    }
}

fn free_address() -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()
}
