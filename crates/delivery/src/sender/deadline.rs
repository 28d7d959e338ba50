//! The one deadline of an attempt (T7).

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that serves one attempt after the other: to set it later takes no lock, which making one would.
pub(crate) struct Deadline(Pin<Box<Sleep>>);

impl Deadline {
    pub(crate) fn new() -> Self {
        Self(Box::pin(sleep_until(Instant::now())))
    }

    pub(super) fn set(&mut self, at: Instant) {
        self.0.as_mut().reset(at);
    }

    /// What comes of it until then. It stays where it is: futures are large, and each move would copy them.
    pub(super) async fn bound<F: Future>(&mut self, mut doing: Pin<&mut F>) -> Option<F::Output> {
        poll_fn(|cx| match doing.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            // Unconstrained: an endpoint that always has more to say would use up what a task may do before it yields, and the
            // timer would never be looked at.
            Poll::Pending => pin!(unconstrained(&mut self.0)).poll(cx).map(|()| None),
        })
        .await
    }
}
