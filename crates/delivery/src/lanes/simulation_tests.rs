//! Random histories of a store, a tail and endpoints, driven through the lanes.
//!
//! DLV-3: nothing that is due is forgotten, nothing is started twice at a time, nothing that has ended is started.
//! DLV-4: who may hold how many slots, on counts.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use cstar_store::{Due, DueSlice};
use cstar_types::{DeliveryId, Entry, Event, EventId, Position, Timestamp, WebhookId};
use proptest::prelude::*;
use uuid::Uuid;

use super::{Ended, LaneLimits, Lanes, Step};

const SLOTS: usize = 6;
const WEBHOOKS: u8 = 9;
const LIMITS: LaneLimits = LaneLimits { in_flight: SLOTS, in_flight_a_lane: 3, waiting_bytes: 6000 };

/// One thing that happens; numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Publish { webhook: u8, count: u8 },
    Hear,
    ReadStore(u8),
    AnswerLoad(u8),
    FailLoad(u8),
    Succeed { which: u8, slow: bool },
    Fail(u8),
    GiveUp(u8),
    Record { count: u8 },
    Settle,
    Reopen(u8),
    Change { webhook: u8, cancel: bool },
    Lag,
    Pass { millis: u16 },
}

fn happens() -> impl Strategy<Value = Happens> {
    use Happens::{
        AnswerLoad, Change, Fail, FailLoad, GiveUp, Hear, Lag, Pass, Publish, ReadStore, Record, Reopen,
        Settle, Succeed,
    };
    prop_oneof![
        6 => (0..WEBHOOKS, 1..20u8).prop_map(|(webhook, count)| Publish { webhook, count }),
        8 => Just(Hear),
        4 => any::<u8>().prop_map(ReadStore),
        6 => any::<u8>().prop_map(AnswerLoad),
        1 => any::<u8>().prop_map(FailLoad),
        12 => (any::<u8>(), any::<bool>()).prop_map(|(which, slow)| Succeed { which, slow }),
        4 => any::<u8>().prop_map(Fail),
        1 => any::<u8>().prop_map(GiveUp),
        6 => (1..9u8).prop_map(|count| Record { count }),
        6 => Just(Settle),
        4 => any::<u8>().prop_map(Reopen),
        1 => (0..WEBHOOKS, any::<bool>()).prop_map(|(webhook, cancel)| Change { webhook, cancel }),
        1 => Just(Lag),
        4 => (0..3000u16).prop_map(|millis| Pass { millis }),
    ]
}

/// A delivery as the store has it.
#[derive(Debug, Clone, Copy)]
struct Row {
    webhook: WebhookId,
    /// `None` once it has ended.
    due_at: Option<Timestamp>,
    cancelled: bool,
}

enum Told {
    Appended(Due),
    Reopened(WebhookId, DeliveryId),
    Changed(WebhookId),
}

struct Load {
    webhook: WebhookId,
    asked_at: Timestamp,
    limit: usize,
    /// What was read, once it was: it may be told much later.
    read: Option<DueSlice>,
}

struct World {
    now: Timestamp,
    rows: BTreeMap<DeliveryId, Row>,
    tail: VecDeque<Told>,
    lanes: Lanes,
    loads: Vec<Load>,
    in_flight: Vec<(WebhookId, DeliveryId)>,
    unrecorded: VecDeque<(WebhookId, DeliveryId, Option<Duration>)>,
    unsettled: VecDeque<(WebhookId, DeliveryId, Option<Timestamp>)>,
    entry: Arc<Entry>,
}

fn webhook(number: u8) -> WebhookId {
    WebhookId::from_bits(number.into())
}

fn pick<T>(from: &mut Vec<T>, which: u8) -> Option<T> {
    if from.is_empty() { None } else { Some(from.remove(usize::from(which) % from.len())) }
}

impl World {
    fn new() -> Self {
        let team = cstar_types::TeamId::from_uuid(Uuid::nil());
        let now = Timestamp::from_millis(1_000_000);
        let event =
            Event::new(EventId::from_bits(1, false), "ticket.created".parse().unwrap(), team, now, b"{}");
        Self {
            now,
            rows: BTreeMap::new(),
            tail: VecDeque::new(),
            lanes: Lanes::new(LIMITS),
            loads: Vec::new(),
            in_flight: Vec::new(),
            unrecorded: VecDeque::new(),
            unsettled: VecDeque::new(),
            entry: Arc::new(Entry { position: Position::new(1, 1), event }),
        }
    }

