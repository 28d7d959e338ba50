//! Kills, at random times and at chosen calls to the kernel, and the ledger's word on what came of them.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use cstar_testkit::{
    CstarProcess, Ended, Evidence, Ledger, Receiver, Strace, StreamReader, Team, Verdict, breaches, until,
};
use cstar_wire::CreatedWebhook;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::{cstar, with_team};

/// A restart after a kill takes less than five seconds; twice that is for a machine that does other work.
const RESTART_DEADLINE: Duration = Duration::from_secs(10);

/// A server with a publisher on one side, and an endpoint and a stream on the other.
struct Scene {
    cstar: CstarProcess,
    team: Team,
    ledger: Ledger,
    receiver: Receiver,
    webhook: CreatedWebhook,
    reader: StreamReader,
    crashes: usize,
}

impl Scene {
    async fn set() -> Self {
        let (cstar, team) = with_team(cstar()).await;
        let receiver = Receiver::ok().await;
        let webhook = team.webhook(&receiver.url("/webhook"), &["*"]).await;
        let reader = StreamReader::open(&team.http, &team.path("realtime"), None).await;
        Self { cstar, team, ledger: Ledger::new("crash"), receiver, webhook, reader, crashes: 0 }
    }

    fn kill_9(&mut self) {
        self.cstar.kill_9();
        self.crashes += 1;
    }

    async fn restart(&mut self) {
        let started = tokio::time::timeout(RESTART_DEADLINE, self.cstar.start()).await;
        started.expect("it is ready again soon, and without repair by hand");
    }

    /// Publishes from a few sides at once until the server is gone. A server that goes on fails the test: nothing was
    /// injected.
    async fn publish_until_gone(&mut self, by: &str) {
        let (ledger, team) = (&self.ledger, &self.team);
        until(by, async || {
            join_all((0..4).map(|_| ledger.publish(team))).await;
            (!self.cstar.runs()).then_some(())
        })
        .await;
        self.crashes += 1;
    }

    /// C1–C6.
    async fn judge(&self, after: &str) {
        let (ledger, team) = (&self.ledger, &self.team);
        let evidence =
            Evidence::gather(ledger, team, &self.webhook, &self.reader, &self.receiver, self.crashes).await;
        let found: Vec<String> = breaches(ledger, &evidence).iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "after {after}:\n{}", found.join("\n"));
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect("a whole number"))
}

/// LOG-1, LOG-2, LOG-3, DLV-1, DLV-2, DLV-3, RT-1, T8: 200 publishes are acknowledged and the server is killed at once,
/// over and over (`CSTAR_ROUNDS`): every one of them is readable, byte for byte, streamed without hole or repeat, and
/// delivered, each duplicate under the same `x-cstar-delivery`.
#[tokio::test]
async fn log_1_what_was_acknowledged_outlives_a_kill() {
    const PUBLISHERS: usize = 8;
    const EACH: usize = 25;
    let mut scene = Scene::set().await;
    for round in 1..=number("CSTAR_ROUNDS", 4) {
        let publisher = async || {
            for _ in 0..EACH {
                let verdict = scene.ledger.publish(&scene.team).await;
                assert!(matches!(verdict, Verdict::Ok(_)), "{verdict:?}");
            }
        };
        join_all((0..PUBLISHERS).map(|_| publisher())).await;
        scene.kill_9();
        scene.restart().await;
        scene.judge(&format!("kill {round}")).await;
    }
}

/// LOG-1, DLV-3: the same when the kill comes in the middle of a request, with some publishes unanswered.
#[tokio::test]
async fn log_1_a_kill_under_load_loses_nothing() {
    let mut scene = Scene::set().await;
    let seed = number("CSTAR_SEED", 1);
    let mut random = StdRng::seed_from_u64(seed);
    for round in 1..=number("CSTAR_ROUNDS", 4) {
        let enough = scene.ledger.acknowledged() + random.random_range(1..150);
        let Scene { cstar, ledger, team, .. } = &mut scene;
        let load = join_all((0..8).map(|_| ledger.publish_until_refused(team)));
        let kill = async {
            until("some publishes", async || (ledger.acknowledged() >= enough).then_some(())).await;
            cstar.kill_9();
        };
        tokio::join!(load, kill);
        scene.crashes += 1;
        scene.restart().await;
        scene.judge(&format!("kill {round} of seed {seed}")).await;
    }
}

/// LOG-1, LOG-2, LOG-3, DLV-3: the server is killed at its Nth call of each kind that a crash can fall between, for
/// `CSTAR_POINTS` numbers of each kind. A run in which the kill never came fails: it tested nothing.
#[tokio::test]
async fn log_1_a_kill_at_any_call_loses_nothing() {
    const CALLS: [&str; 4] = ["pwrite64", "fsync,fdatasync", "write,writev,sendto,sendmsg", "recvfrom"];
    let seed = number("CSTAR_SEED", 1);
    let mut random = StdRng::seed_from_u64(seed);
    for point in 0..number("CSTAR_POINTS", 5) {
        for calls in CALLS {
            let nth = random.random_range(1..=60);
            let what = format!("a kill at {calls} number {nth} (point {point} of seed {seed})");
            let mut scene = Scene::set().await;
            scene.kill_9();
            let strace = Strace::injecting(calls, &format!("signal=KILL:when={nth}"));
            match scene.cstar.try_start_under(&strace).await {
                Ok(()) => scene.publish_until_gone(&what).await,
                Err(Ended(status)) => assert_eq!(status.signal(), Some(9), "{what}: {status}"),
            }
            scene.restart().await;
            scene.judge(&what).await;
        }
    }
}
