//! One webhook's lane.

use std::collections::{HashMap, HashSet, VecDeque};

use cstar_store::{Due, DueSlice, LaneRule};
use cstar_types::{DeliveryId, Timestamp, WebhookId};

use super::memory::{self, Memory};
use super::pace::Pace;
use super::quota::Quota;
use super::turns::{Queued, Turn, Turns};

/// The deliveries of one webhook: some in memory, the rest in the store.
///
/// A delivery is *known* from when it comes into memory until its result is on record, so that it is started once although
/// the store shows it as due all the while (DLV-3).
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) pace: Pace,
    pub(super) queued: Queued,
    pub(super) in_flight: u32,
    /// How the webhook wants its deliveries, as the store last said.
    rule: LaneRule,
    /// What it has used of its rate limit.
    quota: Quota,
    /// Results that somebody else keeps from going on record. Until they have, nothing more is started.
    pub(super) held: usize,
    /// How many of those in flight began before the webhook was changed. Nothing else is in flight then: see [`Lane::begin_anew`].
    in_flight_before: u32,
    /// When the store has something that is not due yet.
    pub(super) timer: Option<Timestamp>,
    waiting: VecDeque<Due>,
    waiting_bytes: usize,
    known: HashMap<DeliveryId, Known>,
    /// The store has something due that is not in memory.
    more: bool,
    /// It has, but its last slice held nothing that is not known: it is read again once something of it is settled.
    stalled: bool,
    loading: Option<Loading>,
    /// The store was asked at least once, and all that it took since was told.
    was_read: bool,
    /// How much one delivery weighed when it was last loaded.
    typical_bytes: usize,
}

/// What is remembered of a delivery that is known.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// It was reopened meanwhile.
    reopened: bool,
    /// The tail has told of it: it does so once.
    told: bool,
}

/// A read of the store that is on its way.
#[derive(Debug, Default)]
struct Loading {
    /// Something became due that it may not have seen.
    missed: bool,
    /// That was an old one, which may stand before what it brings.
    reopened: bool,
    /// The webhook has changed: what it brings is left to the store.
    outdated: bool,
    /// What was put on record meanwhile: it may show them as they were before.
    settled: Vec<DeliveryId>,
    /// Whether the lane was proven when it began.
    proven: bool,
}

/// What became of a read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loaded {
    /// Whether the lane was proven when it began.
    pub(super) proven: bool,
    /// Whether it says how things are.
    pub(super) taken: bool,
    /// Whether it says when the next is due, and no timer knows better: of what is ordered nothing is due again while it is
    /// made.
    pub(super) is_all: bool,
}

impl Lane {
    pub(super) fn new() -> Self {
        Self {
            pace: Pace::new(),
            queued: Queued::default(),
            in_flight: 0,
            rule: LaneRule::default(),
            quota: Quota::default(),
            held: 0,
            in_flight_before: 0,
            timer: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            known: HashMap::new(),
            more: false,
            stalled: false,
            loading: None,
            was_read: false,
            typical_bytes: memory::TYPICAL_BYTES,
        }
    }

    /// What it waits for, if it has anything to do.
    pub(super) fn turn(&self) -> Option<Turn> {
        if self.held > 0 || self.rule.rate_limit.is_some_and(|limit| self.quota.is_used_up(limit)) {
            return None;
        }
        let proven = self.pace.is_proven();
        let has_room = if self.rule.ordered {
            // Until its result is on record nobody knows whether the next has its turn.
            self.known.len() == self.waiting.len()
        } else {
            self.in_flight < if proven { self.pace.limit() } else { 1 }
        };
        match (has_room, self.waiting.is_empty()) {
            (false, _) => None,
            (true, false) if self.pace.failures() > 0 => Some(Turn::Failing),
            (true, false) if !proven => Some(Turn::Untried),
            (true, false) if self.in_flight == 0 => Some(Turn::First),
            (true, false) => Some(Turn::Further),
            (true, true) if !self.can_load() => None,
            (true, true) => Some(if proven { Turn::Read } else { Turn::SuspectRead }),
        }
    }

    /// Stands in line for its turn, if it has one and does not stand there already.
    pub(super) fn enter(&mut self, webhook: WebhookId, turns: &mut Turns) {
        if let Some(turn) = self.turn().filter(|turn| self.queued.enter(*turn)) {
            turns.enter(turn, webhook);
        }
    }

