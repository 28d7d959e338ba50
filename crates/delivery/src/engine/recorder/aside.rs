//! Results whose team somebody else has locked. Those of each webhook go on record by themselves, on a few lanes beside that of
//! all others, which they do not hold up then.

use std::collections::HashMap;
use std::sync::Arc;

use cstar_store::StoreError;
use cstar_types::{DeliveryStatus, WebhookId};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::Instant;

use super::{AGAIN, GROUP_MAX, Group, Outstanding, Record, Way, pause};

/// Each of them may keep a connection to the database.
const LANES: usize = 3;

/// Results that were put aside.
pub(super) struct Aside {
    /// They wait for a lane.
    waiting: Vec<Outstanding>,
    lanes: FuturesUnordered<BoxFuture<'static, Ended>>,
    /// Whose the lanes are, and how many results are on each.
    under_way: HashMap<WebhookId, usize>,
    /// When those that wait are tried again with all others: it may be that nobody holds up them any more.
    again_at: Instant,
    /// How often in a row a lane has failed, and until when none begins.
    failures: u32,
    rests_until: Instant,
}

/// A lane that has come to its end.
pub(super) struct Ended {
    webhook: WebhookId,
    pub(super) group: Group,
    pub(super) answer: Result<Vec<Option<DeliveryStatus>>, StoreError>,
}

impl Aside {
    pub(super) fn new() -> Self {
        Self {
            waiting: Vec::new(),
            lanes: FuturesUnordered::new(),
            under_way: HashMap::new(),
            again_at: Instant::now(),
            failures: 0,
            rests_until: Instant::now(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.under_way.values().sum::<usize>()
    }

    pub(super) fn add(&mut self, outstanding: Outstanding) {
        if self.waiting.is_empty() {
            self.again_at = Instant::now() + AGAIN;
        }
        self.waiting.push(outstanding);
    }

    /// Begins to write what waits, as far as there are lanes.
    pub(super) fn begin(&mut self, record: &Record) {
        while self.under_way.len() < LANES && self.rests_until <= Instant::now() {
            let Some(webhook) = self.with_none_under_way().next() else { break };
            let is_its = |outstanding: &mut Outstanding| outstanding.report.webhook == webhook;
            let its = self.waiting.extract_if(.., is_its).take(GROUP_MAX);
            let group = Group::of(its);
            self.under_way.insert(webhook, group.len());
            let recording = record(Arc::clone(&group.reports), Way::Alone);
            self.lanes.push(Box::pin(async move { Ended { webhook, group, answer: recording.await } }));
        }
    }

    /// When those that found no lane are tried again.
    pub(super) fn again_at(&self) -> Option<Instant> {
        self.with_none_under_way().next().map(|_| self.again_at)
    }

    /// Those, once it is time.
    pub(super) fn take(&mut self, now: Instant) -> Vec<Outstanding> {
        if now < self.again_at {
            return Vec::new();
        }
        self.again_at = now + AGAIN;
        let Self { waiting, under_way, .. } = self;
        // Half a group: the rest is for others.
        let is_free = |outstanding: &mut Outstanding| !under_way.contains_key(&outstanding.report.webhook);
        waiting.extract_if(.., is_free).take(GROUP_MAX / 2).collect()
    }

    /// Waits for the end of a lane, if there are any.
    pub(super) async fn next(&mut self) -> Option<Ended> {
        let ended = self.lanes.next().await?;
        self.under_way.remove(&ended.webhook);
        self.failures = if ended.answer.is_err() { self.failures + 1 } else { 0 };
        self.rests_until = Instant::now() + pause(self.failures);
        Some(ended)
    }

    fn with_none_under_way(&self) -> impl Iterator<Item = WebhookId> {
        let waiting = self.waiting.iter().map(|outstanding| outstanding.report.webhook);
        waiting.filter(|webhook| !self.under_way.contains_key(webhook))
    }
}
