//! How much waits in memory; the rest waits in the store.

use cstar_store::Due;

use super::pace::Pace;

/// The most deliveries that one lane keeps waiting: enough to start from while the store is read for more.
const LANE_DELIVERIES: usize = 512;

/// And about how many bytes.
pub(super) const LANE_BYTES: usize = 2 * 1024 * 1024;

/// What a lane that has not proven itself keeps: it has one request in flight, so it does not run dry.
pub(super) const SUSPECT_DELIVERIES: usize = 8;

/// So many failures in a row, and a lane is held to [`SUSPECT_DELIVERIES`]. One alone does not do it: an endpoint that
/// fails now and then would have its lane read again and again.
pub(super) const FAILURES_TO_LET_GO: u32 = 3;

/// What a waiting delivery weighs beside its body, in bytes.
const FIXED_BYTES: usize = 256;

/// What a delivery weighs as long as nothing better is known of a lane.
pub(super) const TYPICAL_BYTES: usize = FIXED_BYTES + 2048;

/// What waits in memory, over all lanes.
#[derive(Debug)]
pub(super) struct Memory {
    limit_bytes: usize,
    bytes: usize,
    deliveries: usize,
}

impl Memory {
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, bytes: 0, deliveries: 0 }
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.deliveries += 1;
    }

    pub(super) fn remove(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.deliveries -= 1;
    }

    pub(super) fn deliveries(&self) -> usize {
        self.deliveries
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a lane may keep something more. Lanes that have not proven themselves fill half of it at most.
    pub(super) fn has_room_for(&self, pace: &Pace) -> bool {
        self.bytes < if pace.is_proven() { self.limit_bytes } else { self.limit_bytes / 2 }
    }

    /// For how many deliveries of this weight there is room.
    pub(super) fn room_of(&self, bytes_each: usize) -> usize {
        self.limit_bytes.saturating_sub(self.bytes) / bytes_each.max(FIXED_BYTES)
    }
}

/// What a delivery weighs.
pub(super) fn weight(due: &Due) -> usize {
    FIXED_BYTES + due.entry.event.body.len()
}

/// How many deliveries a lane keeps.
pub(super) fn deliveries_of(pace: &Pace) -> usize {
    let kept_in_spite_of_failures = (1..FAILURES_TO_LET_GO).contains(&pace.failures());
    if pace.is_proven() || kept_in_spite_of_failures { LANE_DELIVERIES } else { SUSPECT_DELIVERIES }
}
