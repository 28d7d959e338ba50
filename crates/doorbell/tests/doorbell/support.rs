//! Nodes that ring and hear.

use std::sync::Arc;

use cstar_doorbell::{Doorbell, Lines, News};
use cstar_testkit::until;
use cstar_types::TeamId;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

pub(crate) fn team(number: u128) -> TeamId {
    TeamId::from_uuid(uuid::Uuid::from_u128(number))
}

pub(crate) fn reached(number: u128, seq: u64) -> News {
    News::Reached { team: team(number), seq }
}

/// A node, until it is dropped.
pub(crate) struct Node {
    pub(crate) doorbell: Doorbell,
    heard: Arc<Mutex<Vec<News>>>,
    task: JoinHandle<()>,
}

impl Node {
    pub(crate) fn start(lines: impl Lines + 'static) -> Self {
        let (doorbell, heard) = (Doorbell::new(), Arc::<Mutex<Vec<News>>>::default());
        let (own, ear) = (doorbell.clone(), Arc::clone(&heard));
        let task = tokio::spawn(async move {
            cstar_doorbell::run(&own, &lines, |news| ear.lock().push(news)).await;
        });
        Self { doorbell, heard, task }
    }

    pub(crate) fn heard(&self) -> Vec<News> {
        std::mem::take(&mut self.heard.lock())
    }

    /// Rings until the other has heard it: a bell may be lost while lines are made.
    pub(crate) async fn is_heard_by(&self, hearer: &Self, news: News) {
        until("a bell", async || {
            self.doorbell.ring(news);
            hearer.heard().contains(&news).then_some(())
        })
        .await;
        assert!(!self.heard().contains(&news), "nobody hears itself");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}
