//! A real PostgreSQL server, for the tests of one binary.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::machine::free_address;
use crate::wait::until_within;

/// Set to leave out the tests that need servers which are not installed.
const WITHOUT_SERVERS: &str = "CSTAR_WITHOUT_SERVERS";
/// Where Debian keeps what a version brings.
const VERSIONS: &str = "/usr/lib/postgresql";
/// A file system in memory.
const MEMORY: &str = "/dev/shm";
/// With its log, many times what the tests write.
const ROOM_LEAST: u64 = 4 << 30;
/// Nobody's user and group: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;
const START_DEADLINE: Duration = Duration::from_secs(30);

/// The owner of every database.
const USER: &str = "cstar";
const PASSWORD: &str = "testkit-postgres";

/// Keeps the server for as long as its standard input is open, so that it does not outlive a test that was killed. Nothing of it
/// is wanted afterwards: it is stopped at once.
const KEEPER: &str = r#""$@" & server=$!; read _; kill -QUIT $server; wait $server"#;

/// A server on loopback, its data in a temporary directory, in memory if there is room. Dropped, it is stopped and its data removed.
#[derive(Debug)]
pub struct PostgresServer {
    keeper: Option<Child>,
    address: SocketAddr,
    programs: PathBuf,
    settings: Vec<String>,
    dir: TempDir,
}

impl PostgresServer {
    /// A server that answers; `None` where the tests of servers are left out.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed, or does not start.
    #[must_use]
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// The same with settings, each as `name=value`.
    ///
    /// # Panics
    /// As [`PostgresServer::start`].
    #[must_use]
    pub async fn start_with(settings: &[&str]) -> Option<Self> {
        if std::env::var_os(WITHOUT_SERVERS).is_some() {
            return None;
        }
        let Some(programs) = programs() else {
            panic!(
                "PostgreSQL is not installed: apt-get install postgresql, or leave its tests out with \
                 `cargo xtask test --without-servers`"
            )
        };
        let dir = place();
        hand_over(dir.path());
        let data = dir.path().join("data");
        initialise(&programs, dir.path(), &data);
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Self { keeper: None, address: free_address(), programs, settings, dir };
        server.start_again().await;
        Some(server)
    }

    /// Ends it at once, as a crash would.
    pub fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }

    /// Starts it at the same address, with what it had.
    ///
    /// # Panics
    /// As [`PostgresServer::start`].
    pub async fn start_again(&mut self) {
        self.stop();
        let mut server = Command::new("sh");
        server.args(["-c", KEEPER, "sh"]).arg(self.programs.join("postgres"));
        server.arg("-D").arg(self.dir.path().join("data"));
        let port = format!("port={}", self.address.port());
        let usual = [
            port.as_str(),
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "shared_buffers=64MB",
            "max_wal_size=512MB",
            "log_min_messages=fatal",
        ];
        for setting in usual.into_iter().chain(self.settings.iter().map(String::as_str)) {
            server.args(["-c", setting]);
        }
        let keeper = as_nobody(&mut server).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        self.keeper = Some(keeper.expect("a shell"));
        until_within(START_DEADLINE, "PostgreSQL's first answer", async || self.answers().then_some(()))
            .await;
    }

    fn answers(&mut self) -> bool {
        let ended = self.keeper.as_mut().and_then(|keeper| keeper.try_wait().expect("a child"));
        assert!(ended.is_none(), "PostgreSQL ended at its start");
        let port = self.address.port().to_string();
        let mut probe = Command::new(self.programs.join("pg_isready"));
        probe.args(["--quiet", "--host=127.0.0.1", "--port", &port]);
        probe.status().is_ok_and(|status| status.success())
    }

    /// Where a database of it is. `postgres` is there from the beginning.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@{}/{database}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// In memory, where there is room: no power is cut, and what is tested is what the server is asked for.
fn place() -> TempDir {
    let room = rustix::fs::statvfs(MEMORY).map_or(0, |of| of.f_bavail.saturating_mul(of.f_frsize));
    let dir = if room >= ROOM_LEAST { tempfile::tempdir_in(MEMORY) } else { tempfile::tempdir() };
    dir.expect("a temporary directory")
}

/// The directory of the newest version that is installed.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.flatten();
    let numbered =
        versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let newest = numbered.max().map(|(_, path)| path.join("bin"))?;
    newest.join("initdb").exists().then_some(newest)
}

fn initialise(programs: &Path, dir: &Path, data: &Path) {
    let password = dir.join("password");
    fs::write(&password, PASSWORD).expect("a file");
    hand_over(&password);
    let mut initdb = Command::new(programs.join("initdb"));
    // It need not outlive the machine: only what is committed later is to be synced.
    initdb.args(["--no-sync", "--no-locale", "--encoding=UTF8", "--data-checksums", "--auth=scram-sha-256"]);
    initdb.args(["--username", USER]).arg("--pwfile").arg(&password).arg("-D").arg(data);
    let made = as_nobody(&mut initdb).output().expect("initdb runs");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn as_nobody(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt;
    if is_root() { command.uid(NOBODY).gid(NOBODY).current_dir("/") } else { command }
}

fn hand_over(path: &Path) {
    if is_root() {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("root gives it away");
    }
}
