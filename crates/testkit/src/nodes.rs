//! Several nodes under load with everything that watches them, to be broken in every way there is, and judged.

mod fault;
mod servers;
mod suffer;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cstar_wire::CreatedWebhook;
use futures_util::future::join_all;

use crate::footprint::Footprint;
use crate::ledger::{Evidence, Ledger, Life, Watched};
use crate::process::CstarProcess;
use crate::receiver::Receiver;
use crate::scene::{BOUNDS, LOOK_EVERY, Moody, Sums};
use crate::stream::StreamReader;
use crate::team::Team;
pub use fault::SharedFault;
pub use servers::Servers;

const COUNT: usize = 3;
/// The shortest lease there is.
const LEASE: &str = "3s";
/// At each node.
const PUBLISHERS: usize = 2;
/// A publisher tries its next event this much later: three nodes and their servers share a machine with whoever watches them.
const PACE: Duration = Duration::from_millis(20);
/// What nodes share is encrypted with one key.
const MASTER_KEY: &str = "3f1c5be50a5d17aa7f1f7e2a6e1f0c4ad9a6a6a1c8b9e0d7f6e5d4c3b2a19080";

/// Nodes with publishers at each of them, and on the other side an endpoint that is well, one that has moods, and a stream of the last
/// one, which reaches NATS and the database by wires.
#[derive(Debug)]
pub struct Nodes {
    /// Dropped before the servers.
    stage: Stage,
    team: Team,
    /// What was published.
    pub ledger: Ledger,
    /// Another team, which must neither hear nor be heard.
    neighbour: (Team, Ledger),
    well: (CreatedWebhook, Receiver),
    of_moods: CreatedWebhook,
    reader: StreamReader,
    life: Life,
    hold: Duration,
}

/// What can be broken.
#[derive(Debug)]
struct Stage {
    nodes: Vec<CstarProcess>,
    moody: Moody,
    servers: Servers,
}

/// What is seen from outside meanwhile.
#[derive(Clone, Copy)]
struct Seen<'s> {
    ledger: &'s Ledger,
    /// The neighbour's.
    others: &'s Ledger,
    reader: &'s StreamReader,
}

impl Stage {
    /// The same team, asked of another node.
    fn at(&self, node: usize, team: &Team) -> Team {
        Team { id: team.id, http: self.nodes[node % COUNT].http() }
    }
}

impl Nodes {
    /// Nodes from the binary at `path`, with a team. Who holds a transaction open holds it for so long.
    pub async fn set(path: impl AsRef<Path>, servers: Servers, hold: Duration) -> Self {
        let node = |(store, doorbell): (String, _)| {
            CstarProcess::new(path.as_ref())
                .variable("CSTAR_STORE", &store)
                .variable("CSTAR_DOORBELL", &format!("nats://{doorbell}"))
                .variable("CSTAR_MASTER_KEY", MASTER_KEY)
                .flag("--node-lease", LEASE)
                .flag("--attempt-timeout", "1s")
                .flag("--retry-schedule", "100ms,300ms,1s,1s,1s,1s,1s,1s,1s,1s")
                .flag("--log", "warn")
        };
        let near = || (servers.store(), servers.nats.address());
        let reached = [near(), near(), (servers.store_by_wire(), servers.to_nats.address())];
        let mut nodes: Vec<CstarProcess> = reached.into_iter().map(node).collect();
        join_all(nodes.iter_mut().map(CstarProcess::start)).await;
        let (first, last) = (nodes[0].http(), nodes[COUNT - 1].http());
        let (team, other) = (Team::create(&first).await, Team::create(&first).await);
        let (receiver, moody) = (Receiver::ok().await, Moody::new().await);
        let well = team.webhook(&receiver.url("/well"), &["*"]).await;
        let of_moods = team.webhook(&moody.receiver.url("/moody"), &["ticket.*"]).await;
        let reader = StreamReader::open(&last, &team.path("realtime"), None).await;
        Self {
            stage: Stage { nodes, moody, servers },
            team,
            ledger: Ledger::new("nodes"),
            neighbour: (other, Ledger::new("neighbour")),
            well: (well, receiver),
            of_moods,
            reader,
            life: Life { bounds: BOUNDS, ..Life::default() },
            hold,
        }
    }

