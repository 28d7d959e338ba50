//! A server under load with everything that watches it, to be broken in every way there is, and judged.

mod endpoint;
mod fault;
mod suffer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cstar_wire::CreatedWebhook;
use futures_util::future::join_all;

use crate::canary::Canary;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::footprint::Footprint;
use crate::ledger::{Crash, Evidence, Ledger, Life, Verdict, Watched};
use crate::process::CstarProcess;
use crate::receiver::Receiver;
use crate::stream::StreamReader;
use crate::team::Team;
use crate::wait::until;
pub(crate) use endpoint::{Mood, Moody};
pub use fault::Fault;
pub(crate) use suffer::{SOME, until_acknowledged};

/// A restart takes less than five seconds, whatever came before; twice that is for a machine that does other work.
const RESTART_DEADLINE: Duration = Duration::from_secs(10);
const PUBLISHERS: usize = 8;
/// A publisher that was refused, or finds nobody, tries its next event this much later.
const AFTER_REFUSAL: Duration = Duration::from_millis(20);
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a server may take for what a scene asks of it: an idle one takes a fifth of the memory, `max-in-flight` is 512 with up to
/// three descriptors each, and of a log of megabytes the write-ahead log and the reserve are most.
pub(crate) const BOUNDS: Footprint =
    Footprint { memory_bytes: 384 << 20, descriptors: 1800, disk_bytes: 256 << 20 };

/// A server with publishers on one side, and on the other an endpoint that is well, one that has moods, and a stream.
#[derive(Debug)]
pub struct Scene {
    /// The server; dropped before the disk that it works on.
    pub cstar: CstarProcess,
    /// Whose events.
    pub team: Team,
    /// What was published.
    pub ledger: Ledger,
    /// Another team, which must neither hear nor be heard.
    neighbour: (Team, Ledger),
    binary: PathBuf,
    well: (CreatedWebhook, Receiver),
    moody: (CreatedWebhook, Moody),
    canary: Canary,
    /// How often we went to see the canary ourselves.
    looks: usize,
    reader: StreamReader,
    life: Life,
    rig: Rig,
}

/// What a server stands on.
#[derive(Debug, Default)]
pub struct Rig {
    /// Where its data is; without one, in a directory of the machine.
    pub disk: Option<Disk>,
    /// What it takes for the time; without one, the machine's.
    pub clock: Option<Clock>,
}

impl Rig {
    /// Whether it is enough to bring a fault about.
    #[must_use]
    pub const fn suffices_for(&self, fault: Fault) -> bool {
        (self.disk.is_some() || !fault.needs_disk())
            && (self.clock.is_some() || !matches!(fault, Fault::ClockJumps))
    }
}

/// Whether an event may still be acknowledged.
type Doom<'a> = &'a dyn Fn() -> bool;

impl Scene {
    /// A server from the binary at `path`, with a team.
    pub async fn set(path: impl AsRef<Path>, rig: Rig) -> Self {
        let binary = path.as_ref().to_owned();
        let mut cstar = CstarProcess::new(&binary)
            .flag("--attempt-timeout", "1s")
            .flag("--retry-schedule", "50ms,100ms,200ms")
            .flag("--log", "warn");
        if let Some(disk) = &rig.disk {
            cstar = cstar.on(&disk.data());
        }
        for (name, value) in rig.clock.iter().flat_map(Clock::variables) {
            cstar = cstar.variable(name, &value);
        }
        cstar.start().await;
        let (team, other) = (Team::create(&cstar.http()).await, Team::create(&cstar.http()).await);
        let (receiver, moody, canary) = (Receiver::ok().await, Moody::new().await, Canary::new().await);
        let well = team.webhook(&receiver.url("/well"), &["*"]).await;
        let of_moods = team.webhook(&moody.receiver.url("/moody"), &["ticket.*"]).await;
        let reader = StreamReader::open(&team.http, &team.path("realtime"), None).await;
        Self {
            cstar,
            team,
            ledger: Ledger::new("scene"),
            neighbour: (other, Ledger::new("neighbour")),
            binary,
            well: (well, receiver),
            moody: (of_moods, moody),
            canary,
            looks: 0,
            reader,
            life: Life { bounds: BOUNDS, ..Life::default() },
            rig,
        }
    }

    /// Kills the server.
    pub fn kill_9(&mut self) {
        self.cstar.kill_9();
        self.life.crashes.push(Crash::now());
    }

    /// Starts it again, as it is after whatever happened.
    ///
    /// # Panics
    /// When it does not come up soon, and without repair by hand.
    pub async fn restart(&mut self) {
        let started = tokio::time::timeout(RESTART_DEADLINE, self.cstar.start()).await;
        started.expect("it is ready again soon, and without repair by hand");
        self.life.crashes.iter_mut().for_each(Crash::end);
    }

