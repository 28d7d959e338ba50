//! The balancer of packaging/compose.yaml, by its own configuration but for the addresses, in front of three nodes.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use cstar_testkit::{
    Crash, CstarProcess, Evidence, Http, Ledger, Life, PostgresServer, Receiver, StreamReader, Team, Verdict,
    Watched, free_address, until,
};
use futures_util::future::join_all;
use tempfile::TempDir;

use crate::nodes::{at, node};

const COMPOSE: &str = include_str!("../../../../packaging/compose.yaml");
/// Where the balancer is there, and what its nodes are called.
const FRONT: &str = "bind :7070";
const NODES: [&str; 3] = ["node1:7070", "node2:7070", "node3:7070"];
/// Acknowledged before a node is killed, and as many after.
const SOME: usize = 100;
const PUBLISHERS: usize = 6;
/// After a publish that was not acknowledged.
const PAUSE: Duration = Duration::from_millis(20);

/// LOG-1, DLV-3, RT-1: the node that holds the stream is killed under load; the stream comes back by the balancer, at another node and
/// without a hole, and the ledger finds nothing lost.
#[tokio::test]
async fn behind_the_balancer_a_node_that_is_lost_is_not_missed() {
    let Some(postgres) = PostgresServer::start().await else { return };
    let store = postgres.url("postgres");
    let mut nodes = [0; 3].map(|_| node(&store, ""));
    join_all(nodes.iter_mut().map(CstarProcess::start)).await;
    let balancer = Balancer::before(nodes.each_ref().map(|node| node.http().address()));
    let http = Http::new(balancer.address, nodes[0].http().key());
    until("a balancer that has found its nodes", async || {
        (http.try_get("/readyz").await.ok()?.status == 200).then_some(())
    })
    .await;

    let team = Team::create(&http).await;
    let receiver = Receiver::ok().await;
    let webhook = team.webhook(&receiver.url("/webhook"), &["*"]).await;
    let reader = StreamReader::open(&http, &team.path("realtime"), None).await;
    let (ledger, begun) = (Ledger::new("balancer"), Instant::now());
    let load = join_all((0..PUBLISHERS).map(async |_| {
        while ledger.acknowledged() < 2 * SOME {
            if !matches!(ledger.publish(&team).await, Verdict::Ok(_)) {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }));
    let lost = async {
        until("some publishes", async || (ledger.acknowledged() >= SOME).then_some(())).await;
        let lost = holder(&nodes, &team).await;
        nodes[lost].kill_9();
        lost
    };
    let ((), lost) = tokio::join!(async { drop(load.await) }, lost);

    let left = at(&nodes[(lost + 1) % nodes.len()], &team);
    let watched = [Watched { webhook: &webhook, receiver: &receiver }];
    let life = Life { crashes: vec![Crash::since(begun)], ..Life::default() };
    let evidence = Evidence::gather(&ledger, &left, &watched, &reader, life).await;
    evidence.judge(&ledger, String::new);
    assert_eq!(reader.connections().len(), 2, "it came back once");
}

/// The node that has the team's stream.
async fn holder(nodes: &[CstarProcess], team: &Team) -> usize {
    for (number, node) in nodes.iter().enumerate() {
        if !at(node, team).page::<serde_json::Value>("realtime/streams").await.data.is_empty() {
            return number;
        }
    }
    panic!("nobody has the stream");
}

/// HAProxy. Dropped, it is gone.
struct Balancer {
    process: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Balancer {
    fn before(nodes: [SocketAddr; 3]) -> Self {
        let address = free_address();
        let mut configuration = configuration().replace(FRONT, &format!("bind {address}"));
        for (theirs, ours) in NODES.into_iter().zip(nodes) {
            assert!(configuration.contains(theirs), "{theirs}");
            configuration = configuration.replace(theirs, &ours.to_string());
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("haproxy.cfg");
        fs::write(&file, configuration).expect("our own directory");
        let mut haproxy = Command::new("haproxy");
        let process =
            haproxy.args(["-q", "-db", "-f"]).arg(&file).spawn().expect("haproxy (apt-get install haproxy)");
        Self { process, address, _directory: directory }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// As it stands in the file, less its indent.
fn configuration() -> String {
    let (_, from) = COMPOSE.split_once("content: |\n").expect("a configuration");
    let (inside, _) = from.split_once("\nvolumes:").expect("and something behind it");
    inside.lines().map(|line| format!("{}\n", line.trim())).collect()
}
