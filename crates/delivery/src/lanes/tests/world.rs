//! A store, a tail and endpoints as the lanes see them, and what must hold at each step.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use cstar_store::{Due, DueSlice, LaneRule};
use cstar_types::{DeliveryId, Entry, Event, EventId, Position, Timestamp, WebhookId};
use uuid::Uuid;

use super::super::turns::Turn;
use super::super::{Ended, LaneLimits, Lanes, Step};

pub(super) const SLOTS: usize = 6;
const LIMITS: LaneLimits = LaneLimits { in_flight: SLOTS, in_flight_a_lane: 3, waiting_bytes: 6000 };

/// A delivery as the store has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) webhook: WebhookId,
    /// `None` once it has ended.
    due_at: Option<Timestamp>,
    cancelled: bool,
    /// It was resent at least once: those behind it in the log may have been sent meanwhile.
    reopened: bool,
}

pub(super) enum Told {
    Appended(Due),
    Reopened(WebhookId, DeliveryId),
    /// And whether it is ordered now.
    Changed(WebhookId, bool),
}

pub(super) struct Load {
    pub(super) webhook: WebhookId,
    pub(super) asked_at: Timestamp,
    pub(super) limit: usize,
    /// What was read, once it was: it may be told much later.
    read: Option<DueSlice>,
}

pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) rows: BTreeMap<DeliveryId, Row>,
    /// Those that are ordered, as the store has them.
    pub(super) ordered: BTreeSet<WebhookId>,
    /// The same, as the lanes have heard.
    pub(super) heard_ordered: BTreeSet<WebhookId>,
    pub(super) tail: VecDeque<Told>,
    pub(super) lanes: Lanes,
    pub(super) loads: Vec<Load>,
    /// Surveys of the store that are on their way, and what was read, once it was.
    pub(super) surveys: Vec<Option<Vec<(WebhookId, Timestamp)>>>,
    pub(super) in_flight: Vec<(WebhookId, DeliveryId)>,
    /// When each attempt began.
    pub(super) begun: Vec<(WebhookId, Timestamp)>,
    pub(super) unrecorded: VecDeque<(WebhookId, DeliveryId, Option<Duration>)>,
    pub(super) unsettled: VecDeque<(WebhookId, DeliveryId, Option<Timestamp>)>,
    entry: Arc<Entry>,
}

pub(super) fn webhook(number: u8) -> WebhookId {
    WebhookId::from_bits(number.into())
}

pub(super) fn pick<T>(from: &mut Vec<T>, which: u8) -> Option<T> {
    if from.is_empty() { None } else { Some(from.remove(usize::from(which) % from.len())) }
}

fn set(webhooks: &mut BTreeSet<WebhookId>, webhook: WebhookId, ordered: bool) {
    if ordered {
        webhooks.insert(webhook);
    } else {
        webhooks.remove(&webhook);
    }
}

/// Some have a limit, all the while.
fn rate_limit(webhook: WebhookId) -> Option<u32> {
    [(4, 1), (5, 2), (6, 3)]
        .into_iter()
        .find(|(number, _)| webhook == self::webhook(*number))
        .map(|(_, limit)| limit)
}

/// A slice is bounded in bytes, however many deliveries are asked for: it may hold nothing but what is known.
const SLICE_ROWS_MAX: usize = 4;

impl World {
    pub(super) fn new() -> Self {
        let team = cstar_types::TeamId::from_uuid(Uuid::nil());
        let now = Timestamp::from_millis(1_000_000);
        let event =
            Event::new(EventId::from_bits(1, false), "ticket.created".parse().unwrap(), team, now, b"{}");
        Self {
            now,
            rows: BTreeMap::new(),
            ordered: BTreeSet::new(),
            heard_ordered: BTreeSet::new(),
            tail: VecDeque::new(),
            lanes: Lanes::new(LIMITS),
            loads: Vec::new(),
            surveys: Vec::new(),
            in_flight: Vec::new(),
            begun: Vec::new(),
            unrecorded: VecDeque::new(),
            unsettled: VecDeque::new(),
            entry: Arc::new(Entry { position: Position::new(1, 1), event }),
        }
    }

