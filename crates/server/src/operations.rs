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

#[cfg(test)]
mod tests {
    use cstar_store::model::Model;
    use cstar_store::{Directory as _, NewOperation, Operations as _, Upkeep as _};
    use cstar_types::{
        DeliveryStatus, OperationId, OperationWork, Patterns, ResendFilter, Team, TeamId, Timestamp,
    };

    use super::*;

    /// It goes on with what was begun before and after its start, and leaves the store alone while nothing is under way.
    #[tokio::test(start_paused = true)]
    async fn it_sleeps_until_an_operation_begins() {
        let store = Model::new();
        let now = Timestamp::from_millis(1_700_000_000_000);
        let id: TeamId = "550e8400-e29b-41d4-a716-446655440000".parse().unwrap();
        let team = Team { id, name: "Acme".to_owned(), version: 1, created_at: now };
        store.create_team(team).await.unwrap();
        let begin = async |bits| {
            let filter = ResendFilter { status: Some(DeliveryStatus::Failed), ..ResendFilter::default() };
            let work = OperationWork::Resend(filter);
            let operation =
                NewOperation { id: OperationId::from_bits(bits), team: id, work, visible: Patterns::all() };
            store.begin(operation, now).await.unwrap()
        };
        let ended = async |operation: OperationId| {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
            while store.operation(id, operation).await.unwrap().ended_at.is_none() {
                assert!(tokio::time::Instant::now() < deadline, "it ends");
                tokio::task::yield_now().await;
                tokio::time::advance(Duration::from_millis(1)).await;
            }
        };
        let before = begin(1).await;
        let stop = CancellationToken::new();
        let task = Operations { store: Arc::clone(&store) as Arc<dyn Store>, clock: Arc::new(move || now) };
        let running = tokio::spawn(task.run(stop.clone()));
        ended(before.id).await;
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let commits = store.counts().commits;
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(store.counts().commits, commits, "nothing is under way");
        ended(begin(2).await.id).await;
        stop.cancel();
        running.await.unwrap().unwrap();
    }
}
