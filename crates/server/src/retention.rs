//! Removing what is old, in small slices that leave the writer to publishing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cstar_store::{Cutoffs, Store, StoreError};
use cstar_types::{Clock, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often there is a look for something old.
const PASS_EVERY: Duration = Duration::from_secs(30);
/// Rows in one slice: a few milliseconds of the writer.
const SLICE_ROWS: usize = 500;
/// After a slice the writer is left alone for so many times as long as the slice took.
const REST_FACTOR: u32 = 4;
/// How much faster than real time the clock of retention may run: 30 days of leap take 12 hours.
const CATCH_UP: u32 = 60;
/// How long idempotency keys are kept (`Idempotency-Key`).
pub(crate) const IDEMPOTENCY_KEPT: Duration = Duration::from_secs(24 * 3600);
const CLOCK_FILE: &str = "retention.clock";

/// A clock that follows the system's without leaping: a system clock that jumps ahead by a month must not remove a
/// month of events at once. Nor does it stay ahead once the system's is put right, or events would go early for as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SlewedClock(Timestamp);

impl SlewedClock {
    /// Moves towards `now`, by at most [`CATCH_UP`] times what has really `elapsed`.
    fn follow(self, now: Timestamp, elapsed: Duration) -> Self {
        let most = elapsed * CATCH_UP;
        Self(now.clamp(self.0.minus(most), self.0.plus(most)))
    }
}

/// The task of retention.
pub(crate) struct Retention {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
    pub(crate) kept: Duration,
    /// How long the audit log is kept.
    pub(crate) audit_kept: Duration,
    /// Where its clock is noted, unless nodes share the store: then it stands there.
    pub(crate) data: PathBuf,
}

impl Retention {
    /// Runs until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        let mut slewed = None;
        let mut looked_at = Instant::now();
        if let Err(error) = self.look(&mut slewed, Duration::ZERO).await {
            tracing::debug!(%error, "the clock of retention begins with the first pass");
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(PASS_EVERY) => {}
            }
            let elapsed = looked_at.elapsed();
            looked_at = Instant::now();
            let passed = async { self.pass(self.look(&mut slewed, elapsed).await?, &stop).await };
            match passed.await {
                Ok(()) => {}
                Err(error @ (StoreError::Poisoned | StoreError::ShuttingDown)) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "retention could not remove what is old; it tries again")
                }
            }
        }
    }

    /// What time it is for retention: where it was last noted at first, then as the clock goes. Nodes that share a store go by its
    /// clock, so that one whose own is wrong removes nothing.
    async fn look(
        &self,
        slewed: &mut Option<SlewedClock>,
        elapsed: Duration,
    ) -> Result<Timestamp, StoreError> {
        let shared = self.store.shared_clock().await?;
        let now = shared.map_or_else(|| (self.clock)(), |clock| clock.now);
        let begin = || shared.map_or_else(|| last_seen(&self.data), |clock| clock.noted).unwrap_or(now);
        let SlewedClock(at) = *slewed.get_or_insert_with(|| SlewedClock(begin()));
        let next = SlewedClock(at).follow(now, elapsed);
        *slewed = Some(next);
        match shared {
            Some(_) => self.store.note_clock(next.0).await?,
            None => remember(&self.data, next.0),
        }
        Ok(next.0)
    }

    async fn pass(&self, now: Timestamp, stop: &CancellationToken) -> Result<(), StoreError> {
        let (cutoffs, of_audit) = (cutoffs(now, self.kept), now.minus(self.audit_kept));
        in_slices(stop, || self.store.remove_old(cutoffs, SLICE_ROWS)).await?;
        in_slices(stop, || self.store.remove_old_audit(of_audit, SLICE_ROWS)).await
    }
}

/// Removes slice after slice until nothing is left to remove.
async fn in_slices<R>(stop: &CancellationToken, mut remove: impl FnMut() -> R) -> Result<(), StoreError>
where
    R: Future<Output = Result<usize, StoreError>>,
{
    while !stop.is_cancelled() {
        let began = Instant::now();
        if remove().await? == 0 {
            break;
        }
        let rest = tokio::time::sleep(began.elapsed() * REST_FACTOR);
        stop.run_until_cancelled(rest).await;
    }
    Ok(())
}

fn cutoffs(now: Timestamp, kept: Duration) -> Cutoffs {
    let cutoff = now.minus(kept);
    Cutoffs { events: cutoff, deliveries: cutoff, idempotency_keys: now.minus(IDEMPOTENCY_KEPT) }
}