    pub(super) fn due(&self, id: DeliveryId, row: Row, due_at: Timestamp) -> Due {
        let (webhook, entry) = (row.webhook, Arc::clone(&self.entry));
        Due { id, webhook, entry, attempts: 0, failed: 0, due_at, rule: self.rule(webhook) }
    }

    fn rule(&self, webhook: WebhookId) -> LaneRule {
        LaneRule { ordered: self.ordered.contains(&webhook), rate_limit: rate_limit(webhook) }
    }

    /// As [`cstar_store::Deliveries::due`] answers.
    pub(super) fn slice(&self, webhook: WebhookId, now: Timestamp, limit: usize) -> DueSlice {
        let of_webhook = self.rows.iter().filter(|(_, row)| row.webhook == webhook);
        let mut waiting: Vec<Due> =
            of_webhook.filter_map(|(id, row)| Some(self.due(*id, *row, row.due_at?))).collect();
        let rule = self.rule(webhook);
        if !rule.ordered {
            waiting.sort_by_key(|due| (due.due_at, due.id)); // else by their ids, as they were published
        }
        let limit = limit.min(SLICE_ROWS_MAX);
        let due = waiting.iter().take(limit).take_while(|due| due.due_at <= now).cloned().collect::<Vec<_>>();
        let next = waiting.get(due.len()).map(|due| due.due_at);
        DueSlice { due, next, rule }
    }

    pub(super) fn publish(&mut self, webhook: WebhookId) {
        let id = DeliveryId::from_bits(self.rows.len() as u128 + 1);
        let row = Row { webhook, due_at: Some(self.now), cancelled: false, reopened: false };
        self.rows.insert(id, row);
        self.tail.push_back(Told::Appended(self.due(id, row, self.now)));
    }

    pub(super) fn hear_one(&mut self) {
        match self.tail.pop_front() {
            Some(Told::Appended(due)) => self.lanes.offer(due),
            Some(Told::Reopened(webhook, id)) => self.lanes.reopened(webhook, id),
            Some(Told::Changed(webhook, ordered)) => {
                set(&mut self.heard_ordered, webhook, ordered);
                self.lanes.changed(webhook);
            }
            None => {}
        }
    }

    pub(super) fn hear(&mut self) {
        while !self.tail.is_empty() {
            self.hear_one();
        }
    }

    pub(super) fn read_store(&mut self, which: u8) {
        if self.loads.is_empty() {
            return;
        }
        let place = usize::from(which) % self.loads.len();
        let Load { webhook, asked_at, limit, .. } = self.loads[place];
        self.loads[place].read = Some(self.slice(webhook, asked_at, limit));
    }

    pub(super) fn answer_load(&mut self, which: u8) {
        if let Some(load) = pick(&mut self.loads, which) {
            let slice = load.read.unwrap_or_else(|| self.slice(load.webhook, load.asked_at, load.limit));
            self.lanes.loaded(load.webhook, slice, load.asked_at);
        }
    }

    pub(super) fn end(&mut self, which: u8, took: Option<Duration>) {
        if let Some((webhook, id)) = pick(&mut self.in_flight, which) {
            self.lanes.ended(webhook, took.map_or(Ended::Failed, Ended::Succeeded));
            self.unrecorded.push_back((webhook, id, took));
        }
    }

    /// The store takes a result; its answer is still on the way.
    pub(super) fn record_one(&mut self) {
        let Some((webhook, id, took)) = self.unrecorded.pop_front() else { return };
        let row = self.rows.get_mut(&id).unwrap();
        row.due_at = match (row.due_at, took) {
            (Some(_), None) => Some(self.now.plus(Duration::from_millis(1500))),
            _ => None,
        };
        self.unsettled.push_back((webhook, id, row.due_at));
    }

