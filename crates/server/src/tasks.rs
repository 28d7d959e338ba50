//! The long-lived tasks of a server: all are started here, and this says what an end and a shutdown do to each.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
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
    /// Goes on with what was asked for in one call and is long. Shutdown: stops between two slices; the next start goes on.
    Operations,
    /// Tells the other nodes that share the store what this one commits, and hears them. Shutdown: simply ends.
    Doorbell,
    /// Ends when the store has closed itself after a failed write. Shutdown: simply ends.
    StoreWatch,
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
    stop: CancellationToken,
    deadline: Duration,
}

/// How long the others get to end once a task has failed: enough to answer who waits. A restart mends more than waiting.
const FAILED_DEADLINE: Duration = Duration::from_secs(5);

impl Tasks {
    /// No task yet. Once told to stop they get until `deadline` to end; what has not ended then is dropped, and due again at
    /// the next start.
    pub(crate) fn new(deadline: Duration) -> Self {
        Self { running: JoinSet::new(), kinds: HashMap::new(), stop: CancellationToken::new(), deadline }
    }

    /// Starts a task on the present runtime; it is handed the token that tells it to stop.
    pub(crate) fn start<F, E>(&mut self, kind: TaskKind, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        self.start_on(&Handle::current(), kind, task);
    }

    /// Starts a task on another runtime.
    pub(crate) fn start_on<F, E>(
        &mut self,
        runtime: &Handle,
        kind: TaskKind,
        task: impl FnOnce(CancellationToken) -> F,
    ) where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let task = task(self.stop.clone());
        let task = async move { task.await.map_err(|error| error.to_string()) };
        self.kinds.insert(self.running.spawn_on(task, runtime).id(), kind);
    }

    /// Waits until `shutdown` comes or a task ends by itself, then stops all.
    pub(crate) async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), TaskFailed> {
        let failed = tokio::select! {
            () = shutdown => None,
            Some((kind, ended)) = self.next_end() => {
                let reason = ended.err().unwrap_or_else(|| "it ended without having been told to".to_owned());
                Some(TaskFailed { kind, reason })
            }
        };
        match failed {
            None => {
                tracing::info!("stopping");
                self.stop(self.deadline).await;
                Ok(())
            }
            Some(failed) => {
                tracing::error!(%failed, "stopping");
                self.stop(FAILED_DEADLINE).await;
                Err(failed)
            }
        }
    }

    async fn next_end(&mut self) -> Option<(TaskKind, Result<(), String>)> {
        let (id, ended) = match self.running.join_next_with_id().await? {
            Ok((id, ended)) => (id, ended),
            Err(panicked) => (panicked.id(), Err(panicked.to_string())),
        };
        let kind = self.kinds.remove(&id).expect("every task is noted when it is started");
        Some((kind, ended))
    }

    /// Tells all to stop, at once: an attempt must not begin while the last requests are answered.
    async fn stop(&mut self, within: Duration) {
        self.stop.cancel();
        let ended = tokio::time::timeout(within, async {
            while let Some((kind, ended)) = self.next_end().await {
                if let Err(reason) = ended {
                    tracing::warn!(?kind, %reason, "a task ended badly while stopping");
                }
            }
        });
        if ended.await.is_err() {
            let left: Vec<TaskKind> = self.kinds.values().copied().collect();
            tracing::warn!(
                ?left,
                "not everything ended in time; what was in flight is due at the next start"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tokio::sync::Barrier;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_shutdown_reaches_all_at_once() {
        let mut tasks = Tasks::new(LONG);
        let (told, ended) = (Arc::new(Barrier::new(3)), Arc::new(Mutex::new(Vec::new())));
        for kind in [TaskKind::Delivery, TaskKind::Api, TaskKind::Realtime] {
            let (told, ended) = (Arc::clone(&told), Arc::clone(&ended));
            tasks.start(kind, |stop| async move {
                stop.cancelled().await;
                told.wait().await;
                ended.lock().push(kind);
                Ok::<_, String>(())
            });
        }
        tasks.run(async {}).await.unwrap();
        assert_eq!(ended.lock().len(), 3);
    }

    #[tokio::test]
    async fn an_unexpected_end_stops_everything_and_is_told() {
        let mut tasks = Tasks::new(LONG);
        tasks.start(TaskKind::Api, |stop| async move {
            stop.cancelled().await;
            Ok::<_, String>(())
        });
        tasks.start(TaskKind::StoreWatch, |_| async { Err("the disk is gone") });
        let failed = tasks.run(std::future::pending()).await.unwrap_err();
        assert_eq!(failed.to_string(), "StoreWatch stopped: the disk is gone");
    }

    #[tokio::test]
    async fn what_does_not_end_is_not_waited_for() {
        let mut tasks = Tasks::new(Duration::ZERO);
        tasks.start(TaskKind::Delivery, |_| std::future::pending::<Result<(), String>>());
        tasks.run(async {}).await.unwrap();
    }
}
