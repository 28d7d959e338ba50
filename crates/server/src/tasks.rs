//! The long-lived tasks of a server: all are started here, and this says what an end and a shutdown do to each.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

/// A long-lived task. An unexpected end of any of them stops the process: running on without one would break a
/// promise in silence, and a restart is quick and loses nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskKind {
    /// Serves the API. Shutdown: takes no new connection, lets requests end.
    Api,
    /// Serves `/metrics` on an address of its own. Shutdown: as the API.
    Metrics,
    /// Feeds the streams. Shutdown: tells each client when to come back, then ends it.
    Realtime,
    /// Sends webhooks. Shutdown: starts nothing new, lets what is in flight end within its deadline.
    Delivery,
    /// Removes what is old. Shutdown: stops between two slices.
    Retention,
    /// Ends when the store has closed itself after a failed write. Shutdown: simply ends.
    StoreWatch,
}

/// When a task is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// What takes work from outside.
    Front,
    /// What works on what was taken.
    Back,
}

impl TaskKind {
    const fn phase(self) -> Phase {
        match self {
            Self::Api | Self::Metrics | Self::Realtime => Phase::Front,
            Self::Delivery | Self::Retention | Self::StoreWatch => Phase::Back,
        }
    }
}

/// A task that ended with an error, or without having been told to.
#[derive(Debug, thiserror::Error)]
#[error("{kind:?} stopped: {reason}")]
pub struct TaskFailed {
    kind: TaskKind,
    reason: String,
}

/// The running tasks.
pub(crate) struct Tasks {
    running: JoinSet<Result<(), String>>,
    kinds: HashMap<Id, TaskKind>,
    stop_front: CancellationToken,
    stop_back: CancellationToken,
}

/// How long each phase of a shutdown may take; what has not ended then is dropped, and due again at the next start.
const PHASE_DEADLINE: Duration = Duration::from_secs(15);

impl Tasks {
    pub(crate) fn new() -> Self {
        Self {
            running: JoinSet::new(),
            kinds: HashMap::new(),
            stop_front: CancellationToken::new(),
            stop_back: CancellationToken::new(),
        }
    }

    /// Starts a task; it is handed the token that tells it to stop.
    pub(crate) fn start<F, E>(&mut self, kind: TaskKind, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let stop = match kind.phase() {
            Phase::Front => self.stop_front.clone(),
            Phase::Back => self.stop_back.clone(),
        };
        let task = task(stop);
        let handle = self.running.spawn(async move { task.await.map_err(|error| error.to_string()) });
        self.kinds.insert(handle.id(), kind);
    }

    /// Waits until `shutdown` comes or a task ends by itself, then stops all, front before back.
    pub(crate) async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), TaskFailed> {
        let result = tokio::select! {
            () = shutdown => Ok(()),
            Some((kind, ended)) = self.next_end() => {
                let reason = ended.err().unwrap_or_else(|| "it ended without having been told to".to_owned());
                Err(TaskFailed { kind, reason })
            }
        };
        self.stop(Phase::Front).await;
        self.stop(Phase::Back).await;
        result
    }

    async fn next_end(&mut self) -> Option<(TaskKind, Result<(), String>)> {
        let (id, ended) = match self.running.join_next_with_id().await? {
            Ok((id, ended)) => (id, ended),
            Err(panicked) => (panicked.id(), Err(panicked.to_string())),
        };
        let kind = self.kinds.remove(&id).expect("every task is noted when it is started");
        Some((kind, ended))
    }

    async fn stop(&mut self, phase: Phase) {
        match phase {
            Phase::Front => self.stop_front.cancel(),
            Phase::Back => self.stop_back.cancel(),
        }
        let deadline = tokio::time::Instant::now() + PHASE_DEADLINE;
        while self.kinds.values().any(|kind| kind.phase() == phase) {
            match tokio::time::timeout_at(deadline, self.next_end()).await {
                Ok(Some((kind, Err(reason)))) => {
                    tracing::warn!(?kind, %reason, "a task ended badly while stopping")
                }
                Ok(Some((_, Ok(())))) => {}
                Ok(None) => return,
                Err(_) => {
                    tracing::warn!(
                        ?phase,
                        "not everything ended in time; what was in flight is due at the next start"
                    );
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[tokio::test]
    async fn the_front_stops_before_the_back() {
        let mut tasks = Tasks::new();
        let ended = Arc::new(Mutex::new(Vec::new()));
        for kind in [TaskKind::Delivery, TaskKind::Api, TaskKind::Realtime] {
            let ended = Arc::clone(&ended);
            tasks.start(kind, |stop| async move {
                stop.cancelled().await;
                ended.lock().push(kind);
                Ok::<_, String>(())
            });
        }
        tasks.run(async {}).await.unwrap();
        assert_eq!(ended.lock().last(), Some(&TaskKind::Delivery));
        assert_eq!(ended.lock().len(), 3);
    }

    #[tokio::test]
    async fn an_unexpected_end_stops_everything_and_is_told() {
        let mut tasks = Tasks::new();
        tasks.start(TaskKind::Api, |stop| async move {
            stop.cancelled().await;
            Ok::<_, String>(())
        });
        tasks.start(TaskKind::StoreWatch, |_| async { Err("the disk is gone") });
        let failed = tasks.run(std::future::pending()).await.unwrap_err();
        assert_eq!(failed.to_string(), "StoreWatch stopped: the disk is gone");
    }
}