    /// The answers come, and before them all that the store told before.
    pub(super) fn settle(&mut self) {
        self.hear();
        while let Some((webhook, id, next)) = self.unsettled.pop_front() {
            self.lanes.settled(webhook, id, next);
        }
    }

    pub(super) fn reopen(&mut self, which: u8) {
        let has_ended = |id: &DeliveryId| self.rows[id].due_at.is_none();
        let all = self.rows.keys().copied().filter(has_ended);
        let unsettled = self.unsettled.iter().map(|(_, id, _)| *id).filter(has_ended);
        // Somebody who resends as soon as it has ended is where it is easily lost.
        let mut ended: Vec<DeliveryId> = if which < 200 { unsettled.collect() } else { all.collect() };
        if let Some(id) = pick(&mut ended, which) {
            let row = self.rows.get_mut(&id).unwrap();
            row.due_at = Some(self.now);
            row.cancelled = false;
            row.reopened = true;
            self.tail.push_back(Told::Reopened(row.webhook, id));
        }
    }

    pub(super) fn change(&mut self, webhook: WebhookId, cancel: bool) {
        let waits = |row: &&mut Row| cancel && row.webhook == webhook && row.due_at.is_some();
        for row in self.rows.values_mut().filter(waits) {
            row.due_at = None;
            row.cancelled = true;
        }
        self.tail.push_back(Told::Changed(webhook, self.ordered.contains(&webhook)));
    }

    pub(super) fn order(&mut self, webhook: WebhookId, ordered: bool) {
        set(&mut self.ordered, webhook, ordered);
        self.change(webhook, false);
    }

    pub(super) fn lag(&mut self) {
        self.tail.clear();
        self.heard_ordered = self.ordered.clone();
        self.lanes.changed_all();
        self.surveys.push(None); // its answer comes later, and what is committed meanwhile is told before
    }

    /// The process dies and another begins on the same store: what was in flight or unrecorded is due as before, and may be started
    /// once more.
    pub(super) fn crash(&mut self) {
        self.lanes = Lanes::new(LIMITS);
        self.tail.clear();
        self.heard_ordered = self.ordered.clone();
        self.loads.clear();
        self.in_flight.clear();
        self.unrecorded.clear();
        self.unsettled.clear();
        // How much a webhook has had in the last second, nobody remembers.
        self.begun.clear();
        self.surveys = vec![None];
    }

    fn all_due(&self) -> Vec<(WebhookId, Timestamp)> {
        self.rows.values().filter_map(|row| Some((row.webhook, row.due_at?))).collect()
    }

    pub(super) fn read_survey(&mut self) {
        let found = self.all_due();
        if let Some(survey) = self.surveys.iter_mut().find(|survey| survey.is_none()) {
            *survey = Some(found);
        }
    }

    pub(super) fn answer_survey(&mut self, which: u8) {
        if let Some(survey) = pick(&mut self.surveys, which) {
            let found = survey.unwrap_or_else(|| self.all_due());
            found.into_iter().for_each(|(webhook, at)| self.lanes.due_at(webhook, at));
        }
    }

    /// Takes every step, and looks at each.
    pub(super) fn run(&mut self) {
        while let Some(step) = self.lanes.next(self.now) {
            match step {
                Step::Start { due, .. } => self.start(&due),
                Step::Load { webhook, limit } => {
                    assert!(limit > 0);
                    self.loads.push(Load { webhook, asked_at: self.now, limit, read: None });
                }
            }
        }
        self.nobody_waits_for_nothing();
    }

