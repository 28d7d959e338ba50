//! When a peer must have asked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A request's head must be there within this time of the connection's or the previous answer's start. It is longer than
/// the 60 s for which common proxies and clients keep an idle connection: whoever closes first must not be the server, or
/// their next request is lost on its way and they answer 502.
pub(super) const HEAD_DEADLINE: Duration = Duration::from_secs(75);

/// The deadline of one connection's next request, until hyper has one of its own. It is moved with each request, so moving it costs
/// no timer.
#[derive(Debug)]
pub(super) struct HeadDeadline {
    opened: Instant,
    /// In milliseconds after that.
    passes_ms: AtomicU64,
}

/// No request is waited for.
const NEVER: u64 = u64::MAX;

impl HeadDeadline {
    /// Of a connection that was opened now.
    pub(super) fn new() -> Self {
        let deadline = Self { opened: Instant::now(), passes_ms: AtomicU64::new(NEVER) };
        deadline.begin();
        deadline
    }

    /// The next request is waited for from now on.
    pub(super) fn begin(&self) {
        let passes = self.opened.elapsed() + HEAD_DEADLINE;
        self.passes_ms.store(passes.as_millis() as u64, Ordering::Relaxed);
    }

    /// It has come.
    pub(super) fn met(&self) {
        self.passes_ms.store(NEVER, Ordering::Relaxed);
    }

    /// Completes once it was waited for in vain.
    pub(super) async fn missed(&self) {
        loop {
            // A deadline that begins meanwhile passes later than this.
            let looks_at = self.passes_at().unwrap_or_else(|| Instant::now() + HEAD_DEADLINE);
            sleep_until(looks_at).await;
            if self.passes_at().is_some_and(|passes_at| passes_at <= Instant::now()) {
                return;
            }
        }
    }

    fn passes_at(&self) -> Option<Instant> {
        let passes_ms = self.passes_ms.load(Ordering::Relaxed);
        (passes_ms != NEVER).then(|| self.opened + Duration::from_millis(passes_ms))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio::time::timeout;

    use super::*;

    const ALMOST: Duration = Duration::from_secs(74);
    const MORE: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn each_request_has_its_time() {
        let deadline = HeadDeadline::new();
        let mut missed = pin!(deadline.missed());
        let mut is_missed = async |after| timeout(after, missed.as_mut()).await.is_ok();
        assert!(!is_missed(ALMOST).await);
        deadline.met();
        assert!(!is_missed(10 * HEAD_DEADLINE).await, "a request may take long");
        deadline.begin();
        assert!(!is_missed(ALMOST).await);
        deadline.begin();
        assert!(!is_missed(ALMOST).await, "the next one has as long");
        assert!(is_missed(MORE).await);
    }
}
