//! Going on with operations, in small slices that leave the writer to publishing.

use std::sync::Arc;
use std::time::Duration;

use cstar_store::{Store, StoreError};
use cstar_types::Clock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Rows in one slice: a few milliseconds of the writer.
const SLICE_ROWS: usize = 500;
/// After a slice the writer is left alone for so many times as long as the slice took …
const REST_FACTOR: u32 = 1;
/// … or so many, while something waits for it.
const REST_FACTOR_BUSY: u32 = 8;
/// What the store refused is tried again after this.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The task of operations.
pub(crate) struct Operations {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
}

impl Operations {
    /// Runs until told to stop. It begins with what an earlier life left under way, and sleeps while nothing is.
    pub(crate) async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        while !stop.is_cancelled() {
            let began = Instant::now();
            match self.store.go_on(SLICE_ROWS, (self.clock)()).await {
                Ok(true) => {
                    let is_busy = self.store.counts().waiting > 0;
                    let factor = if is_busy { REST_FACTOR_BUSY } else { REST_FACTOR };
                    let rest = tokio::time::sleep(began.elapsed() * factor);
                    stop.run_until_cancelled(rest).await;
                }
                Ok(false) => drop(stop.run_until_cancelled(self.store.begun()).await),
                Err(error @ (StoreError::Poisoned | StoreError::ShuttingDown)) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "operations could not go on; they try again");
                    stop.run_until_cancelled(tokio::time::sleep(TRY_AGAIN_AFTER)).await;
                }
            }
        }
        Ok(())
    }
}
