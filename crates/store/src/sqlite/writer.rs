//! The one thread that writes.
//!
//! It takes what waits, makes one transaction of it, syncs, tells the tail, answers, and goes on: while one group is
//! being synced the next one gathers, so nothing ever waits for a group to fill.

mod keeping;
mod low_disk;

pub(super) use low_disk::LowDisk;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::checkpoint::{Mode, Wal};
use super::commit::{Along, commit};
use super::connection::BUSY;
use super::disk::Fullness;
use super::fault::{Fault, Remedy};
use super::lock::Lock;
use super::memory::Memory;
use super::queue::{Next, Waiting};
use super::room::Room;
use super::shared::{Life, Shared};
use super::tx::Effects;
use crate::StoreError;

/// After so long without a commit the WAL is brought into the database.
const IDLE_AFTER: Duration = Duration::from_secs(1);
/// Uses of keys are written as often.
const USES_EVERY: Duration = Duration::from_secs(30);

/// What the writer's thread has in its hands.
pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) shared: Arc<Shared>,
    pub(super) memory: Memory,
    pub(super) room: Room,
    pub(super) wal: Wal,
    /// Some webhook has more to cancel.
    pub(super) cancelling: bool,
    /// The WAL holds what was erased: it is to be cut soon.
    pub(super) holds_erased: bool,
    /// When the WAL was last cut although readers had to be waited for.
    pub(super) cut_at: Option<Instant>,
    pub(super) uses_at: Instant,
    pub(super) low: LowDisk,
    /// Held for as long as this may write.
    pub(super) _lock: Lock,
}

impl Writer {
    /// Works until the queue is closed and empty, or a write has failed.
    pub(super) fn run(mut self) {
        let _guard = PoisonOnPanic(Arc::clone(&self.shared));
        self.look_at_room(0);
        while self.shared.life() != Life::Poisoned {
            match self.shared.queue.wait(self.wakes_at()) {
                Next::Work => self.work(),
                Next::Idle => self.idle(),
                Next::Closed => return self.end(),
            }
        }
    }

    fn wakes_at(&self) -> Instant {
        let now = Instant::now();
        if self.cancelling && self.shared.fullness() == Fullness::Room {
            now
        } else if self.wal.frames > 0 || self.shared.fullness() > Fullness::Room {
            now + IDLE_AFTER
        } else {
            now + USES_EVERY
        }
    }

    fn work(&mut self) {
        let mut group = VecDeque::new();
        self.shared.queue.take(&mut group);
        self.refuse_what_has_no_room(&mut group);
        let along = self.along();
        self.commit_and_keep(group, along);
    }

    fn idle(&mut self) {
        // First, since it says whether there is room for what rides along.
        self.look_at_room(0);
        let along = self.along();
        if along.is_nothing() && self.wal.frames > 0 {
            self.checkpoint(Mode::Truncate, Duration::ZERO);
        }
        self.commit_and_keep(VecDeque::new(), along);
    }

    /// What can wait rides along where there is room for all.
    fn along(&self) -> Along {
        if self.shared.fullness() > Fullness::Room {
            return Along { low: self.low_to_tell(), ..Along::default() };
        }
        let due = self.uses_at.elapsed() >= USES_EVERY;
        let along = if due { Along::of_uses(&self.shared.keys) } else { Along::default() };
        Along { cancel: self.cancelling, ..along }
    }

    fn commit_and_keep(&mut self, group: VecDeque<Waiting>, along: Along) {
        if !group.is_empty() || !along.is_nothing() {
            self.commit(group, along);
            self.after_commit();
        }
    }

    /// Commits a group, or does what the fault asks for.
    fn commit(&mut self, mut group: VecDeque<Waiting>, along: Along) {
        match commit(&self.conn, &self.shared.shelf, &mut self.memory, &mut group, &along) {
            Ok((applied, effects)) => {
                let mut too_much = group.split_off(applied);
                self.shared.queue.put_back(&mut too_much);
                self.tell(effects, &along);
                answer(group, None);
            }
            Err(fault) => match fault.remedy() {
                Remedy::Poison => self.poison(group, &fault),
                Remedy::MakeRoom => self.make_room(group, &along),
                Remedy::RefuseAll => {
                    tracing::warn!(?fault, "a group was refused whole; those who ask again may be taken");
                    answer(group, Some(fault.into()));
                }
                Remedy::DoEachAlone if group.len() + along.len() > 1 => {
                    self.do_each_alone(group, along, &fault)
                }
                Remedy::DoEachAlone => {
                    self.give_up(&along, &fault);
                    answer(group, Some(fault.into()));
                }
            },
        }
    }

