//! What an operator may set of the streams.

use std::time::Duration;

/// The grain of the streams' time: heartbeats, expiry and standing still are noticed to within one tick. A quarter of
/// a second keeps "within a second" with room, and four wake-ups a second cost nothing.
pub(crate) const TICK: Duration = Duration::from_millis(250);

/// How many ticks a stream that was ended has to take its last block before its connection is cut: a revoked key's
/// streams are gone within a second, whether their reader reads or not.
pub(crate) const LEAVE_TICKS: u64 = 2;

/// The options of a [`crate::Hub`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Memory for the rings of all teams together, in bytes. The default, 32 MiB, is some 70,000 frames of common size:
    /// minutes of a busy server, so that a client that lost its network for a while comes back without a read.
    pub ring_bytes: usize,
    /// How far the hub may be behind the store's tail, in bytes, before it reads the store instead. 8 MiB is a few of
    /// the largest batches.
    pub tail_bytes: usize,
    /// What one write to a connection joins, in bytes; a single frame may be larger. 64 KiB is past the point where
    /// larger writes are cheaper. A reader that stands still holds on to what its connection has taken and not written:
    /// the connection takes nothing more once that is 32 KiB, and a piece keeps at most four times its size in memory.
    pub batch_bytes: usize,
    /// The most entries of one read of the store, which also ends at `batch_bytes`: it bounds the work that a filter which
    /// leaves out nearly everything makes at a time.
    pub read_entries: usize,
    /// Reads of the store at once, over all streams: ten thousand streams that come back together take turns, and most
    /// find in the ring what the first ones read. 8 is what a disk and the store's readers serve in parallel.
    pub reads_at_once: usize,
    /// Open streams a realtime token: the tabs of one person.
    pub streams_a_token: usize,
    /// Open streams a key, without those of the tokens that it made.
    pub streams_a_key: usize,
    /// Open streams a team. At about 3 kB each, its connection included, the default is 60 MB; where hyper keeps the connection, it
    /// is 22 kB each.
    pub streams_a_team: usize,
    /// How often a stream says that it lives, and how far it has passed the log: often enough for proxies that cut what
    /// is silent for 30 s or more.
    pub heartbeat: Duration,
    /// How long a stream may stand still, something to send and nobody who takes it, before its connection is cut.
    ///
    /// A peer that is gone, rather than slow, must be noticed earlier, by the server on the socket. `TCP_USER_TIMEOUT`
    /// alone would not keep this promise: Linux applies it to a peer that answers and has no room, too, and so closes a
    /// slow reader as soon as a dead one.
    pub stalled_after: Duration,
    /// What `retry:` says at first: how long a client waits before it connects again.
    pub retry: Duration,
    /// How long after a shutdown the first clients may come back: a restart takes about as long.
    pub reconnect_after: Duration,
    /// Over how long a time the others are spread, so that they do not all come at once.
    pub reconnect_spread: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ring_bytes: 32 * 1024 * 1024,
            tail_bytes: 8 * 1024 * 1024,
            batch_bytes: 64 * 1024,
            read_entries: 512,
            reads_at_once: 8,
            streams_a_token: 20,
            streams_a_key: 10_000,
            streams_a_team: 20_000,
            heartbeat: Duration::from_secs(15),
            stalled_after: Duration::from_secs(600),
            retry: Duration::from_secs(2),
            reconnect_after: Duration::from_secs(1),
            reconnect_spread: Duration::from_secs(4),
        }
    }
}

impl Options {
    /// Heartbeats, in ticks.
    pub(crate) fn heartbeat_ticks(&self) -> usize {
        usize::try_from(ticks(self.heartbeat)).unwrap_or(usize::MAX)
    }

    /// [`Options::stalled_after`], in ticks.
    pub(crate) fn stalled_ticks(&self) -> u64 {
        ticks(self.stalled_after)
    }

    /// How long a client should stay away, `random` being of 0 to 1.
    pub(crate) fn reconnect(&self, random: f64) -> Duration {
        self.reconnect_after + self.reconnect_spread.mul_f64(random)
    }
}

fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).max(1)
}