    fn due(&self, id: DeliveryId, row: Row, due_at: Timestamp) -> Due {
        Due { id, webhook: row.webhook, entry: Arc::clone(&self.entry), attempts: 0, failed: 0, due_at }
    }

    /// As [`cstar_store::Deliveries::due`] answers.
    fn slice(&self, webhook: WebhookId, now: Timestamp, limit: usize) -> DueSlice {
        let of_webhook = self.rows.iter().filter(|(_, row)| row.webhook == webhook);
        let mut waiting: Vec<Due> =
            of_webhook.filter_map(|(id, row)| Some(self.due(*id, *row, row.due_at?))).collect();
        waiting.sort_by_key(|due| (due.due_at, due.id));
        let due = waiting.iter().take(limit).take_while(|due| due.due_at <= now).cloned().collect::<Vec<_>>();
        let next = waiting.get(due.len()).map(|due| due.due_at);
        DueSlice { due, next }
    }

    fn happen(&mut self, happens: Happens) {
        match happens {
            Happens::Publish { webhook: number, count } => {
                (0..count).for_each(|_| self.publish(webhook(number)))
            }
            Happens::Hear => self.hear_one(),
            Happens::ReadStore(which) => self.read_store(which),
            Happens::AnswerLoad(which) => self.answer_load(which),
            Happens::FailLoad(which) => {
                if let Some(load) = pick(&mut self.loads, which) {
                    self.lanes.load_failed(load.webhook, self.now.plus(Duration::from_secs(1)));
                }
            }
            Happens::Succeed { which, slow } => {
                self.end(which, Some(Duration::from_millis(if slow { 3000 } else { 10 })));
            }
            Happens::Fail(which) => self.end(which, None),
            Happens::GiveUp(which) => {
                if let Some((webhook, id)) = pick(&mut self.in_flight, which) {
                    self.lanes.given_up(webhook, id, Some(self.now.plus(Duration::from_secs(1))));
                }
            }
            Happens::Record { count } => (0..count).for_each(|_| self.record_one()),
            Happens::Settle => self.settle(),
            Happens::Reopen(which) => self.reopen(which),
            Happens::Change { webhook: number, cancel } => self.change(webhook(number), cancel),
            Happens::Lag => self.lag(),
            Happens::Pass { millis } => self.now = self.now.plus(Duration::from_millis(millis.into())),
        }
        self.run();
    }

    fn publish(&mut self, webhook: WebhookId) {
        let id = DeliveryId::from_bits(self.rows.len() as u128 + 1);
        let row = Row { webhook, due_at: Some(self.now), cancelled: false };
        self.rows.insert(id, row);
        self.tail.push_back(Told::Appended(self.due(id, row, self.now)));
    }

    fn hear_one(&mut self) {
        match self.tail.pop_front() {
            Some(Told::Appended(due)) => self.lanes.offer(due),
            Some(Told::Reopened(webhook, id)) => self.lanes.reopened(webhook, id),
            Some(Told::Changed(webhook)) => self.lanes.changed(webhook),
            None => {}
        }
    }

    fn hear(&mut self) {
        while !self.tail.is_empty() {
            self.hear_one();
        }
    }

    fn read_store(&mut self, which: u8) {
        if self.loads.is_empty() {
            return;
        }
        let place = usize::from(which) % self.loads.len();
        let Load { webhook, asked_at, limit, .. } = self.loads[place];
        self.loads[place].read = Some(self.slice(webhook, asked_at, limit));
    }

    fn answer_load(&mut self, which: u8) {
        if let Some(load) = pick(&mut self.loads, which) {
            let slice = load.read.unwrap_or_else(|| self.slice(load.webhook, load.asked_at, load.limit));
            self.lanes.loaded(load.webhook, slice, load.asked_at);
        }
    }

    fn end(&mut self, which: u8, took: Option<Duration>) {
        if let Some((webhook, id)) = pick(&mut self.in_flight, which) {
            self.lanes.ended(webhook, took.map_or(Ended::Failed, Ended::Succeeded));
            self.unrecorded.push_back((webhook, id, took));
        }
    }

    /// The store takes a result; its answer is still on the way.
    fn record_one(&mut self) {
        let Some((webhook, id, took)) = self.unrecorded.pop_front() else { return };
        let row = self.rows.get_mut(&id).unwrap();
        row.due_at = match (row.due_at, took) {
            (Some(_), None) => Some(self.now.plus(Duration::from_millis(1500))),
            _ => None,
        };
        self.unsettled.push_back((webhook, id, row.due_at));
    }

    /// The answers come, and before them all that the store told before.
    fn settle(&mut self) {
        self.hear();
        while let Some((webhook, id, next)) = self.unsettled.pop_front() {
            self.lanes.settled(webhook, id, next);
        }
    }