    /// What is synced is told to the readers of the tail first, then answered.
    fn tell(&mut self, effects: Effects, along: &Along) {
        let counts = &self.shared.counts;
        counts.commits.fetch_add(1, Ordering::Relaxed);
        counts.events.fetch_add(effects.events, Ordering::Relaxed);
        counts.deliveries.fetch_add(effects.deliveries as u64, Ordering::Relaxed);
        counts.attempts.fetch_add(effects.attempts, Ordering::Relaxed);
        self.shared.commit_sizes.count(effects.events, effects.deliveries as u64);
        self.holds_erased |= effects.erased;
        self.cancelling = effects.cancelling || (self.cancelling && !along.cancel);
        if !along.uses.is_empty() {
            self.shared.keys.written(&along.uses);
            self.uses_at = Instant::now();
        }
        if along.low.is_some() {
            self.low.told(Instant::now());
        }
        self.shared.keys.forget(&effects.keys, &effects.teams);
        self.shared.event_types.apply(effects.event_types);
        effects.told.into_iter().for_each(|change| self.shared.tail.tell(change));
    }

    /// One of them cannot be stored, and must not take the others with it.
    fn do_each_alone(&mut self, group: VecDeque<Waiting>, along: Along, fault: &Fault) {
        tracing::warn!(?fault, "a group was rolled back; each of it is stored alone");
        for waiting in group {
            if self.shared.life() == Life::Poisoned {
                answer([waiting], Some(StoreError::Poisoned));
            } else {
                self.commit(VecDeque::from([waiting]), Along::default());
            }
        }
        for rider in along.each().into_iter().filter(|rider| !rider.is_nothing()) {
            if self.shared.life() != Life::Poisoned {
                self.commit(VecDeque::new(), rider);
            }
        }
    }

    /// What rode alone and failed is not tried again: what is cancelled reads as cancelled anyway, and uses may be lost.
    fn give_up(&mut self, along: &Along, fault: &Fault) {
        if along.cancel {
            tracing::error!(
                ?fault,
                "cancelled deliveries could not be rewritten; the next start tries again"
            );
            self.cancelling = false;
        }
        self.shared.keys.written(&along.uses);
        if along.low.is_some() {
            tracing::error!(?fault, "the notice that the disk is low is not sent");
            self.low.told(Instant::now());
        }
    }

    /// LOG-1: after a failed write or sync nothing more is asked of the disk; a sync is never repeated, because the system
    /// has marked the pages clean.
    fn poison(&self, group: VecDeque<Waiting>, fault: &Fault) {
        tracing::error!(?fault, "a write failed: the store has closed itself; restart the process");
        self.shared.go_on_to(Life::Poisoned);
        answer(group, Some(StoreError::OutcomeUnknown));
        self.shared.refuse_all();
    }

    fn end(mut self) {
        self.write_all_uses();
        self.checkpoint(Mode::Truncate, BUSY);
        let Self { shared, conn, _lock: lock, .. } = self;
        drop(conn);
        drop(lock);
        shared.go_on_to(Life::Closed);
        shared.tail.close();
    }

    /// Writes down all uses of keys, for as long as that gets on.
    fn write_all_uses(&mut self) {
        let mut before = usize::MAX;
        while let waiting = self.shared.keys.uses_waiting()
            && (1..before).contains(&waiting)
        {
            before = waiting;
            self.commit(VecDeque::new(), Along::of_uses(&self.shared.keys));
        }
    }
}

fn answer(group: impl IntoIterator<Item = Waiting>, failed: Option<StoreError>) {
    for waiting in group {
        waiting.work.answer(failed.clone());
    }
}

/// A writer that is gone must not be waited for.
struct PoisonOnPanic(Arc<Shared>);

impl Drop for PoisonOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.go_on_to(Life::Poisoned);
            self.0.refuse_all();
        }
    }
}
