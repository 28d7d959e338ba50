//! Lanes: what is started next, and what is not.
//!
//! Each webhook has a lane; lanes take turns under one global limit, so that one slow or dead endpoint never delays
//! another. This is a state machine without IO and without a clock: it is told what happened and asked for the next
//! [`Step`].

mod lane;
mod memory;
mod pace;
mod quota;
mod recent;
mod slots;
mod steps;
mod survey;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use cstar_store::{Due, DueSlice};
use cstar_types::{DeliveryId, Timestamp, WebhookId};

use lane::{Lane, Loaded};
use memory::Memory;
use recent::Recent;
pub(crate) use slots::CEILING;
use slots::Slots;
pub(crate) use survey::{Held, Survey};
use turns::{Turn, Turns};

/// The most lanes that are remembered when they have nothing to do: some ten megabytes. A lane that was forgotten begins
/// unproven again.
const IDLE_LANES_MAX: usize = 50_000;

/// The bounds of all lanes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LaneLimits {
    /// The global limit of requests in flight.
    pub(crate) in_flight: usize,
    /// The highest limit of one lane.
    pub(crate) in_flight_a_lane: u32,
    /// What may wait in memory, in bytes.
    pub(crate) waiting_bytes: usize,
}

/// What to do next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Make an attempt; tell [`Lanes::ended`] and then [`Lanes::settled`], or [`Lanes::given_up`]. `proven` if the one
    /// before it succeeded.
    Start { due: Due, proven: bool },
    /// Read what is due for this webhook, at most `limit`; tell [`Lanes::loaded`] or [`Lanes::load_failed`].
    Load { webhook: WebhookId, limit: usize },
}

/// How an attempt ended, as far as its lane cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It succeeded, and took so long.
    Succeeded(Duration),
    /// It failed.
    Failed,
    /// It was not made.
    NotMade,
}

/// How many there are, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LaneCounts {
    pub(crate) lanes: usize,
    pub(crate) failing: usize,
    pub(crate) in_flight: usize,
    pub(crate) waiting: usize,
    pub(crate) waiting_bytes: usize,
}

/// All lanes. DLV-3: nothing that is due is forgotten, and nothing is started while it is still known; DLV-4: see
/// [`Slots`].
#[derive(Debug)]
pub(crate) struct Lanes {
    limits: LaneLimits,
    lanes: HashMap<WebhookId, Lane>,
    turns: Turns,
    slots: Slots,
    memory: Memory,
    timers: BTreeSet<(Timestamp, WebhookId)>,
    /// When rate limits have room again.
    quotas: BTreeSet<(Timestamp, WebhookId)>,
    loads: Loads,
    recent: Recent,
    /// A lane that will run dry soon.
    dry_soon: Option<WebhookId>,
    failing: usize,
}

/// Reads on their way. Suspects make half of them at most, so that they cannot keep the others waiting here either.
#[derive(Debug, Default)]
struct Loads {
    proven: usize,
    suspect: usize,
}

impl Loads {
    /// As many reads at once as a store on one machine can use.
    const MAX: usize = 8;

    fn are_open(&self, turn: Turn) -> bool {
        match turn {
            Turn::Read => self.proven + self.suspect < Self::MAX,
            Turn::SuspectRead => self.proven + self.suspect < Self::MAX && self.suspect < Self::MAX / 2,
            Turn::First | Turn::Further | Turn::Untried | Turn::Failing => true,
        }
    }

    fn count(&mut self, proven: bool) -> &mut usize {
        if proven { &mut self.proven } else { &mut self.suspect }
    }
}

impl Lanes {
    pub(crate) fn new(limits: LaneLimits) -> Self {
        Self {
            limits,
            lanes: HashMap::new(),
            turns: Turns::default(),
            slots: Slots::new(limits.in_flight),
            memory: Memory::new(limits.waiting_bytes),
            timers: BTreeSet::new(),
            quotas: BTreeSet::new(),
            loads: Loads::default(),
            recent: Recent::default(),
            dry_soon: None,
            failing: 0,
        }
    }

