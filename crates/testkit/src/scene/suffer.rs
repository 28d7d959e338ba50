//! How each fault is brought about. One that did not come about panics: it tested nothing.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use cstar_types::Position;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::endpoint::Mood;
use super::{Fault, Scene};
use crate::disk::DiskFault;
use crate::ledger::{Crash, Ledger, Verdict};
use crate::process::{CstarProcess, Ended};
use crate::strace::Strace;
use crate::stream::Stream;
use crate::team::Team;
use crate::wait::until;

/// Events after a fault that show that the server goes on.
pub(crate) const SOME: usize = 20;
const READERS: usize = 20;

impl Scene {
    /// Calls to the kernel that a crash can fall between, by kind.
    pub const CALLS: [&str; 4] = ["pwrite64", "fsync,fdatasync", "write,writev,sendto,sendmsg", "recvfrom"];

    /// Suffers a fault at a moment that `random` chooses, and stands again.
    ///
    /// # Panics
    /// When the fault did not come about, or the server did not do what it must.
    pub async fn suffer(&mut self, fault: Fault, random: &mut StdRng) {
        match fault {
            Fault::Kill => self.is_killed(random).await,
            Fault::KillAtCall => {
                let calls = *Self::CALLS.choose(random).expect("some");
                self.is_killed_at(calls, random.random_range(1..=60)).await;
            }
            Fault::PowerCut => self.loses_power(random).await,
            Fault::SyncFails => self.fails(DiskFault::SyncFails, random.random_range(1..=40), random).await,
            Fault::WriteFails => {
                self.fails(DiskFault::WriteFails, random.random_range(1..=400), random).await
            }
            Fault::SyncStalls => {
                let stall = Duration::from_millis(random.random_range(200..=2000));
                self.goes_on_over(DiskFault::SyncStalls(stall), random.random_range(1..=20)).await;
            }
            Fault::WriteIsShort => {
                self.goes_on_over(DiskFault::WriteIsShort, random.random_range(1..=200)).await;
            }
            Fault::NoRoom => {
                let more = random.random_range(0..8);
                self.goes_on_over(DiskFault::NoRoom(more), random.random_range(1..=200)).await;
            }
            Fault::ReadFails => self.cannot_read(random.random_range(1..=30)).await,
            Fault::FullDisk => self.is_full().await,
            Fault::Restart => self.is_asked_to_end().await,
            Fault::SecondProcess => self.meets_another().await,
            Fault::ClockJumps => self.lives_through_jumps().await,
            Fault::HostileEndpoint => self.has_a_hostile_endpoint(random).await,
            Fault::RestlessReaders => self.has_restless_readers(random).await,
        }
    }

    async fn is_killed(&mut self, random: &mut StdRng) {
        let more = random.random_range(1..150);
        self.under_load(&|| false, async |cstar, ledger| {
            until_acknowledged(ledger, more).await;
            cstar.kill_9();
        })
        .await;
        self.life.crashes.push(Crash::now());
        self.restart().await;
    }

    /// Killed at the nth of these calls after a start, which it may not survive.
    pub async fn is_killed_at(&mut self, calls: &str, nth: usize) {
        let what = format!("a kill at {calls} number {nth}");
        self.kill_9();
        let strace = Strace::injecting(calls, &format!("signal=KILL:when={nth}"));
        match self.cstar.try_start_under(&strace).await {
            Ok(()) => self.publish_until_gone(&what).await,
            Err(Ended(status)) => assert_eq!(status.signal(), Some(9), "{what}: {status}"),
        }
        self.restart().await;
    }

    async fn loses_power(&mut self, random: &mut StdRng) {
        let disk = self.rig.disk.take().expect("a disk");
        disk.arm(DiskFault::PowerCut, random.random_range(1..=400));
        self.under_load(&|| disk.has_fired(), async |cstar, _| {
            disk.until_fired().await;
            cstar.kill_9();
        })
        .await;
        self.life.crashes.push(Crash::now());
        let survive = *[0.0, 0.5, 0.9].choose(random).expect("some");
        disk.lose_power(|| random.random_bool(survive));
        self.rig.disk = Some(disk);
        self.restart().await;
    }

    /// LOG-1: after the nth write or sync has failed nothing is acknowledged, and the process ends by itself. The power may go as well:
    /// what a failed sync left unwritten is not there then.
    ///
    /// # Panics
    /// Without a disk of our own, and when something was acknowledged.
    pub async fn fails(&mut self, fault: DiskFault, nth: usize, random: &mut StdRng) {
        let disk = self.rig.disk.take().expect("a disk");
        disk.arm(fault, nth);
        let ended = self
            .under_load(&|| disk.has_fired(), async |cstar, _| {
                disk.until_fired().await;
                cstar.ended().await
            })
            .await;
        assert!(!ended.success(), "it says by its exit code that something is wrong");
        self.life.crashes.push(Crash::now());
        if random.random_bool(0.5) {
            disk.lose_power(|| random.random_bool(0.5));
        }
        disk.disarm();
        self.rig.disk = Some(disk);
        self.restart().await;
    }

    /// No poison: publishing goes on without a restart.
    async fn goes_on_over(&mut self, fault: DiskFault, nth: usize) {
        let disk = self.rig.disk.take().expect("a disk");
        disk.arm(fault, nth);
        self.under_load(&|| false, async |_, ledger| {
            disk.until_fired().await;
            until_acknowledged(ledger, SOME).await;
        })
        .await;
        self.rig.disk = Some(disk);
        assert!(self.cstar.runs(), "without a restart");
    }

