//! The real binary as a process of its own, to be killed, starved and lied to.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::authority::{Authority, SERVER_NAME, Validity};
use crate::clock::Clock;
use crate::http::{Http, Tls};
use crate::machine::{free_address, leads_astray, send};
use crate::strace::Strace;
use crate::wait::{until, until_within};

/// Long enough to be taken, random enough for a server that lives for seconds on loopback.
pub const PLATFORM_KEY: &str = "testkit-platform-key-0123456789abcdef";
/// Start-up costs well under a second; under `strace`, on a busy machine, a few.
const START_DEADLINE: Duration = Duration::from_secs(20);

/// `cstar serve` with a data directory and an address that stay the same over restarts.
///
/// Dropped, it is killed and its directory removed. When a test fails, what the server logged is printed.
#[derive(Debug)]
pub struct CstarProcess {
    binary: PathBuf,
    prefix: Vec<OsString>,
    flags: Vec<(String, Option<OsString>)>,
    variables: Vec<(String, String)>,
    /// Of a clock that is not the system's.
    clock: Vec<(&'static str, String)>,
    address: SocketAddr,
    data: PathBuf,
    home: TempDir,
    child: Option<Child>,
    pid: u32,
    starts: usize,
    tls: Option<Tls>,
}

/// The process ended before it was ready.
#[derive(Debug)]
pub struct Ended(pub ExitStatus);

impl CstarProcess {
    /// The binary at `path`, not started yet, for webhooks on loopback.
    ///
    /// # Panics
    /// Without a place for files or a free port.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        Self {
            binary: path.as_ref().to_owned(),
            prefix: Vec::new(),
            flags: Vec::new(),
            variables: vec![("CSTAR_PLATFORM_KEY".to_owned(), PLATFORM_KEY.to_owned())],
            clock: Vec::new(),
            address: free_address(),
            data: home.path().join("data"),
            home,
            child: None,
            pid: 0,
            starts: 0,
            tls: None,
        }
        .switch("--allow-http")
        .flag("--allow-targets", "127.0.0.0/8,::1/128")
        .flag("--log", "info")
    }

    /// With a flag that takes a value, instead of the value that it had.
    #[must_use]
    pub fn flag(self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.with(name, Some(value.as_ref().to_owned()))
    }

    /// With a flag that takes none.
    #[must_use]
    pub fn switch(self, name: &str) -> Self {
        self.with(name, None)
    }

    fn with(mut self, name: &str, value: Option<OsString>) -> Self {
        self.flags.retain(|(known, _)| known != name);
        self.flags.push((name.to_owned(), value));
        self
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Behind TLS, with a certificate of this authority.
    ///
    /// # Panics
    /// Without a place for its files.
    #[must_use]
    pub fn over_tls(mut self, authority: &Authority) -> Self {
        let (certificate, key) = (self.home.path().join("cert.pem"), self.home.path().join("key.pem"));
        let identity = authority.issue(SERVER_NAME, Validity::Now);
        identity.write(&certificate, &key).expect("our own directory");
        self.tls = Some(Tls::new(authority, &["h2", "http/1.1"]));
        self.flag("--tls-cert", certificate).flag("--tls-key", key)
    }

    /// With a data directory elsewhere, which outlives this process.
    #[must_use]
    pub fn on(mut self, data: &Path) -> Self {
        data.clone_into(&mut self.data);
        self
    }

    /// Behind a program that ends in running the words that follow it.
    #[must_use]
    pub fn behind<S: Into<OsString>>(mut self, prefix: impl IntoIterator<Item = S>) -> Self {
        self.prefix = prefix.into_iter().map(Into::into).collect();
        self
    }

    /// From its next start on it goes by this clock; without one, by the system's.
    pub fn goes_by(&mut self, clock: Option<&Clock>) {
        self.clock = clock.map(|clock| clock.variables().into()).unwrap_or_default();
    }

    /// Starts it and waits until it can take a publish.
    ///
    /// # Panics
    /// When it does not come so far.
    pub async fn start(&mut self) {
        if let Err(Ended(status)) = self.try_start().await {
            panic!("the server ended before it was ready: {status}\n{}", self.log());
        }
    }

    /// Starts it and waits until it can take a publish, or has ended.
    ///
    /// # Errors
    /// With its exit status, when it ended.
    pub async fn try_start(&mut self) -> Result<(), Ended> {
        let prefix = self.prefix.clone();
        self.spawn(&prefix);
        self.ready().await
    }

    /// The same under `strace`; afterwards [`trace`](Self::trace) has what was noted.
    ///
    /// # Errors
    /// With its exit status, when it ended.
    pub async fn try_start_under(&mut self, strace: &Strace) -> Result<(), Ended> {
        self.spawn(&strace.prefix(&self.trace_path(self.starts + 1)));
        self.ready().await
    }

    fn spawn(&mut self, prefix: &[OsString]) {
        assert!(self.child.is_none(), "one at a time");
        self.starts += 1;
        let log = File::options().create(true).append(true).open(self.log_path()).expect("a log file");
        let mut words = prefix.iter().cloned().chain([self.binary.clone().into()]);
        let mut command = Command::new(words.next().expect("at least the binary"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| leads_astray(name)) {
            command.env_remove(name);
        }
        let child = command
            .args(words)
            .arg("serve")
            .args(["--listen".as_ref(), OsStr::new(&self.address.to_string())])
            .args(["--data".as_ref(), self.data.as_os_str()])
            .args(self.flags.iter().flat_map(|(name, value)| [Some(name.into()), value.clone()]).flatten())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .envs(self.clock.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second descriptor"))
            .stderr(log)
            .spawn()
            .expect("the program is there");
        self.pid = child.id();
        self.child = Some(child);
    }

    async fn ready(&mut self) -> Result<(), Ended> {
        let http = self.http();
        until_within(START_DEADLINE, "the server to be ready", async || {
            if let Some(status) = self.status() {
                return Some(Err(Ended(status)));
            }
            let answer = http.try_get("/readyz").await;
            answer.is_ok_and(|answer| answer.status == 200).then_some(Ok(()))
        })
        .await
    }

    /// How it ended, if it has.
    fn status(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().expect("our own child")?;
        self.child = None;
        Some(status)
    }

    /// Whether it runs.
    pub fn runs(&mut self) -> bool {
        self.status();
        self.child.is_some()
    }

    /// Kills it as a power cut would, as far as a process can tell.
    ///
    /// # Panics
    /// When it was not running.
    pub fn kill_9(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("our own child");
        child.wait().expect("our own child");
    }

    /// Asks it to end (SIGTERM).
    ///
    /// # Panics
    /// When it was not running.
    pub fn terminate(&self) {
        assert!(self.child.is_some(), "it runs");
        send(self.pid(), Signal::TERM);
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// When it does not.
    pub async fn ended(&mut self) -> ExitStatus {
        until("the server to end", async || self.status()).await
    }

    /// Asks it to end, waits for that, and starts it again.
    pub async fn restart(&mut self) {
        self.terminate();
        self.ended().await;
        self.start().await;
    }

    /// The process id of the last start.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Where it listens, over all restarts.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client with the platform key; over TLS, it offers both protocols.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::new(self.address, PLATFORM_KEY).through(self.tls.clone())
    }

    /// Its data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// All that it has printed, over all restarts.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// What `strace` noted of the last start; to be asked for after the end.
    pub async fn trace(&self) -> String {
        let path = self.trace_path(self.starts);
        let first_thread = self.pid.to_string();
        let is_end = |line: &str| {
            line.split_once(' ')
                .is_some_and(|(thread, what)| thread == first_thread && what.trim_start().starts_with("+++"))
        };
        // `strace` is no child of ours: it has written everything once it has written how the server's first thread,
        // which the kernel reports last, has ended.
        until("the end of the trace", async || {
            let trace = String::from_utf8_lossy(&std::fs::read(&path).ok()?).into_owned();
            trace.lines().any(is_end).then_some(trace)
        })
        .await
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("log")
    }

    fn trace_path(&self, start: usize) -> PathBuf {
        self.home.path().join(format!("trace-{start}"))
    }
}

impl Drop for CstarProcess {
    #[expect(clippy::print_stderr, reason = "it is what one wants to read beside a failed test")]
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the server said:\n{}---", self.log());
        }
    }
}
