//! The three nodes of docs/scaling.md, run by the commands that stand there, but for the addresses.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use cstar_testkit::{
    Crash, Evidence, Http, Ledger, Life, PostgresServer, Receiver, StreamReader, Team, Verdict, Watched,
    free_address, leads_astray, send, until,
};
use futures_util::future::join_all;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::BINARY;

const GUIDE: &str = include_str!("../../../../docs/scaling.md");
/// What it calls its database, and its nodes.
const DATABASE: &str = "postgres://cstar:secret@127.0.0.1:5432/cstar";
const NODES: [&str; 3] = ["127.0.0.1:7071", "127.0.0.1:7072", "127.0.0.1:7073"];
/// Acknowledged before a node is killed, and as many after.
const SOME: usize = 150;
/// After a publish that was not acknowledged.
const PAUSE: Duration = Duration::from_millis(20);
/// What is told to stop has so long.
const END: Duration = Duration::from_secs(20);

/// LOG-1, LOG-2, DLV-1, DLV-3, RT-1: three nodes as the guide starts them; what is published on one is heard on another; one of them is
/// killed under load, and the ledger finds nothing lost.
#[tokio::test]
async fn three_nodes_as_the_guide_has_them_lose_nothing_with_one_of_them() {
    let Some(postgres) = PostgresServer::start().await else { return };
    let addresses = NODES.map(|_| free_address());
    let guide = NODES
        .iter()
        .zip(addresses)
        .fold(GUIDE.to_owned(), |guide, (theirs, ours)| guide.replace(theirs, &ours.to_string()));
    let guide = guide.replace(DATABASE, &postgres.url("cstar"));
    let mut shell = Shell::open(&postgres);
    shell.enter(commands(&guide, "cstar serve --listen"));
    shell.enter("echo key $CSTAR_PLATFORM_KEY; echo nodes $(jobs -p)");
    let key = shell.says("key ").await;
    let pids: Vec<u32> =
        shell.says("nodes ").await.split(' ').map(|pid| pid.parse().expect("a number")).collect();
    let nodes = addresses.map(|address| Http::new(address, key.clone()));
    for node in &nodes {
        until("a node that is ready", async || {
            (node.try_get("/readyz").await.ok()?.status == 200).then_some(())
        })
        .await;
    }
    is_heard_on_another(&mut shell, commands(&guide, "teams create")).await;

    let team = Team::create(&nodes[0]).await;
    let at = nodes.clone().map(|http| Team { id: team.id, http });
    let receiver = Receiver::ok().await;
    let webhook = team.webhook(&receiver.url("/webhook"), &["*"]).await;
    let reader = StreamReader::open(&nodes[1], &team.path("realtime"), None).await;
    let (ledger, begun) = (Ledger::new("guide"), Instant::now());
    let load = join_all(at.iter().flat_map(|team| [team; 3]).map(async |team| {
        while ledger.acknowledged() < 2 * SOME {
            if !matches!(ledger.publish(team).await, Verdict::Ok(_)) {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }));
    let kill = async {
        until("some publishes", async || (ledger.acknowledged() >= SOME).then_some(())).await;
        send(pids[2], Signal::KILL);
    };
    tokio::join!(load, kill);
    let missed = ledger.notes().iter().filter(|note| !matches!(note.verdict, Verdict::Ok(_))).count();
    assert!(missed > 0, "the load went on when the node was gone");
    let watched = [Watched { webhook: &webhook, receiver: &receiver }];
    let life = Life { crashes: vec![Crash::since(begun)], ..Life::default() };
    let evidence = Evidence::gather(&ledger, &at[0], &watched, &reader, life).await;
    evidence.judge(&ledger, || shell.said());
}

/// The guide's second step: it makes a team, listens to it on one node and triggers an event on another.
async fn is_heard_on_another(shell: &mut Shell, commands: &str) {
    let (make, rest) = commands.split_at(commands.find("teams create").expect("it makes one"));
    let (made, listen) = rest.split_at(rest.find('\n').expect("and goes on"));
    shell.enter(&format!("{make}{made}"));
    let team = shell.says("  \"id\": ").await;
    let listen = listen.replace("TEAM", team.trim_matches(['"', ',']));
    let (listen, trigger) =
        listen.split_at(listen.find("listen &\n").expect("it listens") + "listen &\n".len());
    shell.enter(listen);
    until("a listener", async || shell.said().contains("Ready").then_some(())).await;
    shell.enter(trigger);
    until("an event that is heard", async || shell.said().contains("--> ticket.created").then_some(())).await;
}

/// The only block of commands with this word in it.
fn commands<'g>(guide: &'g str, word: &str) -> &'g str {
    let blocks = guide.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let found: Vec<&str> = blocks.filter(|block| block.contains(word)).collect();
    assert_eq!(found.len(), 1, "blocks with {word}");
    found[0]
}

/// A terminal in which commands are typed. Dropped, what it runs is ended.
struct Shell {
    child: Child,
    input: Option<ChildStdin>,
    directory: TempDir,
}

impl Shell {
    /// In a directory of its own, with our binary before any other, and the database's server as the one that is meant.
    fn open(server: &PostgresServer) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let said = File::create(directory.path().join("said")).expect("a file");
        let ours = Path::new(BINARY).parent().expect("a directory").display();
        let path = format!("{ours}:{}", std::env::var("PATH").unwrap_or_default());
        let (address, (user, password)) = (server.address(), server.credentials());
        let mut shell = Command::new("bash");
        for (name, _) in std::env::vars_os().filter(|(name, _)| leads_astray(name)) {
            shell.env_remove(name);
        }
        shell.arg("-s").current_dir(&directory).env("PATH", path);
        shell.env("PGHOST", address.ip().to_string()).env("PGPORT", address.port().to_string());
        shell.env("PGUSER", user).env("PGPASSWORD", password);
        shell.env("CSTAR_ALLOW_HTTP", "true").env("CSTAR_ALLOW_TARGETS", "127.0.0.0/8"); // for the receiver above
        shell.stdin(Stdio::piped()).stdout(said.try_clone().expect("a second descriptor")).stderr(said);
        let mut child = shell.spawn().expect("bash");
        let mut shell = Self { input: child.stdin.take(), child, directory };
        shell.enter("trap 'kill $(jobs -p); wait' EXIT");
        shell
    }

    fn enter(&mut self, commands: &str) {
        let input = self.input.as_mut().expect("it is open");
        input.write_all(format!("{commands}\n").as_bytes()).expect("it listens");
    }

    /// All that was said so far.
    fn said(&self) -> String {
        fs::read_to_string(self.directory.path().join("said")).expect("text")
    }

    /// The rest of the first line that begins so.
    async fn says(&self, beginning: &str) -> String {
        until(beginning, async || {
            self.said().lines().find_map(|line| line.strip_prefix(beginning).map(str::to_owned))
        })
        .await
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "for whoever looks for the reason")]
            {
                eprintln!("{}", self.said());
            }
        }
        drop(self.input.take());
        let told = Instant::now();
        while told.elapsed() < END && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(PAUSE);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
