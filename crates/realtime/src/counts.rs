//! What the streams did, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start, and how things stand now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Streams open now.
    pub streams: u64,
    /// Streams opened.
    pub opened: u64,
    /// Event frames sent.
    pub frames: u64,
    /// Writes in which they were sent.
    pub batches: u64,
    /// Gaps told.
    pub gaps: u64,
    /// Reads of the store, for what no ring held.
    pub reads: u64,
    /// How often the hub fell behind the store's tail.
    pub lagged: u64,
    /// Connections cut because nobody took what they had to send.
    pub hung_up: u64,
    /// What all rings hold now, in bytes.
    pub ring_bytes: u64,
    /// How many events the stream that is farthest behind has still to pass.
    pub lag_max: u64,
}

/// Counts that only rise.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) opened: Counter,
    pub(crate) frames: Counter,
    pub(crate) batches: Counter,
    pub(crate) gaps: Counter,
    pub(crate) reads: Counter,
    pub(crate) lagged: Counter,
    pub(crate) hung_up: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
