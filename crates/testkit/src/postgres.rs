//! A real PostgreSQL server, for the tests of one binary.

mod copies;
mod open_transaction;
mod programs;
mod psql;
mod standby;

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::authority::{Authority, Validity};
use crate::machine::{children, free_address, send};
use crate::small_disk::SmallDisk;
use crate::wait::until_within;
pub use open_transaction::OpenTransaction;
use programs::Programs;
pub(crate) use programs::{as_nobody, hand_over};
pub use standby::Pair;

/// Set to leave out the tests that need servers which are not installed.
const WITHOUT_SERVERS: &str = "CSTAR_WITHOUT_SERVERS";
/// A file system in memory.
const MEMORY: &str = "/dev/shm";
/// With its log, many times what the tests write.
const ROOM_LEAST: u64 = 4 << 30;
const START_DEADLINE: Duration = Duration::from_secs(30);

/// A log that leaves room for data on a small disk.
const SMALL: [&str; 2] = ["min_wal_size=32MB", "max_wal_size=48MB"];

/// The owner of every database.
pub(crate) const USER: &str = "cstar";
pub(crate) const PASSWORD: &str = "testkit-postgres";

/// Keeps the server for as long as its standard input is open, so that it does not outlive a test that was killed. Nothing of it
/// is wanted afterwards: it is stopped at once.
const KEEPER: &str = r#""$@" & server=$!; read _; kill -QUIT $server; wait $server"#;

/// A server on loopback, its data in a temporary directory, in memory if there is room. Dropped, it is stopped and its data removed.
#[derive(Debug)]
pub struct PostgresServer {
    keeper: Option<Child>,
    address: SocketAddr,
    programs: Programs,
    settings: Vec<String>,
    /// Its processes that stand still.
    still: Vec<u32>,
    dir: TempDir,
}