    /// A delivery was committed.
    pub(crate) fn offer(&mut self, due: Due) {
        if self.recent.has(due.id) {
            return; // it was read from the store, and that was faster
        }
        let webhook = due.webhook;
        let lane = self.lanes.entry(webhook).or_insert_with(Lane::new);
        lane.offer(due, &mut self.memory);
        lane.enter(webhook, &mut self.turns);
    }

    /// The store has something for this webhook that is due then.
    pub(crate) fn due_at(&mut self, webhook: WebhookId, at: Timestamp) {
        let lane = self.lanes.entry(webhook).or_insert_with(Lane::new);
        if lane.timer.is_none_or(|set| at < set) {
            if let Some(set) = lane.timer.replace(at) {
                self.timers.remove(&(set, webhook));
            }
            self.timers.insert((at, webhook));
        }
    }

    /// Something was left to this webhook's lane that is due; what is ordered may have its turn before what is in memory.
    pub(crate) fn is_due(&mut self, webhook: WebhookId, now: Timestamp) {
        if self.lanes.get(&webhook).is_some_and(Lane::is_ordered) {
            self.read_again(webhook);
        }
        self.due_at(webhook, now);
    }

    /// An ended delivery was reopened, and is due.
    pub(crate) fn reopened(&mut self, webhook: WebhookId, delivery: DeliveryId) {
        let lane = self.lanes.entry(webhook).or_insert_with(Lane::new);
        lane.reopened(delivery, &mut self.memory);
        lane.enter(webhook, &mut self.turns);
    }

    /// A webhook was changed: it may be another endpoint, and what waits for it may have been cancelled.
    pub(crate) fn changed(&mut self, webhook: WebhookId) {
        self.learn(webhook, Lane::begin_anew);
        self.read_again(webhook);
        self.drop_if_idle(webhook);
    }

    /// What it has in memory may not be so any more.
    pub(crate) fn read_again(&mut self, webhook: WebhookId) {
        if let Some(lane) = self.lanes.get_mut(&webhook) {
            lane.read_again(&mut self.memory);
            lane.enter(webhook, &mut self.turns);
        }
    }

    /// Anything may have changed, and what was told of it is lost.
    pub(crate) fn changed_all(&mut self) {
        self.lanes.values_mut().for_each(Lane::doubt);
        let webhooks: Vec<WebhookId> = self.lanes.keys().copied().collect();
        // Their paces stay: what is lost is news of a few, and to try every endpoint anew would hold up all.
        webhooks.into_iter().for_each(|webhook| self.read_again(webhook));
    }

    /// A request is no longer in flight. Its delivery stays known.
    pub(crate) fn ended(&mut self, webhook: WebhookId, ended: Ended) {
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        let full = lane.in_flight >= lane.pace.limit();
        self.slots.give_back(lane.pace.is_proven());
        if lane.end() {
            let most = self.limits.in_flight_a_lane;
            self.learn(webhook, |lane| match ended {
                Ended::Succeeded(took) => lane.pace.succeeded(took, full, most),
                Ended::Failed => lane.pace.failed(),
                Ended::NotMade => {}
            });
        }
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        if lane.pace.failures() >= memory::FAILURES_TO_LET_GO {
            lane.let_go(memory::SUSPECT_DELIVERIES, &mut self.memory);
        }
        lane.enter(webhook, &mut self.turns);
    }

    /// Changes what is known of an endpoint, and what is counted by it.
    fn learn(&mut self, webhook: WebhookId, learn: impl FnOnce(&mut Lane)) {
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        let (was_proven, was_failing) = (lane.pace.is_proven(), lane.pace.failures() > 0);
        learn(lane);
        if lane.pace.is_proven() != was_proven {
            self.slots.reassign(lane.in_flight, lane.pace.is_proven());
        }
        self.failing += usize::from(lane.pace.failures() > 0);
        self.failing -= usize::from(was_failing);
    }

    /// A result cannot go on record for now: the lane starts nothing until it has, see [`Lanes::release`].
    pub(crate) fn hold(&mut self, webhook: WebhookId) {
        if let Some(lane) = self.lanes.get_mut(&webhook) {
            lane.held += 1;
        }
    }

