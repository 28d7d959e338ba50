//! What the writer does for the disk: the WAL is kept short, and room is kept free.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cstar_types::Timestamp;

use super::{Writer, answer};
use crate::StoreError;
use crate::sqlite::checkpoint::{Mode, checkpoint};
use crate::sqlite::commit::{Along, Low, commit};
use crate::sqlite::disk::Fullness;
use crate::sqlite::fault::{Fault, Remedy};
use crate::sqlite::queue::Waiting;
use crate::sqlite::schema::PAGE_BYTES;
use crate::sqlite::shared::Life;

/// A WAL that readers kept from beginning anew is cut once it is so many times as long as a checkpoint's …
const WAL_TIMES_MAX: u64 = 8;
/// … by waiting for them, which is tried this often …
const CUT_EVERY: Duration = Duration::from_secs(5);
/// … and for so long: everybody waits meanwhile.
const CUT_PATIENCE: Duration = Duration::from_millis(100);

impl Writer {
    /// The disk is looked at before much is written to it, not after.
    pub(super) fn refuse_what_has_no_room(&mut self, group: &mut VecDeque<Waiting>) {
        let bytes = group.iter().map(|waiting| waiting.size.on_disk()).sum();
        if !self.room.is_due(Instant::now(), bytes) {
            return;
        }
        let fullness = self.look_at_room(bytes);
        if fullness > Fullness::Room {
            let (taken, refused) = group.drain(..).partition(|waiting| waiting.class.is_taken(fullness));
            *group = taken;
            let refused: VecDeque<_> = refused;
            answer(refused, Some(StoreError::StorageFull));
        }
    }

    /// The disk is full: what matters most is tried again, without what rode along and in the room that was kept for it.
    pub(super) fn make_room(&mut self, group: VecDeque<Waiting>, along: &Along) {
        self.shared.set_fullness(self.shared.fullness().max(Fullness::NoEvents));
        let (mut vital, other): (VecDeque<_>, VecDeque<_>) =
            group.into_iter().partition(|waiting| waiting.class.waits());
        answer(other, Some(StoreError::StorageFull));
        if vital.is_empty() {
            return;
        }
        let lighter = !along.is_nothing();
        if !self.room.release_reserve() && !lighter {
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

    pub(super) fn after_commit(&mut self) {
        self.checkpoint(Mode::Noop, Duration::ZERO);
        let due_frames = self.room.checkpoint_frames();
        if self.wal.frames.saturating_sub(self.wal.done) >= due_frames {
            self.checkpoint(Mode::Passive, Duration::ZERO);
        }
        // A backup reads for longer than anybody could wait; what was erased is cut off soon after it.
        let is_copied = self.shared.is_copied.load(Ordering::Relaxed);
        let overgrown = self.wal.frames >= due_frames.saturating_mul(WAL_TIMES_MAX);
        let is_due = !is_copied && (overgrown || self.holds_erased);
        if is_due && self.cut_at.is_none_or(|cut_at| cut_at.elapsed() >= CUT_EVERY) {
            self.checkpoint(Mode::Truncate, CUT_PATIENCE);
            self.cut_at = Some(Instant::now());
        }
    }

    pub(super) fn checkpoint(&mut self, mode: Mode, patience: Duration) {
        if self.shared.life() == Life::Poisoned {
            return;
        }
        let before = self.wal;
        match checkpoint(&self.conn, mode, patience).map_err(Fault::from) {
            Ok(wal) => {
                self.wal = wal;
                self.holds_erased &= wal.frames > 0;
            }
            Err(fault) => match fault.remedy() {
                Remedy::Poison => self.poison(VecDeque::new(), &fault),
                // It is tried again, and how full the disk is was said or will be.
                Remedy::MakeRoom | Remedy::DoEachAlone | Remedy::RefuseAll => {
                    tracing::debug!(?fault, "a checkpoint must wait")
                }
            },
        }
        self.room.wrote(before, self.wal);
    }

    /// The notice that the disk is low, if it is time to send it.
    pub(super) fn low_to_tell(&self) -> Option<Low> {
        if !self.low.is_due(Instant::now()) {
            return None;
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        Some(Low { free_bytes: self.room.free(), at })
    }

    /// Looks at the disk, with so many bytes to be written to it next.
    pub(super) fn look_at_room(&mut self, bytes: u64) -> Fullness {
        let reusable = self.conn.pragma_query_value(None, "freelist_count", |row| row.get::<_, u32>(0));
        let reusable = u64::from(reusable.unwrap_or(0)) * u64::from(PAGE_BYTES);
        let to_come = self.wal.to_come_bytes().saturating_add(bytes);
        let fullness = self.room.look(Instant::now(), to_come, reusable);
        let before = self.shared.set_fullness(fullness);
        self.low.seen(fullness);
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
}
