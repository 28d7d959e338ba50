//! From the state of the lanes to the next step.

use cstar_types::{Timestamp, WebhookId};

use super::turns::Turn;
use super::{Lanes, Step};

impl Lanes {
    /// What to do next, or `None` until something happens or [`Lanes::next_timer`] comes.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<Step> {
        self.ring(now);
        if let Some(step) = self.dry_soon.take().and_then(|webhook| self.load(webhook)) {
            return Some(step);
        }
        loop {
            let (slots, loads) = (&self.slots, &self.loads);
            let is_open = |turn| slots.is_open(turn) && loads.are_open(turn);
            let (turn, webhook) = self.turns.next(is_open)?;
            if let Some(step) = self.take_turn(turn, webhook, now) {
                return Some(step);
            }
        }
    }

    /// Lanes whose time has come look into the store, and rate limits have room again.
    fn ring(&mut self, now: Timestamp) {
        while let Some((_, webhook)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.pop_first();
            if let Some(lane) = self.lanes.get_mut(&webhook) {
                lane.timer = None;
                lane.mark_more();
                lane.enter(webhook, &mut self.turns);
            }
        }
        while let Some((_, webhook)) = self.quotas.first().copied().filter(|(at, _)| *at <= now) {
            self.quotas.pop_first();
            let Some(lane) = self.lanes.get_mut(&webhook) else { continue };
            let next = lane.free_quota(now);
            lane.enter(webhook, &mut self.turns);
            match next {
                Some(at) => drop(self.quotas.insert((at, webhook))),
                None => self.drop_if_idle(webhook),
            }
        }
    }

    fn take_turn(&mut self, turn: Turn, webhook: WebhookId, now: Timestamp) -> Option<Step> {
        let lane = self.lanes.get_mut(&webhook)?;
        lane.queued.leave(turn);
        if lane.turn() != Some(turn) {
            lane.enter(webhook, &mut self.turns);
            return None;
        }
        match turn {
            Turn::First | Turn::Further | Turn::Untried | Turn::Failing => self.start(webhook, now),
            Turn::Read | Turn::SuspectRead => self.load(webhook),
        }
    }

    fn start(&mut self, webhook: WebhookId, now: Timestamp) -> Option<Step> {
        let lane = self.lanes.get_mut(&webhook)?;
        let due = lane.pop(&mut self.memory)?;
        lane.in_flight += 1;
        if let Some(at) = lane.spend(now) {
            self.quotas.insert((at, webhook));
        }
        let proven = lane.pace.is_proven();
        self.slots.take(proven);
        let read = if proven { Turn::Read } else { Turn::SuspectRead };
        if lane.runs_dry() && self.loads.are_open(read) && self.memory.has_room_for(&lane.pace) {
            self.dry_soon = Some(webhook);
        }
        lane.enter(webhook, &mut self.turns);
        Some(Step::Start { due, proven })
    }

    fn load(&mut self, webhook: WebhookId) -> Option<Step> {
        let lane = self.lanes.get_mut(&webhook).filter(|lane| lane.can_load())?;
        *self.loads.count(lane.pace.is_proven()) += 1;
        Some(Step::Load { webhook, limit: lane.begin_load(&self.memory) })
    }
}