    /// Publishes from a few sides at once until the server is gone. One that goes on fails the test: nothing was injected.
    pub async fn publish_until_gone(&mut self, by: &str) {
        let (ledger, team) = (&self.ledger, &self.team);
        until(by, async || {
            join_all((0..4).map(|_| ledger.publish(team))).await;
            (!self.cstar.runs()).then_some(())
        })
        .await;
        self.life.crashes.push(Crash::now());
    }

    /// Does something while events are published, and looks at what the server takes meanwhile. Whoever begins to publish once it
    /// is doomed must not be answered 2xx.
    async fn under_load<T>(
        &mut self,
        doomed: Doom<'_>,
        act: impl AsyncFnOnce(&mut CstarProcess, &Ledger) -> T,
    ) -> T {
        let Self { cstar, ledger, team, neighbour, life, .. } = self;
        let (ledger, team) = (&*ledger, &*team);
        let (pid, data, over) = (cstar.pid(), cstar.data().to_owned(), AtomicBool::new(false));
        let publisher = async |ledger: &Ledger, team: &Team| {
            while !over.load(Ordering::Relaxed) {
                let is_doomed = doomed();
                match ledger.publish(team).await {
                    Verdict::Ok(_) => assert!(!is_doomed, "acknowledged after a write or a sync had failed"),
                    _ => tokio::time::sleep(AFTER_REFUSAL).await,
                }
            }
        };
        let look = async {
            while !over.load(Ordering::Relaxed) {
                life.took = life.took.max(Footprint::of(pid, &data).unwrap_or_default());
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let act = async {
            let done = act(cstar, ledger).await;
            over.store(true, Ordering::Relaxed);
            done
        };
        let publish = join_all((0..PUBLISHERS).map(|_| publisher(ledger, team)));
        tokio::join!(act, publish, publisher(&neighbour.1, &neighbour.0), look).0
    }

    /// C1–C7; and the endpoint that was well all the while has got everything, and nobody was led to the canary.
    ///
    /// # Panics
    /// When one is broken.
    pub async fn judge(&mut self, after: &str) {
        let watched = [
            Watched { webhook: &self.well.0, receiver: &self.well.1 },
            Watched { webhook: &self.moody.0, receiver: &self.moody.1.receiver },
        ];
        let evidence =
            Evidence::gather(&self.ledger, &self.team, &watched, &self.reader, self.life.clone()).await;
        evidence.judge(&self.ledger, || format!("after {after}"));
        assert!(
            evidence.endpoints[0].has_got_all(evidence.log.len()),
            "the endpoint that is well, after {after}"
        );
        let (other, its_ledger) = &self.neighbour;
        its_ledger.settle(other).await;
        assert_eq!(
            other.log().await.len(),
            its_ledger.acknowledged(),
            "of the neighbour's events, after {after}"
        );
        // The canary is visited by each look, too.
        assert_eq!(self.canary.connections().await, self.looks, "a redirect was followed: after {after}");
        self.looks += 1;
    }

    /// Sums for people.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let endpoints = [&self.well.1, &self.moody.1.receiver];
        Sums::of(&self.ledger, &endpoints, &self.reader, &self.life)
    }
}

/// What a scene came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// Events that were published.
    pub published: usize,
    /// Of them, answered 2xx in the end.
    pub acknowledged: usize,
    /// Of them, refused.
    pub refused: usize,
    /// Requests to webhooks.
    pub requests: usize,
    /// Events on the stream.
    pub streamed: usize,
    /// How often the server died.
    pub crashes: usize,
    /// The most that it took.
    pub took: Footprint,
}

impl Sums {
    pub(crate) fn of(ledger: &Ledger, endpoints: &[&Receiver], reader: &StreamReader, life: &Life) -> Self {
        let notes = ledger.notes();
        let count = |is: fn(&Verdict) -> bool| notes.iter().filter(|note| is(&note.verdict)).count();
        Self {
            published: notes.len(),
            acknowledged: count(|verdict| matches!(verdict, Verdict::Ok(_))),
            refused: count(|verdict| matches!(verdict, Verdict::Failed(..))),
            requests: endpoints.iter().map(|endpoint| endpoint.received().len()).sum(),
            streamed: reader.events().len(),
            crashes: life.crashes.len(),
            took: life.took,
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            published: self.published + other.published,
            acknowledged: self.acknowledged + other.acknowledged,
            refused: self.refused + other.refused,
            requests: self.requests + other.requests,
            streamed: self.streamed + other.streamed,
            crashes: self.crashes + other.crashes,
            took: self.took.max(other.took),
        }
    }
}