    fn reopen(&mut self, which: u8) {
        let has_ended = |id: &DeliveryId| self.rows[id].due_at.is_none();
        let all = self.rows.keys().copied().filter(has_ended);
        let unsettled = self.unsettled.iter().map(|(_, id, _)| *id).filter(has_ended);
        // Somebody who resends as soon as it has ended is where it is easily lost.
        let mut ended: Vec<DeliveryId> = if which < 200 { unsettled.collect() } else { all.collect() };
        if let Some(id) = pick(&mut ended, which) {
            let row = self.rows.get_mut(&id).unwrap();
            row.due_at = Some(self.now);
            row.cancelled = false;
            self.tail.push_back(Told::Reopened(row.webhook, id));
        }
    }

    fn change(&mut self, webhook: WebhookId, cancel: bool) {
        let waits = |row: &&mut Row| cancel && row.webhook == webhook && row.due_at.is_some();
        for row in self.rows.values_mut().filter(waits) {
            row.due_at = None;
            row.cancelled = true;
        }
        self.tail.push_back(Told::Changed(webhook));
    }

    fn lag(&mut self) {
        self.tail.clear();
        self.lanes.changed_all();
        for row in self.rows.values() {
            if let Some(at) = row.due_at {
                self.lanes.due_at(row.webhook, at);
            }
        }
    }

    /// Takes every step, and looks at each.
    fn run(&mut self) {
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

    fn start(&mut self, due: &Due) {
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
        self.in_flight.push((due.webhook, due.id));
        assert!(self.in_flight.len() <= 2 * SLOTS);
        if !self.lanes.lanes[&due.webhook].pace.is_proven() {
            let of_lane = self.in_flight.iter().filter(|(webhook, _)| *webhook == due.webhook).count();
            assert_eq!(of_lane, 1, "DLV-4: one slot for a lane that fails");
            assert!(self.lanes.slots.suspect() <= SLOTS / 2, "DLV-4: half of the limit for all that fail");
        }
    }

    fn nobody_waits_for_nothing(&self) {
        let taken = self.in_flight.len();
        assert_eq!(self.lanes.counts().in_flight, taken);
        for lane in self.lanes.lanes.values() {
            let stuck = lane.turn() == Some(super::turns::Turn::First);
            assert!(!stuck || taken >= 2 * SLOTS, "DLV-4: a proven lane found no slot");
        }
    }

    /// Lets everything end well, and looks whether anything was left behind.
    fn finish(&mut self) {
        for _ in 0..10_000 {
            self.hear();
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

proptest! {
    /// DLV-3, DLV-4
    #[test]
    fn every_history_keeps_the_invariants(history in proptest::collection::vec(happens(), 1..300)) {
        let mut world = World::new();
        history.into_iter().for_each(|one| world.happen(one));
        world.finish();
    }
}

/// DLV-4: with every other endpoint hanging, a healthy one is served at its own pace.
#[test]
fn a_healthy_lane_is_not_held_up_by_those_that_hang() {
    let mut world = World::new();
    let healthy = webhook(200);
    world.publish(healthy);
    world.hear();
    world.run();
    world.end(0, Some(Duration::from_millis(1)));
    for number in 0..100 {
        world.publish(webhook(number));
    }
    world.hear();
    world.run();
    let hanging: HashSet<DeliveryId> = world.in_flight.iter().map(|(_, id)| *id).collect();
    assert_eq!(hanging.len(), SLOTS / 2);
    for _ in 0..50 {
        world.publish(healthy);
        world.hear();
        world.run();
        let place = world.in_flight.iter().position(|(webhook, _)| *webhook == healthy);
        let place = place.expect("it starts at once");
        world.end(u8::try_from(place).unwrap(), Some(Duration::from_millis(1)));
        world.run();
    }
}

/// A million due at once are looked at in slices.
#[test]
fn a_storm_is_taken_in_slices() {
    let mut lanes = Lanes::new(LaneLimits { in_flight: 512, in_flight_a_lane: 128, waiting_bytes: 1 << 20 });
    let now = Timestamp::from_millis(1_000_000);
    for number in 0..20_000u32 {
        lanes.due_at(WebhookId::from_bits(number.into()), now);
    }
    let mut loads = 0;
    while let Some(step) = lanes.next(now) {
        assert!(matches!(step, Step::Load { limit: 1..=8, .. }));
        loads += 1;
    }
    assert!(loads <= 8, "{loads} reads at once");
    assert_eq!(lanes.counts().waiting, 0);
}