    pub(super) fn start(&mut self, due: &Due) {
        let row = self.rows[&due.id];
        let known = self.in_flight.iter().any(|(_, id)| *id == due.id)
            || self.unrecorded.iter().any(|(_, id, _)| *id == due.id)
            || self.unsettled.iter().any(|(_, id, _)| *id == due.id);
        assert!(!known, "{} was started twice", due.id);
        assert!(
            row.cancelled || row.due_at.is_some_and(|at| at <= self.now),
            "{} is not due: {row:?}",
            due.id
        );
        let news = |told: &Told| matches!(told, Told::Changed(webhook, _) if *webhook == due.webhook);
        if self.heard_ordered.contains(&due.webhook) && !self.tail.iter().any(news) {
            self.has_its_turn(due);
        }
        self.begun.push((due.webhook, self.now));
        let last =
            self.begun.iter().rev().take_while(|(_, at)| self.now.since(*at) <= Duration::from_secs(1));
        let last = last.filter(|(webhook, _)| *webhook == due.webhook).count();
        assert!(rate_limit(due.webhook).is_none_or(|limit| last <= limit as usize), "{last} in one second");
        self.in_flight.push((due.webhook, due.id));
        assert!(self.in_flight.len() <= 2 * SLOTS);
        if !self.lanes.lanes[&due.webhook].pace.is_proven() {
            let of_lane = self.in_flight.iter().filter(|(webhook, _)| *webhook == due.webhook).count();
            assert_eq!(of_lane, 1, "DLV-4: one slot for a lane that fails");
            assert!(self.lanes.slots.suspect() <= SLOTS / 2, "DLV-4: half of the limit for all that fail");
        }
    }

    /// In an ordered lane nothing else is under way, and nothing before it waits but what was resent.
    fn has_its_turn(&self, due: &Due) {
        let others = self.in_flight.iter().map(|(webhook, id)| (webhook, id));
        let others = others.chain(self.unrecorded.iter().map(|(webhook, id, _)| (webhook, id)));
        let mut others = others.chain(self.unsettled.iter().map(|(webhook, id, _)| (webhook, id)));
        assert!(!others.any(|(webhook, _)| *webhook == due.webhook), "{} beside another", due.id);
        let mut before = self.rows.range(..due.id).filter(|(_, row)| row.webhook == due.webhook);
        let overtaken = before.find(|(_, row)| row.due_at.is_some() && !row.reopened);
        assert!(overtaken.is_none(), "{} before {overtaken:?}", due.id);
    }

    pub(super) fn nobody_waits_for_nothing(&self) {
        let taken = self.in_flight.len();
        assert_eq!(self.lanes.counts().in_flight, taken);
        let survey = self.lanes.survey();
        let of_all = [survey.proven, survey.untried, survey.failing];
        assert_eq!(of_all.iter().map(|held| held.in_flight).sum::<u64>(), taken as u64);
        let due = of_all.iter().map(|held| held.due).sum::<u64>();
        assert_eq!((due, survey.due_since.is_some()), (self.lanes.counts().waiting as u64, due > 0));
        for lane in self.lanes.lanes.values() {
            let stuck = lane.turn() == Some(Turn::First);
            assert!(!stuck || taken >= 2 * SLOTS, "DLV-4: a proven lane found no slot");
        }
    }

    /// Answers every read, and takes what follows.
    pub(super) fn finish_loads(&mut self) {
        self.run();
        while !self.loads.is_empty() {
            self.answer_load(0);
            self.run();
        }
    }

    /// Lets everything end well, and looks whether anything was left behind.
    pub(super) fn finish(&mut self) {
        for _ in 0..10_000 {
            self.hear();
            while !self.surveys.is_empty() {
                self.answer_survey(0);
            }
            while !self.loads.is_empty() {
                self.answer_load(0);
            }
            while !self.in_flight.is_empty() {
                self.end(0, Some(Duration::from_millis(10)));
            }
            while !self.unrecorded.is_empty() {
                self.record_one();
            }
            self.settle();
            self.run();
            if self.in_flight.is_empty() && self.loads.is_empty() {
                match self.lanes.next_timer() {
                    Some(at) => self.now = self.now.max(at),
                    None => break,
                }
                self.run();
            }
        }
        let left: Vec<_> = self.rows.iter().filter(|(_, row)| row.due_at.is_some()).collect();
        assert!(left.is_empty(), "DLV-3: forgotten: {left:?}");
        let counts = self.lanes.counts();
        assert_eq!((counts.in_flight, counts.waiting, counts.waiting_bytes), (0, 0, 0));
    }
}
