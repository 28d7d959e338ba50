//! A server of its own for each measurement, in a fresh directory.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::http::{Client, Template};
use crate::{Failure, process};

/// Long and random enough for a server that lives for a minute on loopback.
const PLATFORM_KEY: &str = "bench-platform-key-0123456789abcdef0123456789";
/// Given, so that a past can be written before the server starts; else it would make one and keep it beside the data.
pub(crate) const MASTER_KEY: [u8; 32] = [0x11; 32];
const START_DEADLINE: Duration = Duration::from_secs(60);

/// What differs from the defaults, and why; all else is as a server starts without being told anything. What decides whether
/// an acknowledged event is on disk is no setting.
const SETTINGS: [&str; 5] = [
    // The receivers are here, and speak plain HTTP.
    "--allow-http",
    "--allow-targets",
    "127.0.0.0/8",
    // A line for the terminal that nobody reads.
    "--log",
    "warn",
];

/// Where servers come from.
pub(crate) struct Place {
    /// The `cstar` binary.
    pub(crate) bin: PathBuf,
    /// Where data directories are made; the system's place for temporary files unless given.
    pub(crate) data: Option<PathBuf>,
}

impl Place {
    /// A new one, once the disk has done what was asked of it before: on a file system that is mounted with `discard` the next syncs
    /// would else wait until what a row before has left and removed is trimmed.
    pub(crate) fn directory(&self) -> Result<TempDir, Failure> {
        let parent = self.parent();
        rustix::fs::syncfs(std::fs::File::open(&parent)?)?;
        Ok(tempfile::tempdir_in(parent)?)
    }

    /// On the disk that is measured.
    pub(crate) fn parent(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(std::env::temp_dir)
    }

    /// Room where data directories are made.
    pub(crate) fn free_bytes(&self) -> Result<u64, Failure> {
        let disk = rustix::fs::statvfs(self.directory()?.path())?;
        Ok(disk.f_bavail * disk.f_frsize)
    }

    /// A server without any history, and a team.
    pub(crate) fn server(&self) -> Result<Server, Failure> {
        Server::start(&self.bin, self.directory()?)
    }
}

/// A running server; it is killed and its data removed when this is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    pub(crate) team: String,
    pub(crate) ready_after: Duration,
    data: Option<TempDir>,
}

impl Server {
    /// Starts on a directory, which may hold data, and makes a team.
    pub(crate) fn start(bin: &Path, data: TempDir) -> Result<Self, Failure> {
        let mut serve = serve(bin);
        serve.arg("--data").arg(data.path());
        let mut server = Self::begin(serve)?;
        server.data = Some(data);
        server.team = server.make_team("bench")?;
        Ok(server)
    }

    /// Starts as a node on a database. Nodes have one team: the first makes it.
    pub(crate) fn join(bin: &Path, store: &str, doorbell: &str, team: Option<&str>) -> Result<Self, Failure> {
        let mut serve = serve(bin);
        serve.env("CSTAR_STORE", store).env("CSTAR_DOORBELL", doorbell);
        let mut server = Self::begin(serve)?;
        server.team = team.map_or_else(|| server.make_team("bench"), |team| Ok(team.to_owned()))?;
        Ok(server)
    }

    fn begin(mut serve: Command) -> Result<Self, Failure> {
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let began = Instant::now();
        let process = serve.args(["--listen", &address.to_string()]).spawn()?;
        let (team, ready_after) = (String::new(), Duration::ZERO);
        let mut server = Self { process, address, team, ready_after, data: None };
        server.wait_until_ready(began)?;
        server.ready_after = began.elapsed();
        Ok(server)
    }

    fn wait_until_ready(&mut self, began: Instant) -> Result<(), Failure> {
        while began.elapsed() < START_DEADLINE {
            if let Some(status) = self.process.try_wait()? {
                return Err(format!("the server ended at once: {status}").into());
            }
            if self.client().is_ok_and(|mut client| client.get("/readyz").is_ok_and(|(s, _)| s == 200)) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("the server did not start in time".into())
    }

    pub(crate) fn make_team(&self, name: &str) -> Result<String, Failure> {
        let mut client = self.client()?;
        let team = client.post("/v1/teams", &format!(r#"{{"name":"{name}"}}"#))?;
        let team: serde_json::Value = serde_json::from_slice(team)?;
        Ok(team["id"].as_str().ok_or("a team without an id")?.to_owned())
    }

    pub(crate) fn make_webhook(&self, team: &str, url: &str) -> Result<(), Failure> {
        let webhook = format!(r#"{{"url":"{url}","events":["ticket.*"]}}"#);
        self.client()?.post(&format!("/v1/teams/{team}/webhooks"), &webhook)?;
        Ok(())
    }

    /// A keep-alive connection with the platform key, which no rate limit counts.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::open(self.address, PLATFORM_KEY)
    }

    /// A publish to the team, with this body.
    pub(crate) fn publish(&self, body: &str) -> Template {
        self.publish_to(&self.team, body)
    }

    pub(crate) fn publish_to(&self, team: &str, body: &str) -> Template {
        Template::post(self.address, &format!("/v1/teams/{team}/events"), PLATFORM_KEY, body)
    }

    /// The request of a stream of the team's; `headers` each end with a line break.
    pub(crate) fn stream(&self, headers: &str) -> Vec<u8> {
        self.stream_of(&self.team, headers)
    }

    pub(crate) fn stream_of(&self, team: &str, headers: &str) -> Vec<u8> {
        let Self { address, .. } = self;
        format!(
            "GET /v1/teams/{team}/realtime HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {PLATFORM_KEY}\r\n\
             accept: text/event-stream\r\n{headers}\r\n"
        )
        .into_bytes()
    }

    /// One figure of `/metrics`.
    pub(crate) fn metric(&self, name: &str) -> Result<f64, Failure> {
        let mut client = self.client()?;
        let (_, metrics) = client.get("/metrics")?;
        let metrics = String::from_utf8_lossy(metrics);
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.ok_or_else(|| format!("the server has no metric {name}"))?.parse()?)
    }

    pub(crate) fn cpu_seconds(&self) -> Result<f64, Failure> {
        process::cpu_seconds(self.process.id())
    }

    pub(crate) fn resident_bytes(&self) -> Result<f64, Failure> {
        process::resident_bytes(self.process.id())
    }

    pub(crate) fn peak_bytes(&self) -> Result<f64, Failure> {
        process::peak_bytes(self.process.id())
    }

    /// Kills it as `kill -9` does, and hands out what it left: whatever it has acknowledged must be there.
    pub(crate) fn kill(mut self) -> Result<TempDir, Failure> {
        self.end();
        self.data.take().ok_or_else(|| "a server without a directory".into())
    }

    fn end(&mut self) {
        let _ = self.process.kill(); // it may have ended by itself
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A server that is told neither where to listen nor where its log is.
fn serve(bin: &Path) -> Command {
    let mut serve = Command::new(bin);
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("CSTAR_") {
            serve.env_remove(variable); // a setting of whoever measures
        }
    }
    serve
        .arg("serve")
        .args(SETTINGS)
        .env("CSTAR_PLATFORM_KEY", PLATFORM_KEY)
        .env("CSTAR_MASTER_KEY", "11".repeat(MASTER_KEY.len()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    serve
}