    /// Whether a fault can be brought about on the servers that there are.
    #[must_use]
    pub fn can_suffer(&self, fault: SharedFault) -> bool {
        self.stage.servers.suffice_for(fault)
    }

    /// Does something while events are published at each node, and looks at what the nodes take meanwhile.
    async fn under_load<T>(&mut self, act: impl AsyncFnOnce(&mut Stage, Seen<'_>) -> T) -> T {
        let Self { stage, team, ledger, neighbour: (other, others), reader, life, .. } = self;
        let (ledger, others, over) = (&*ledger, &*others, AtomicBool::new(false));
        let of = |team: &Team| (0..COUNT).map(|node| stage.at(node, team)).collect::<Vec<_>>();
        let (ours, theirs) = (of(team), of(other));
        let running: Vec<_> = stage.nodes.iter().map(|node| (node.pid(), node.data().to_owned())).collect();
        let look = async {
            while !over.load(Ordering::Relaxed) {
                for (pid, data) in &running {
                    life.took = life.took.max(Footprint::of(*pid, data).unwrap_or_default());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let act = async {
            let done = act(stage, Seen { ledger, others, reader }).await;
            over.store(true, Ordering::Relaxed);
            done
        };
        let at_each = ours.iter().flat_map(|team| std::iter::repeat_n(team, PUBLISHERS));
        let publisher = async |ledger: &Ledger, team: &Team| {
            while !over.load(Ordering::Relaxed) {
                let _ = ledger.publish(team).await;
                tokio::time::sleep(PACE).await;
            }
        };
        let publish = join_all(at_each.map(|team| publisher(ledger, team)));
        let beside = join_all(theirs.iter().map(|team| publisher(others, team)));
        tokio::join!(act, publish, beside, look).0
    }

    /// C1–C7; and the endpoint that was well all the while has got everything.
    ///
    /// # Panics
    /// When one is broken.
    pub async fn judge(&mut self, after: &str) {
        let watched = [
            Watched { webhook: &self.well.0, receiver: &self.well.1 },
            Watched { webhook: &self.of_moods, receiver: &self.stage.moody.receiver },
        ];
        let evidence =
            Evidence::gather(&self.ledger, &self.team, &watched, &self.reader, self.life.clone()).await;
        evidence.judge(&self.ledger, || format!("after {after}; {}", self.what_waits()));
        assert!(
            evidence.endpoints[0].has_got_all(evidence.log.len()),
            "the endpoint that is well, after {after}"
        );
        let (other, others) = &self.neighbour;
        others.settle(other).await;
        assert_eq!(
            other.log().await.len(),
            others.acknowledged(),
            "of the neighbour's events, after {after}"
        );
    }

    /// What the database says of it, and which nodes it believes to be there: for who looks for the reason of a breach.
    fn what_waits(&self) -> String {
        const WAITS: &str = "SELECT now(), to_jsonb(d), to_jsonb(u) FROM deliveries d
            LEFT JOIN due u ON u.team = d.team AND u.number = d.number WHERE u.number IS NOT NULL OR d.attempts = 0 LIMIT 20";
        const NODES: &str = "SELECT to_jsonb(n), leased_until > now() AS is_there FROM nodes n";
        let server = self.stage.servers.database.server();
        let asked = [WAITS, NODES].map(|statement| server.try_ask(statement).unwrap_or_else(|why| why));
        asked.join("\n")
    }

    /// Sums for people.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let endpoints = [&self.well.1, &self.stage.moody.receiver];
        Sums::of(&self.ledger, &endpoints, &self.reader, &self.life)
    }
}