/// Where the slewed clock stood when this was last noted, so that a jump over a restart is none either.
fn last_seen(data: &Path) -> Option<Timestamp> {
    Timestamp::parse(std::fs::read_to_string(data.join(CLOCK_FILE)).ok()?.trim()).ok()
}

/// Losing the note costs only that a later jump over a restart goes unnoticed, so a failure is no error.
pub(crate) fn remember(data: &Path, at: Timestamp) {
    let fresh = data.join("retention.clock.new");
    let written =
        std::fs::write(&fresh, at.to_string()).and_then(|()| std::fs::rename(&fresh, data.join(CLOCK_FILE)));
    if let Err(error) = written {
        tracing::debug!(%error, "the clock of retention was not noted");
    }
}

#[cfg(test)]
mod tests {
    use cstar_store::postgres::{self, Postgres};
    use cstar_store::{Upkeep as _, sqlite};
    use cstar_testkit::PostgresServer;

    use super::*;
    use crate::server::system_now;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn a_jump_ahead_is_followed_slowly() {
        let start = Timestamp::from_millis(1_700_000_000_000);
        let jumped = start.plus(30 * DAY);
        let after_a_pass = SlewedClock(start).follow(jumped, PASS_EVERY);
        assert_eq!(after_a_pass.0.since(start), PASS_EVERY * CATCH_UP);
        let mut slewed = SlewedClock(start);
        let mut passes = 0;
        while slewed.0 < jumped {
            slewed = slewed.follow(jumped, PASS_EVERY);
            passes += 1;
        }
        assert_eq!(PASS_EVERY * passes, DAY / 2, "30 days of leap take 12 hours");
    }

    #[test]
    fn a_jump_back_is_followed_slowly() {
        let start = Timestamp::from_millis(1_700_000_000_000);
        let back = SlewedClock(start).follow(start.minus(DAY), PASS_EVERY);
        assert_eq!(start.since(back.0), PASS_EVERY * CATCH_UP);
    }

    /// What a wrong clock gained, a right one takes back in the same time.
    #[test]
    fn a_clock_that_is_put_right_takes_its_lead_back() {
        let start = Timestamp::from_millis(1_700_000_000_000);
        let mut slewed = SlewedClock(start);
        for now in [start.plus(365 * DAY), start] {
            (0..100).for_each(|_| slewed = slewed.follow(now, PASS_EVERY));
        }
        assert_eq!(slewed.0, start);
    }

    /// A node whose own clock is a month ahead removes nothing of what all have, and a jump of the database's is none over a restart.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nodes_go_by_the_clock_that_they_share() {
        let Some(server) = PostgresServer::start().await else { return };
        let options = postgres::Options::new(&server.url("postgres"), sqlite::MasterKey::new([7; 32]));
        let store = Arc::new(Postgres::open(options.unwrap()).await.unwrap());
        let month = 30 * DAY;
        let ahead = Retention {
            store: store.clone(),
            clock: Arc::new(move || system_now().plus(month)),
            kept: 7 * DAY,
            audit_kept: 7 * DAY,
            data: PathBuf::new(),
        };
        let mut slewed = None;
        let begun = ahead.look(&mut slewed, Duration::ZERO).await.unwrap();
        let at = ahead.look(&mut slewed, PASS_EVERY).await.unwrap();
        assert!(at >= begun && at.since(system_now()) < DAY, "not by its own clock");

        // As if the database's had jumped since.
        let before = at.minus(month);
        store.note_clock(before).await.unwrap();
        let mut slewed = None;
        assert_eq!(ahead.look(&mut slewed, Duration::ZERO).await.unwrap(), before);
        let after_a_pass = before.plus(PASS_EVERY * CATCH_UP);
        assert_eq!(ahead.look(&mut slewed, PASS_EVERY).await.unwrap(), after_a_pass);
        let shared = store.shared_clock().await.unwrap().unwrap();
        assert_eq!(shared.noted, Some(after_a_pass), "whoever starts next begins there");
        store.close().await;
    }

    #[test]
    fn the_slewed_clock_is_remembered_over_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(last_seen(directory.path()), None);
        let at = Timestamp::from_millis(1_700_000_000_123);
        remember(directory.path(), at);
        assert_eq!(last_seen(directory.path()), Some(at));
    }
}