    /// A result that held its lane is on record, or given up; [`Lanes::settled`] follows.
    pub(crate) fn release(&mut self, webhook: WebhookId) {
        if let Some(lane) = self.lanes.get_mut(&webhook) {
            lane.held -= 1;
            lane.enter(webhook, &mut self.turns);
        }
    }

    /// The result of an attempt is on record; the next one is due then, if there is one.
    pub(crate) fn settled(&mut self, webhook: WebhookId, delivery: DeliveryId, next: Option<Timestamp>) {
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        let told = lane.settle(delivery, next.is_some(), &mut self.memory);
        lane.enter(webhook, &mut self.turns);
        if !told {
            self.recent.add(delivery);
        }
        match next {
            Some(at) => self.due_at(webhook, at),
            None => self.drop_if_idle(webhook),
        }
    }

    /// An attempt could not be made, and the next could not either: the lane rests until then, or until it hears of
    /// something new. If there is nobody to send to any more, the store will have nothing then.
    pub(crate) fn given_up(&mut self, webhook: WebhookId, delivery: DeliveryId, again_at: Timestamp) {
        self.ended(webhook, Ended::NotMade);
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        lane.rest(&mut self.memory);
        lane.settle(delivery, false, &mut self.memory);
        lane.enter(webhook, &mut self.turns);
        self.due_at(webhook, again_at);
    }

    /// The answer to [`Step::Load`], which was asked at `asked_at`.
    pub(crate) fn loaded(&mut self, webhook: WebhookId, slice: DueSlice, asked_at: Timestamp) {
        let more = slice.next.is_some_and(|next| next <= asked_at);
        let next = slice.next.filter(|_| !more);
        let Some(Loaded { taken, is_all, .. }) = self.end_load(webhook, Some(slice), more) else { return };
        if is_all {
            self.forget_timer(webhook);
        }
        match next.filter(|_| taken) {
            Some(at) => self.due_at(webhook, at),
            None => self.drop_if_idle(webhook),
        }
    }

    /// Another time is known, or none.
    fn forget_timer(&mut self, webhook: WebhookId) {
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        if let Some(set) = lane.timer.take() {
            self.timers.remove(&(set, webhook));
        }
    }

    /// A read failed; it is made again then.
    pub(crate) fn load_failed(&mut self, webhook: WebhookId, again_at: Timestamp) {
        self.end_load(webhook, None, false);
        self.due_at(webhook, again_at);
    }

    fn end_load(&mut self, webhook: WebhookId, slice: Option<DueSlice>, more: bool) -> Option<Loaded> {
        let lane = self.lanes.get_mut(&webhook)?;
        let loaded = lane.end_load(slice, more, &mut self.memory);
        if let Some(Loaded { proven, .. }) = loaded {
            *self.loads.count(proven) -= 1;
        }
        // It was its turn when it asked.
        lane.enter_first(webhook, &mut self.turns);
        loaded
    }

    /// A lane of which nothing is known is none: so those of deleted webhooks go.
    fn drop_if_idle(&mut self, webhook: WebhookId) {
        let Some(lane) = self.lanes.get(&webhook).filter(|lane| lane.is_idle()) else { return };
        if lane.pace.is_new() || self.lanes.len() > IDLE_LANES_MAX {
            self.failing -= usize::from(lane.pace.failures() > 0);
            self.lanes.remove(&webhook);
        }
    }

    /// What was started and is not on record.
    pub(crate) fn on_their_way(&self) -> Vec<DeliveryId> {
        self.lanes.values().flat_map(Lane::on_their_way).collect()
    }

    /// When there is something to do although nothing happens.
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        [self.timers.first(), self.quotas.first()].into_iter().flatten().map(|(at, _)| *at).min()
    }

    pub(crate) fn counts(&self) -> LaneCounts {
        LaneCounts {
            lanes: self.lanes.len(),
            failing: self.failing,
            in_flight: self.slots.taken(),
            waiting: self.memory.deliveries(),
            waiting_bytes: self.memory.bytes(),
        }
    }
}