impl PostgresServer {
    /// Whether there is one to start, and it is not to be left out.
    #[must_use]
    pub fn is_there() -> bool {
        std::env::var_os(WITHOUT_SERVERS).is_none() && Programs::find().is_some()
    }

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
        Self::start_in(place(), installed()?, settings).await
    }

    /// The same behind TLS, for whoever wants it, as the address it listens on.
    ///
    /// # Panics
    /// As [`PostgresServer::start`].
    #[must_use]
    pub async fn start_over_tls(authority: &Authority) -> Option<Self> {
        let (dir, programs) = (place(), installed()?);
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
        let identity = authority.issue("127.0.0.1", Validity::Now);
        identity.write(&certificate, &key).expect("our own directory");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("our own file");
        [&certificate, &key].into_iter().for_each(|file| hand_over(file));
        let [certificate, key] = [("cert", certificate), ("key", key)]
            .map(|(what, path)| format!("ssl_{what}_file={}", path.display()));
        Self::start_in(dir, programs, &["ssl=on", &certificate, &key]).await
    }

    /// The same with everything on a small disk, which must outlive it.
    ///
    /// # Panics
    /// As [`PostgresServer::start`].
    #[must_use]
    pub async fn start_on(disk: &SmallDisk) -> Option<Self> {
        let dir = tempfile::tempdir_in(disk.path()).expect("a new disk");
        Self::start_in(dir, installed()?, &SMALL).await
    }

    /// The same with its data on the disk of this directory: what a sync costs counts then.
    ///
    /// # Panics
    /// As [`PostgresServer::start`], and where nothing can be made there.
    #[must_use]
    pub async fn start_within(parent: &Path, settings: &[&str]) -> Option<Self> {
        let dir = tempfile::tempdir_in(parent).expect("a directory");
        Self::start_in(dir, installed()?, settings).await
    }

    async fn start_in(dir: TempDir, programs: Programs, settings: &[&str]) -> Option<Self> {
        hand_over(dir.path());
        initialise(&programs, dir.path());
        Some(Self::start_from(dir, programs, settings, free_address()).await)
    }

    /// From data that is there.
    async fn start_from(dir: TempDir, programs: Programs, settings: &[&str], address: SocketAddr) -> Self {
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Self { keeper: None, address, programs, settings, still: Vec::new(), dir };
        server.start_again().await;
        server
    }

    /// Ends it at once, as a crash would.
    pub fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            self.still.drain(..).for_each(|process| send(process, Signal::CONT));
            let _ = keeper.wait();
        }
    }

    /// Stops all its processes where they are (SIGSTOP): it answers nothing more. [`PostgresServer::stop`] ends it.
    ///
    /// # Panics
    /// When it does not run.
    pub fn stand_still(&mut self) {
        let server = self.process();
        send(server, Signal::STOP); // it makes no new ones
        self.still = vec![server];
        for child in children(server) {
            send(child, Signal::STOP);
            self.still.push(child);
        }
    }

    /// Starts it at the same address, with what it had.
    ///
    /// # Panics
    /// As [`PostgresServer::start`].
    pub async fn start_again(&mut self) {
        self.stop();
        let mut server = self.programs.kept("postgres", KEEPER);
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
        let log = File::create(self.log()).expect("our own directory");
        let keeper = server.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn();
        self.keeper = Some(keeper.expect("a shell"));
        until_within(START_DEADLINE, "PostgreSQL's first answer", async || self.answers().then_some(()))
            .await;
    }

    fn answers(&mut self) -> bool {
        let ended = self.keeper.as_mut().and_then(|keeper| keeper.try_wait().expect("a child"));
        let said = || fs::read_to_string(self.log()).unwrap_or_default();
        assert!(ended.is_none(), "PostgreSQL ended at its start: {}", said());
        let port = self.address.port().to_string();
        let mut probe = self.programs.command("pg_isready");
        probe.args(["--quiet", "--host=127.0.0.1", "--port", &port]);
        probe.status().is_ok_and(|status| status.success())
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// Where a database of it is. `postgres` is there from the beginning.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@{}/{database}", self.address)
    }

    /// Whom it lets in, and by which password.
    #[must_use]
    pub const fn credentials(&self) -> (&'static str, &'static str) {
        (USER, PASSWORD)
    }

    /// The process that all others of it are children of, once it runs.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn process(&self) -> u32 {
        let said =
            fs::read_to_string(self.dir.path().join("data/postmaster.pid")).expect("a server that runs");
        said.lines().next().and_then(|line| line.parse().ok()).expect("it says its number")
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

/// `None` where the tests of servers are left out.
fn installed() -> Option<Programs> {
    if std::env::var_os(WITHOUT_SERVERS).is_some() {
        return None;
    }
    let programs = Programs::find();
    assert!(
        programs.is_some(),
        "PostgreSQL is not installed: apt-get install postgresql, or leave its tests out with `cargo xtask test --without-servers`"
    );
    programs
}

/// In memory, where there is room: no power is cut, and what is tested is what the server is asked for.
fn place() -> TempDir {
    let room = rustix::fs::statvfs(MEMORY).map_or(0, |of| of.f_bavail.saturating_mul(of.f_frsize));
    let dir = if room >= ROOM_LEAST { tempfile::tempdir_in(MEMORY) } else { tempfile::tempdir() };
    dir.expect("a temporary directory")
}

fn initialise(programs: &Programs, dir: &Path) {
    let password = dir.join("password");
    fs::write(&password, PASSWORD).expect("a file");
    hand_over(&password);
    let mut initdb = programs.command("initdb");
    // It need not outlive the machine: only what is committed later is to be synced.
    initdb.args(["--no-sync", "--no-locale", "--encoding=UTF8", "--data-checksums", "--auth=scram-sha-256"]);
    initdb.args(["--username", USER]).arg("--pwfile").arg(&password).arg("-D").arg(dir.join("data"));
    let made = initdb.output().expect("initdb runs");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
}