    /// Goes to the head of the line.
    pub(super) fn enter_first(&mut self, webhook: WebhookId, turns: &mut Turns) {
        if let Some(turn) = self.turn().filter(|turn| self.queued.enter(*turn)) {
            turns.enter_first(turn, webhook);
        }
    }

    /// Whether the store has more and is not being read.
    pub(super) fn can_load(&self) -> bool {
        self.more && self.loading.is_none()
    }

    /// How many deliveries it keeps in memory: of what goes slowly, a second's worth.
    fn keeps(&self) -> usize {
        let by_pace = memory::deliveries_of(&self.pace);
        let a_second = self.rule.rate_limit.map_or(usize::MAX, |limit| limit as usize);
        by_pace.min(a_second.max(memory::SUSPECT_DELIVERIES))
    }

    /// An attempt begins; answers when the rate limit has room again, if it had all of it before.
    pub(super) fn spend(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.rule.rate_limit.and_then(|_| self.quota.take(now))
    }

    /// Time has passed; answers when the rate limit has more room.
    pub(super) fn free_quota(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.quota.free(now)
    }

    /// Whether it will run dry soon although the store has more. What is ordered is not read ahead: what is in flight decides
    /// what follows.
    pub(super) fn runs_dry(&self) -> bool {
        let few = (self.pace.limit() as usize).min(self.keeps() / 2);
        self.can_load() && !self.rule.ordered && self.waiting.len() <= few
    }

    /// The webhook may be another endpoint now. Its pace is learned from the first request on, which waits for those in
    /// flight.
    pub(super) fn begin_anew(&mut self) {
        self.pace = Pace::new();
        self.in_flight_before = self.in_flight;
    }

    /// A request is no longer in flight; whether it says something of the endpoint.
    pub(super) fn end(&mut self) -> bool {
        self.in_flight -= 1;
        match self.in_flight_before.checked_sub(1) {
            None => true,
            Some(left) => {
                self.in_flight_before = left;
                false
            }
        }
    }

    /// Since when the first of what waits in memory is due.
    pub(super) fn due_since(&self) -> Option<Timestamp> {
        self.waiting.front().map(|due| due.due_at)
    }

    /// How many deliveries wait in memory.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What was started and is not on record.
    pub(super) fn on_their_way(&self) -> impl Iterator<Item = DeliveryId> {
        let waiting: HashSet<DeliveryId> = self.waiting.iter().map(|due| due.id).collect();
        self.known.keys().copied().filter(move |id| !waiting.contains(id))
    }

    /// Whether the store has something due that is not in memory.
    pub(super) fn has_more(&self) -> bool {
        self.more || self.stalled || self.loading.is_some()
    }

    /// Whether its deliveries are sent one after the other, as the store last said.
    pub(super) const fn is_ordered(&self) -> bool {
        self.rule.ordered
    }

    /// Whether nothing is known of it but its pace.
    pub(super) fn is_idle(&self) -> bool {
        self.known.is_empty()
            && !self.more
            && self.loading.is_none()
            && self.timer.is_none()
            && self.quota.is_empty()
    }

    /// The store has something due that is not in memory.
    pub(super) fn mark_more(&mut self) {
        match &mut self.loading {
            Some(loading) => loading.missed = true,
            None => self.more = true,
        }
    }

    /// Takes a delivery that was just committed, if there is room and nothing older waits in the store.
    pub(super) fn offer(&mut self, due: Due, memory: &mut Memory) {
        if let Some(known) = self.known.get_mut(&due.id) {
            known.told = true;
            return;
        }
        if self.stalled {
            return; // the store has it, too
        }
        if due.rule.ordered && !self.is_next_in_order() {
            // A read that is under way may have missed it, whatever the timer says by then.
            if self.timer.is_none() || self.loading.is_some() {
                self.mark_more();
            }
            return; // it is read behind what is older
        }
        let fits = self.waiting.len() < self.keeps()
            && self.waiting_bytes < memory::LANE_BYTES
            && memory.has_room_for(&self.pace);
        if self.more || !fits {
            self.mark_more();
        } else {
            self.push(due, true, memory);
        }
    }

