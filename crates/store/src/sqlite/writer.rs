//! The one thread that writes.
//!
//! It takes what waits, makes one transaction of it, syncs, tells the tail, answers, and goes on: while one group is
//! being synced the next one gathers, so nothing ever waits for a group to fill.

mod keeping;

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

/// After so long without a commit the log is brought into the database.
const IDLE_AFTER: Duration = Duration::from_secs(1);
/// Uses of keys are written as often.
const USES_EVERY: Duration = Duration::from_secs(30);
pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) shared: Arc<Shared>,
    pub(super) memory: Memory,
    pub(super) room: Room,
    pub(super) wal: Wal,
    /// Some webhook has more to cancel.
    pub(super) cancelling: bool,
    pub(super) committed_at: Instant,
    /// When the log was last cut because it had grown too long.
    pub(super) cut_at: Option<Instant>,
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

    fn idle(&mut self) {
        let along = self.along();
        if !along.is_nothing() {
            self.commit(VecDeque::new(), &along);
        }
        if !self.cancelling && self.wal.frames > 0 {
            self.checkpoint(Mode::Truncate, Duration::ZERO);
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
        self.checkpoint(Mode::Truncate, BUSY);
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