    /// At the start, or when a reader asks: it ends or answers with an error, and the next start is whole.
    async fn cannot_read(&mut self, nth: usize) {
        let disk = self.rig.disk.take().expect("a disk");
        self.cstar.terminate();
        self.cstar.ended().await;
        disk.arm(DiskFault::ReadFails, nth);
        if self.cstar.try_start().await.is_ok() {
            until("a read that fails", async || {
                let _ = self.team.http.try_get(&self.team.path("events?limit=200")).await;
                disk.has_fired().then_some(())
            })
            .await;
        }
        assert!(disk.has_fired(), "it ended for another reason:\n{}", self.cstar.log());
        disk.disarm();
        self.rig.disk = Some(disk);
        // Whom the failure met decides whether it ended; if so, that was a crash.
        if self.cstar.runs() {
            self.kill_9();
        } else {
            self.life.crashes.push(Crash::now());
        }
        self.restart().await;
    }

    async fn is_full(&mut self) {
        let disk = self.rig.disk.take().expect("a disk");
        disk.fill_up_to(256 << 10);
        self.under_load(&|| false, async |_, ledger| {
            let refused = |verdict: &Verdict| matches!(verdict, Verdict::Failed(507, _));
            let before = ledger.count(refused);
            until("a full disk", async || (ledger.count(refused) > before).then_some(())).await;
            disk.make_room();
            until_acknowledged(ledger, SOME).await;
        })
        .await;
        self.rig.disk = Some(disk);
        assert!(self.cstar.runs(), "without a restart");
    }

    async fn is_asked_to_end(&mut self) {
        let ended = self
            .under_load(&|| false, async |cstar, ledger| {
                until_acknowledged(ledger, SOME).await;
                cstar.terminate();
                cstar.ended().await
            })
            .await;
        assert!(ended.success(), "{ended}");
        self.restart().await;
    }

    async fn meets_another(&mut self) {
        let mut other = CstarProcess::new(&self.binary).on(self.cstar.data());
        self.under_load(&|| false, async |_, ledger| {
            let refused = other.try_start().await.is_err_and(|Ended(status)| !status.success());
            assert!(refused && other.log().contains("another cstar process"), "{}", other.log());
            until_acknowledged(ledger, SOME).await;
        })
        .await;
    }

    /// Back by days and ahead by seconds, and right again after each: what is due in a time that never comes would not drain.
    async fn lives_through_jumps(&mut self) {
        const OFF_BY: [i64; 4] = [-2 * 86_400, 0, 10, 0];
        let clock = self.rig.clock.take().expect("a clock");
        self.under_load(&|| false, async |_, ledger| {
            for seconds in OFF_BY {
                clock.be_off_by(seconds);
                until_acknowledged(ledger, SOME).await;
            }
        })
        .await;
        self.rig.clock = Some(clock);
    }

    async fn has_a_hostile_endpoint(&mut self, random: &mut StdRng) {
        let moods = Mood::bad(self.canary.address());
        let moody = &self.moody.1;
        moody.be(*moods.choose(random).expect("some"));
        self.under_load(&|| false, async |_, ledger| until_acknowledged(ledger, 3 * SOME).await).await;
        self.moody.1.be(Mood::Well);
    }

    /// C3 for each of them: everything behind its cursor, once and in order, over all its connections.
    async fn has_restless_readers(&mut self, random: &mut StdRng) {
        let log = self.team.log().await;
        let begin = |random: &mut StdRng| {
            let behind = random.random_range(0..=log.len());
            let cursor = behind.checked_sub(1).map(|last| log[last].0);
            (behind, cursor, StdRng::seed_from_u64(random.random()))
        };
        let readers: Vec<_> = (0..READERS).map(|_| begin(random)).collect();
        let team = self.team.clone();
        let read = self
            .under_load(&|| false, async |_, _| {
                let reading = readers.into_iter().map(async |(behind, cursor, random)| {
                    (behind, read_restlessly(&team, cursor, random).await)
                });
                join_all(reading).await
            })
            .await;
        let log = self.team.log().await;
        for (behind, seen) in read {
            let expected: Vec<Position> =
                log[behind..].iter().map(|(position, _)| *position).take(seen.len()).collect();
            assert_eq!(seen, expected, "what came to a reader behind {behind}");
        }
    }
}

pub(crate) async fn until_acknowledged(ledger: &Ledger, more: usize) {
    let enough = ledger.acknowledged() + more;
    until("events to be acknowledged", async || (ledger.acknowledged() >= enough).then_some(())).await;
}

/// Reads some events on each of a few connections; each begins with the last id that the one before it gave.
async fn read_restlessly(team: &Team, cursor: Option<Position>, mut random: StdRng) -> Vec<Position> {
    let mut seen = Vec::new();
    let mut last_id = cursor.map_or_else(|| "0".to_owned(), |cursor| cursor.to_string());
    for _ in 0..5 {
        let opened = Stream::open(&team.http, &team.path("realtime"), Some(&last_id)).await;
        let mut stream = opened.expect("an answer").expect("a stream");
        for _ in 0..random.random_range(1..30) {
            let frame = stream.next().await.expect("a stream that stays open");
            assert_ne!(frame.name.as_deref(), Some("cstar.gap"), "nothing is gone: {frame:?}");
            last_id.clone_from(&frame.id);
            if frame.name.is_none() {
                seen.push(frame.id.parse().expect("a position"));
            }
        }
    }
    seen
}
