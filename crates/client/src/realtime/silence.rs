//! Noticing that a connection is dead although nobody said so.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// A stream that says nothing for so many heartbeats is dead.
const HEARTBEATS: f64 = 2.5;

/// Whoever comes later than this after the time is up was not waiting for bytes: a timer wakes its task within
/// milliseconds. What the connection has received meanwhile has not been looked at yet.
const LATE: Duration = Duration::from_millis(250);

/// How long nothing has come. It runs only while somebody reads: a reader that is busy elsewhere holds the server back, and
/// finds what came meanwhile in the socket.
#[derive(Debug)]
pub(crate) struct Silence {
    limit: Duration,
    up: Pin<Box<Sleep>>,
}

impl Silence {
    pub(crate) fn new(heartbeat: Duration) -> Self {
        let limit = heartbeat.mul_f64(HEARTBEATS);
        Self { limit, up: Box::pin(sleep(limit)) }
    }

    /// The server has said how often it says that it lives.
    pub(crate) fn set_heartbeat(&mut self, heartbeat: Duration) {
        self.limit = heartbeat.mul_f64(HEARTBEATS);
        self.broken();
    }

    /// Something came.
    pub(crate) fn broken(&mut self) {
        self.up.as_mut().reset(Instant::now() + self.limit);
    }

    /// Ready with the length of the silence once it has lasted too long.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        while self.up.as_mut().poll(cx).is_ready() {
            if Instant::now() < self.up.deadline() + LATE {
                return Poll::Ready(self.limit);
            }
            self.broken();
        }
        Poll::Pending
    }
}
