//! The one thread that writes.
//!
//! It takes what waits, makes one transaction of it, syncs, tells the tail, answers, and goes on: while one group is
//! being synced the next one gathers, so nothing ever waits for a group to fill.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::checkpoint::{Mode, Wal, checkpoint};
use super::commit::{Along, commit};
use super::disk::Fullness;
use super::fault::{Fault, Remedy};
use super::lock::Lock;
use super::memory::Memory;
use super::queue::{Next, Waiting};
use super::room::Room;
use super::schema::PAGE_BYTES;
use super::shared::{Life, Shared};
use super::tx::Effects;
use crate::StoreError;

/// After so long without a commit the log is brought into the database.
const IDLE_AFTER: Duration = Duration::from_secs(1);
/// Uses of keys are written as often.
const USES_EVERY: Duration = Duration::from_secs(30);
/// A log that readers held from beginning anew is cut once it is so many times as long as a checkpoint's.
const LOG_TIMES_MAX: u64 = 8;

pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) shared: Arc<Shared>,
    pub(super) memory: Memory,
    pub(super) room: Room,
    pub(super) wal: Wal,
    /// Some webhook has more to cancel.
    pub(super) cancelling: bool,
    pub(super) committed_at: Instant,
    pub(super) uses_at: Instant,
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
        if self.cancelling {
            now
        } else if self.wal.frames > 0 || self.shared.fullness() > Fullness::Room {
            now.max(self.committed_at) + IDLE_AFTER
        } else {
            now + USES_EVERY
        }
    }

    fn work(&mut self) {
        let mut group = VecDeque::new();
        self.shared.queue.take(&mut group);
        self.refuse_what_has_no_room(&mut group);
        let along = self.along();
        if !group.is_empty() || !along.is_nothing() {
            self.commit(group, &along);
            self.after_commit();
        }
    }

    /// The disk is looked at before much is written to it, not after.
    fn refuse_what_has_no_room(&mut self, group: &mut VecDeque<Waiting>) {
        let bytes = group.iter().map(|waiting| waiting.size.on_disk()).sum();
        if !self.room.is_due(Instant::now(), bytes) {
            return;
        }
        let fullness = self.look_at_room(bytes);
        if fullness > Fullness::Room {
            let (taken, refused) = group.drain(..).partition(|waiting| waiting.lane.is_taken(fullness));
            *group = taken;
            let refused: VecDeque<_> = refused;
            answer(refused, Some(StoreError::StorageFull));
        }
    }

    fn idle(&mut self) {
        let along = self.along();
        if !along.is_nothing() {
            self.commit(VecDeque::new(), &along);
        }
        if !self.cancelling && self.wal.frames > 0 {
            self.checkpoint(Mode::Truncate);
        }
        self.look_at_room(0);
    }

    fn along(&self) -> Along {
        let due = self.uses_at.elapsed() >= USES_EVERY;
        let along = if due { Along::of_uses(&self.shared.keys) } else { Along::default() };
        Along { cancel: self.cancelling, ..along }
    }

    /// Commits a group, or does what the fault asks for.
    fn commit(&mut self, mut group: VecDeque<Waiting>, along: &Along) {
        match commit(&self.conn, &self.shared.shelf, &mut self.memory, &mut group, along) {
            Ok((applied, effects)) => {
                let mut too_much = group.split_off(applied);
                self.shared.queue.put_back(&mut too_much);
                self.tell(effects, along);
                answer(group, None);
            }
            Err(fault) => match fault.remedy() {
                Remedy::Poison => self.poison(group, &fault),
                Remedy::MakeRoom => self.make_room(group),
                Remedy::DoEachAlone if group.len() == 1 && along.is_nothing() => {
                    answer(group, Some(fault.into()))
                }
                Remedy::DoEachAlone => self.do_each_alone(group, along, &fault),
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
        self.cancelling = effects.cancelling || (self.cancelling && !along.cancel);
        self.committed_at = Instant::now();
        if !along.uses.is_empty() {
            self.shared.keys.written(&along.uses);
            self.uses_at = self.committed_at;
        }
        self.shared.keys.forget(&effects.keys, &effects.teams);
        effects.told.into_iter().for_each(|change| self.shared.tail.tell(change));
    }

    /// One of them cannot be stored, and must not take the others with it.
    fn do_each_alone(&mut self, group: VecDeque<Waiting>, along: &Along, fault: &Fault) {
        tracing::warn!(?fault, "a group was rolled back; each of it is stored alone");
        if !along.is_nothing() {
            // Perhaps it was this. What is cancelled reads as cancelled anyway, and uses may be lost.
            self.cancelling = false;
            self.shared.keys.written(&along.uses);
        }
        for waiting in group {
            if self.shared.life() == Life::Poisoned {
                answer([waiting], Some(StoreError::Poisoned));
            } else {
                self.commit(VecDeque::from([waiting]), &Along::default());
            }
        }
    }

    /// The disk is full: what matters most is tried again in the room that was kept for it.
    fn make_room(&mut self, group: VecDeque<Waiting>) {
        self.shared.set_fullness(self.shared.fullness().max(Fullness::NoEvents));
        let (mut vital, other): (VecDeque<_>, VecDeque<_>) =
            group.into_iter().partition(|waiting| waiting.lane.waits());
        answer(other, Some(StoreError::StorageFull));
        if vital.is_empty() {
            return;
        }
        if !self.room.release_reserve() {
            return answer(vital, Some(StoreError::StorageFull));
        }
        match commit(&self.conn, &self.shared.shelf, &mut self.memory, &mut vital, &Along::default()) {
            Ok((_, effects)) => {
                self.tell(effects, &Along::default());
                answer(vital, None);
            }
            Err(fault) if fault.remedy() == Remedy::Poison => self.poison(vital, &fault),
            Err(fault) => answer(vital, Some(fault.into())),
        }
    }

    fn after_commit(&mut self) {
        self.checkpoint(Mode::Noop);
        let due_frames = self.room.checkpoint_frames();
        if self.wal.frames >= due_frames.saturating_mul(LOG_TIMES_MAX) {
            self.checkpoint(Mode::Truncate);
        } else if self.wal.frames - self.wal.done.min(self.wal.frames) >= due_frames {
            self.checkpoint(Mode::Passive);
        }
    }

    fn checkpoint(&mut self, mode: Mode) {
        if self.shared.life() == Life::Poisoned {
            return;
        }
        let before = self.wal;
        match checkpoint(&self.conn, mode) {
            Ok(wal) => self.wal = wal,
            Err(error) => match Fault::from(error) {
                fault if fault.remedy() == Remedy::Poison => self.poison(VecDeque::new(), &fault),
                fault => tracing::warn!(?fault, "a checkpoint could not be made"),
            },
        }
        self.room.wrote(before, self.wal);
    }

    /// Looks at the disk, with so many bytes to be written to it next.
    fn look_at_room(&mut self, bytes: u64) -> Fullness {
        let reusable = self.conn.pragma_query_value(None, "freelist_count", |row| row.get::<_, u32>(0));
        let reusable = u64::from(reusable.unwrap_or(0)) * u64::from(PAGE_BYTES);
        let to_come = self.wal.to_come_bytes().saturating_add(bytes);
        let fullness = self.room.look(Instant::now(), to_come, reusable);
        let before = self.shared.set_fullness(fullness);
        if fullness != before {
            tracing::warn!(
                ?fullness,
                ?before,
                free_bytes = self.room.free(),
                "the disk has another fullness"
            );
        }
        fullness
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
        let along = Along { cancel: false, ..Along::of_uses(&self.shared.keys) };
        if !along.uses.is_empty() {
            self.commit(VecDeque::new(), &along);
        }
        self.checkpoint(Mode::Truncate);
        let Self { shared, conn, _lock: lock, .. } = self;
        drop(conn);
        drop(lock);
        shared.go_on_to(Life::Closed);
        shared.tail.close();
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