    /// Whether nothing waits that is not in memory. With a timer, something older does: it is due again then.
    fn is_next_in_order(&self) -> bool {
        self.was_read && !self.more && self.loading.is_none() && self.timer.is_none()
    }

    fn push(&mut self, due: Due, told: bool, memory: &mut Memory) {
        self.rule = due.rule;
        let bytes = memory::weight(&due);
        self.waiting_bytes += bytes;
        memory.add(bytes);
        self.known.insert(due.id, Known { told, ..Known::default() });
        self.waiting.push_back(due);
    }

    /// The next to start; it stays known.
    pub(super) fn pop(&mut self, memory: &mut Memory) -> Option<Due> {
        let due = self.waiting.pop_front()?;
        self.unweigh(&due, memory);
        Some(due)
    }

    fn unweigh(&mut self, due: &Due, memory: &mut Memory) {
        let bytes = memory::weight(due);
        self.waiting_bytes -= bytes;
        memory.remove(bytes);
    }

    /// Begins a read; answers how many deliveries to ask for.
    pub(super) fn begin_load(&mut self, memory: &Memory) -> usize {
        self.more = false;
        self.stalled = false; // this read says anew; what is offered meanwhile it may not see
        self.was_read = true;
        self.loading = Some(Loading { proven: self.pace.is_proven(), ..Loading::default() });
        let by_count = self.keeps().saturating_sub(self.waiting.len());
        let by_bytes = memory::LANE_BYTES.saturating_sub(self.waiting_bytes) / self.typical_bytes;
        let by_all = memory.room_of(self.typical_bytes);
        // At least one, however full memory is: it is started next. What is known is among what is answered.
        self.known.len() + by_count.min(by_bytes).min(by_all).max(1)
    }

    /// Takes what was read, if anything could be; `more` if the store has more that is due.
    pub(super) fn end_load(
        &mut self,
        slice: Option<DueSlice>,
        more: bool,
        memory: &mut Memory,
    ) -> Option<Loaded> {
        let loading = self.loading.take()?;
        let proven = loading.proven;
        // What is ordered may have been settled meanwhile to be due again before all the others.
        let is_stale =
            |slice: &DueSlice| loading.outdated || (slice.rule.ordered && !loading.settled.is_empty());
        let failed = slice.is_none();
        let Some(DueSlice { due, rule, .. }) = slice.filter(|slice| !is_stale(slice)) else {
            self.more = !failed || loading.missed;
            return Some(Loaded { proven, taken: false, is_all: false });
        };
        self.rule = rule;
        let (count, before) = (self.waiting.len(), self.waiting_bytes);
        for due in due {
            if !self.known.contains_key(&due.id) && !loading.settled.contains(&due.id) {
                self.push(due, false, memory);
            }
        }
        if let Some(bytes) = (self.waiting_bytes - before).checked_div(self.waiting.len() - count) {
            self.typical_bytes = bytes;
        }
        // A slice is bounded in bytes as well: it can hold nothing but what is known. Then something of it must settle
        // before another look is worth anything.
        let nothing_new = self.waiting.len() == count && !self.known.is_empty();
        self.stalled = more && nothing_new;
        self.more = (more && !nothing_new) || loading.missed;
        if rule.ordered && loading.reopened {
            self.let_go(1, memory); // one, so that it gets on however much is resent
        }
        let alone = self.known.len() == self.waiting.len();
        Some(Loaded { proven, taken: true, is_all: rule.ordered && alone })
    }

    /// A delivery has its result on record, or is no longer this lane's business; `again` if it is due again, now or later. Answers
    /// whether the tail has told of it.
    pub(super) fn settle(&mut self, delivery: DeliveryId, again: bool, memory: &mut Memory) -> bool {
        let Known { reopened, told } = self.known.remove(&delivery).unwrap_or_default();
        if self.rule.ordered && (again || reopened) {
            self.let_go(0, memory);
            self.mark_more(); // the store says who is next
        }
        self.give_memory_back();
        if let Some(loading) = &mut self.loading {
            loading.settled.push(delivery);
        }
        if reopened || std::mem::take(&mut self.stalled) {
            self.mark_more();
        }
        told
    }

    /// An ended delivery is due again.
    pub(super) fn reopened(&mut self, delivery: DeliveryId, memory: &mut Memory) {
        if let Some(known) = self.known.get_mut(&delivery) {
            known.reopened = true; // the result that ended it is about to be settled
            return;
        }
        self.mark_more();
        if let Some(loading) = &mut self.loading {
            loading.reopened = true;
        }
        if self.rule.ordered {
            self.let_go(0, memory);
        }
    }

    /// News are lost: any of what is known may have been reopened without a word, and the store may have something older
    /// than what is told next.
    pub(super) fn doubt(&mut self) {
        self.was_read = false;
        self.known.values_mut().for_each(|known| known.reopened = true);
    }

    /// Leaves all but the first `keep` of what waits to the store.
    pub(super) fn let_go(&mut self, keep: usize, memory: &mut Memory) {
        while self.waiting.len() > keep {
            let Some(due) = self.waiting.pop_back() else { break };
            self.unweigh(&due, memory);
            self.known.remove(&due.id);
            self.mark_more();
        }
        self.give_memory_back();
    }

    /// Leaves all that waits to the store, and what is being read from it as well: it may not be so any more, nor due when
    /// the timer says.
    pub(super) fn read_again(&mut self, memory: &mut Memory) {
        self.let_go(0, memory);
        if let Some(loading) = &mut self.loading {
            loading.outdated = true;
        } else if self.timer.is_some() {
            self.more = true;
        }
    }

    /// A backlog leaves nothing behind when it is gone.
    fn give_memory_back(&mut self) {
        if self.known.is_empty() {
            self.known = HashMap::new();
            self.waiting = VecDeque::new();
        }
    }

    /// Leaves all that waits to the store, which is not read before the lane's timer.
    pub(super) fn rest(&mut self, memory: &mut Memory) {
        self.let_go(0, memory);
        self.more = false;
        self.stalled = false;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cstar_types::{Entry, Event, EventId, Position, TeamId};
    use uuid::Uuid;

    use super::*;

    fn due(number: u128) -> Due {
        let (team, at) = (TeamId::from_uuid(Uuid::nil()), Timestamp::from_millis(0));
        let event =
            Event::new(EventId::from_bits(1, false), "ticket.created".parse().unwrap(), team, at, b"{}");
        Due {
            id: DeliveryId::from_bits(number),
            webhook: WebhookId::from_bits(1),
            entry: Arc::new(Entry { position: Position::new(1, 1), event }),
            attempts: 0,
            failed: 0,
            due_at: at,
            rule: LaneRule::default(),
        }
    }

    /// DLV-3: a read that brought nothing new stalls a lane, and the next one, which may not see what is committed meanwhile, does
    /// not.
    #[test]
    fn what_is_offered_while_a_stalled_lane_is_read_again_is_kept() {
        let slice = |due: Vec<Due>| Some(DueSlice { due, next: None, rule: LaneRule::default() });
        let (mut lane, mut memory) = (Lane::new(), Memory::new(1 << 20));
        lane.offer(due(1), &mut memory);
        lane.pop(&mut memory).unwrap();
        lane.mark_more();
        lane.begin_load(&memory);
        lane.mark_more(); // something else becomes due
        lane.end_load(slice(vec![due(1)]), true, &mut memory).unwrap();
        assert!(lane.stalled && lane.can_load());

        lane.begin_load(&memory);
        lane.offer(due(2), &mut memory);
        lane.end_load(slice(vec![due(1)]), false, &mut memory).unwrap();
        lane.settle(DeliveryId::from_bits(1), false, &mut memory);
        assert!(lane.waiting() == 1 || lane.has_more(), "nobody will look for it");
    }

    #[test]
    fn a_backlog_that_is_gone_leaves_no_memory_behind() {
        let (mut lane, mut memory) = (Lane::new(), Memory::new(1 << 20));
        lane.pace.succeeded(std::time::Duration::ZERO, true, 8);
        (0..100).for_each(|number| lane.offer(due(number), &mut memory));
        assert!(lane.known.capacity() >= 100 && lane.waiting.capacity() >= 100);
        while let Some(due) = lane.pop(&mut memory) {
            lane.settle(due.id, false, &mut memory);
        }
        assert_eq!((lane.known.capacity(), lane.waiting.capacity()), (0, 0));
    }
}
