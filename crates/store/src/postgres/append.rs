//! Appending: a group of publishes in one transaction of two trips.
//!
//! The first trip locks the teams' rows, in one order, and finds the idempotency keys that were used; the second writes all rows,
//! counts on, and commits. What is not known of the webhooks of a team costs a trip in between.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use cstar_types::limits::COMMIT_MAX_DELIVERIES;
use cstar_types::{Entry, Event, EventType, TeamId, Timestamp, WebhookStatus};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::days::day_of;
use super::delivery_rows::{DeliveryRow, EventOf, INSERT_DELIVERIES, INSERT_DUE, NewDeliveries};
use super::event_rows::{EventRow, NewEvents, event_columns};
use super::fault::Fault;
use super::head::Head;
use super::tx::{Tx, Writing};
use super::wanting::{Target, Wanting};
use super::webhook_rows::uuid;
use crate::stored::filters::{KnownFilters, TeamFilters, Verdicts};
use crate::stored::key_use::{Hash, KeyUse};
use crate::stored::kind::Kind;
use crate::stored::place::COUNT_MAX;
use crate::{Append, Appended, Change, Due, FanOut, NewEvent, StoreError};

/// A publish, with all that can be computed before its group.
pub(super) struct Publish {
    pub(super) team: TeamId,
    events: Vec<Prepared>,
    fan_out: FanOut,
    now: Timestamp,
    /// What the team's filters said, where any were known.
    verdicts: Option<Verdicts>,
}

struct Prepared {
    event: Event,
    body_crc: u32,
    key: Option<KeyUse>,
}

/// So many events are held against filters before others on the same thread have a turn: a batch may hold a thousand.
const JUDGED_AT_ONCE: usize = 16;

impl Publish {
    pub(super) fn prepare(append: Append) -> Self {
        let events = append.events.into_iter().map(|NewEvent { event, idempotency_key }| Prepared {
            body_crc: crc32fast::hash(&event.body),
            key: idempotency_key.map(|key| KeyUse::new(&key, &event, append.fan_out)),
            event,
        });
        Self {
            team: append.team,
            events: events.collect(),
            fan_out: append.fan_out,
            now: append.now,
            verdicts: None,
        }
    }

    /// The filters to ask before its group is made.
    pub(super) fn filters(&self, known: &KnownFilters) -> Option<Arc<TeamFilters>> {
        if self.fan_out == FanOut::Matching { known.of(self.team) } else { None }
    }

    /// Asks them of each event.
    pub(super) async fn judge(&mut self, filters: Arc<TeamFilters>) {
        let mut verdicts = Verdicts::none_yet(filters);
        for (before, prepared) in self.events.iter().enumerate() {
            if before > 0 && before % JUDGED_AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
            verdicts.judge(&prepared.event);
        }
        self.verdicts = Some(verdicts);
    }

    pub(super) fn events(&self) -> usize {
        self.events.len()
    }

    /// About what it holds.
    pub(super) fn bytes(&self) -> usize {
        let bodies: usize = self.events.iter().map(|prepared| prepared.event.body.len()).sum();
        bodies + self.events.len() * size_of::<Prepared>()
    }
}

/// The events that keys were first used for, by the team and the key, and what they were used for.
pub(super) type Stored = HashMap<(TeamId, Hash), (Arc<Entry>, Hash)>;

const STORED: &str = concat!(
    "SELECT t.id, t.number, i.key, i.fingerprint, ",
    event_columns!(),
    " FROM unnest($1::uuid[], $2::bytea[]) AS asked (team, key)
      JOIN teams t ON t.id = asked.team
      JOIN idempotency i ON i.team = t.number AND i.key = asked.key
      JOIN events e ON e.team = i.team AND e.seq = i.event AND e.day = i.day AND e.seq > t.removed_events"
);

impl Tx {
    /// Which of these keys were used for an event that is kept.
    pub(super) async fn stored(&self, asked: Vec<(TeamId, KeyUse)>) -> Result<Stored, Fault> {
        let (teams, keys): (Vec<Uuid>, Vec<Vec<u8>>) =
            asked.into_iter().map(|(team, used)| (*team.as_uuid(), used.key.to_vec())).unzip();
        if keys.is_empty() {
            return Ok(Stored::new());
        }
        let params = [(&teams as _, Type::UUID_ARRAY), (&keys as _, Type::BYTEA_ARRAY)];
        let mut stored = Stored::new();
        for row in self.rows(STORED, &params).await? {
            let team = TeamId::from_uuid(row.get(0));
            let hash =
                |at| Hash::try_from(row.get::<_, &[u8]>(at)).map_err(|_| Fault::damaged("idempotency", team));
            let entry = EventRow::read(&row, 4, (team, row.get(1)))?.entry(self.open.epoch);
            stored.insert((team, hash(2)?), (Arc::new(entry), hash(3)?));
        }
        Ok(stored)
    }
}

/// How an event stands to those before it.
enum Standing {
    /// It is the first.
    New,
    /// An earlier publish brought it.
    Stored(Arc<Entry>),
    /// It repeats the event at this place of the same publish.
    Repeats(usize),
}

/// Columns of keys that are kept together.
#[derive(Default)]
struct NewKeys {
    teams: Vec<i64>,
    keys: Vec<Vec<u8>>,
    events: Vec<i64>,
    days: Vec<i32>,
    fingerprints: Vec<Vec<u8>>,
    used: Vec<i64>,
}

/// A use replaces one whose event is no longer kept.
const KEEP_KEYS: &str = "INSERT INTO idempotency (team, key, event, day, fingerprint, used_ms)
     SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::integer[], $5::bytea[], $6::bigint[])
     ON CONFLICT (team, key) DO UPDATE SET event = excluded.event, day = excluded.day,
         fingerprint = excluded.fingerprint, used_ms = excluded.used_ms";

/// What a group writes.
#[derive(Default)]
pub(super) struct Rows {
    events: NewEvents,
    deliveries: NewDeliveries,
    keys: NewKeys,
}

impl Rows {
    /// The statements that write them, all at once.
    pub(super) fn write<'r>(&'r self, node: &'r i64, writing: &mut Writing<'r>) {
        if self.events.is_empty() {
            return;
        }
        writing.add(super::event_rows::INSERT_EVENTS, self.events.as_params());
        if self.deliveries.len() > 0 {
            writing.add(INSERT_DELIVERIES, self.deliveries.as_params());
            writing.add(INSERT_DUE, self.deliveries.as_due(node));
        }
        let NewKeys { teams, keys, events, days, fingerprints, used } = &self.keys;
        if !keys.is_empty() {
            let params: [super::pool::Param<'r>; 6] = [
                (teams, Type::INT8_ARRAY),
                (keys, Type::BYTEA_ARRAY),
                (events, Type::INT8_ARRAY),
                (days, Type::INT4_ARRAY),
                (fingerprints, Type::BYTEA_ARRAY),
                (used, Type::INT8_ARRAY),
            ];
            writing.add(KEEP_KEYS, params);
        }
    }
}

/// Who gets what is appended, as the webhooks stand in this transaction.
enum Receivers<'p> {
    /// Each that wants the type, and whose filter lets the event through.
    Matching(Arc<Wanting>, Option<Cow<'p, Verdicts>>),
    Chosen(Arc<[Target]>),
}

impl Receivers<'_> {
    /// Who gets the event at this place of the publish.
    fn targets(&self, place: usize, event_type: &EventType) -> Arc<[Target]> {
        let (wanting, verdicts) = match self {
            Self::Chosen(targets) => return Arc::clone(targets),
            Self::Matching(wanting, verdicts) => (wanting.targets(event_type), verdicts),
        };
        match verdicts {
            Some(verdicts) if wanting.iter().any(|target| target.filter.is_some()) => {
                let passes =
                    |target: &&Target| target.filter.is_none_or(|filter| verdicts.pass(place, filter));
                wanting.iter().filter(passes).copied().collect()
            }
            _ => wanting,
        }
    }
}

impl Publish {
    /// DLV-1, LOG-2: gives positions, and makes the deliveries of the webhooks as they stand in this transaction. All that can
    /// refuse comes before the first row.
    pub(super) async fn apply(
        &self,
        tx: &mut Tx,
        head: &mut Head,
        stored: &mut Stored,
        rows: &mut Rows,
    ) -> Result<Vec<Appended>, Fault> {
        let standings = self.standings(stored)?;
        let any_new = standings.iter().any(|standing| matches!(standing, Standing::New));
        let receivers =
            if any_new { self.receivers(tx, head).await? } else { Receivers::Chosen(Arc::default()) };
        self.is_within_bounds(tx, head, &receivers, &standings)?;
        if any_new {
            let committed_ms = head.last_ms.max(self.now.as_millis());
            tx.open.days.have(day_of(committed_ms))?;
            head.last_ms = committed_ms;
        }
        let mut answers: Vec<Appended> = Vec::with_capacity(self.events.len());
        let (mut new, mut due) = (Vec::new(), Vec::new());
        for (at, (prepared, standing)) in self.events.iter().zip(standings).enumerate() {
            let (entry, replayed) = match standing {
                Standing::Stored(entry) => (entry, true),
                Standing::Repeats(first) => (Arc::clone(&answers[first].entry), true),
                Standing::New => {
                    let targets = receivers.targets(at, &prepared.event.event_type);
                    let entry = self.place(tx.open.epoch, head, prepared, &targets, rows, &mut due);
                    if let Some(key) = &prepared.key {
                        stored.insert((self.team, key.key), (Arc::clone(&entry), key.fingerprint));
                    }
                    new.push(Arc::clone(&entry));
                    (entry, false)
                }
            };
            answers.push(Appended { entry, replayed });
        }
        if !new.is_empty() {
            tx.effects.appended(self.team, new, due);
        }
        Ok(answers)
    }

    /// Finds each event's first one. Refuses a key that was used for something else.
    fn standings(&self, stored: &Stored) -> Result<Vec<Standing>, Fault> {
        let mut in_batch: HashMap<Hash, (usize, Hash)> = HashMap::new();
        let mut standings = Vec::with_capacity(self.events.len());
        for (index, prepared) in self.events.iter().enumerate() {
            let Some(KeyUse { key, fingerprint }) = prepared.key else {
                standings.push(Standing::New);
                continue;
            };
            let (standing, used_for) = if let Some((first, used_for)) = in_batch.get(&key) {
                (Standing::Repeats(*first), *used_for)
            } else if let Some((entry, used_for)) = stored.get(&(self.team, key)) {
                (Standing::Stored(Arc::clone(entry)), *used_for)
            } else {
                in_batch.insert(key, (index, fingerprint));
                (Standing::New, fingerprint)
            };
            if used_for != fingerprint {
                return Err(StoreError::IdempotencyKeyReused { index }.into());
            }
            standings.push(standing);
        }
        Ok(standings)
    }

    async fn receivers(&self, tx: &Tx, head: &Head) -> Result<Receivers<'_>, Fault> {
        let webhook = match self.fan_out {
            FanOut::Matching => {
                let wanting = tx.wanting(head).await?;
                let events = self.events.iter().map(|prepared| &prepared.event);
                let verdicts = wanting
                    .filters
                    .as_ref()
                    .map(|filters| Verdicts::under(self.verdicts.as_ref(), filters, events));
                return Ok(Receivers::Matching(wanting, verdicts));
            }
            FanOut::Nobody => return Ok(Receivers::Chosen(Arc::default())),
            FanOut::Only(webhook) => tx.target(head.number, webhook).await?,
        };
        let (target, status) = webhook.ok_or(StoreError::NotFound)?;
        is_enabled(status)?;
        Ok(Receivers::Chosen([target].into()))
    }

    fn is_within_bounds(
        &self,
        tx: &Tx,
        head: &Head,
        receivers: &Receivers<'_>,
        standings: &[Standing],
    ) -> Result<(), Fault> {
        if self.team == TeamId::OPERATOR {
            // A notice belongs to its cause, which may have written something already. It makes a few deliveries at most.
            return Ok(());
        }
        let all = self.events.iter().zip(standings).enumerate();
        let new = all.filter(|(_, (_, standing))| matches!(standing, Standing::New));
        let deliveries: usize =
            new.map(|(at, (new, _))| receivers.targets(at, &new.event.event_type).len()).sum();
        let limit = COMMIT_MAX_DELIVERIES;
        if deliveries > limit {
            return Err(StoreError::FanOutTooLarge { deliveries, limit }.into());
        }
        let room = COUNT_MAX - head.seq.max(head.delivery) as u64;
        if (self.events.len().max(deliveries)) as u64 > room {
            return Err(StoreError::Conflict("the team's log has no positions left").into());
        }
        if tx.effects.deliveries + deliveries > limit { Err(Fault::NoRoom) } else { Ok(()) }
    }

    /// Gives the event the next position, and makes its deliveries.
    fn place(
        &self,
        epoch: u32,
        head: &mut Head,
        prepared: &Prepared,
        targets: &[Target],
        rows: &mut Rows,
        due: &mut Vec<Due>,
    ) -> Arc<Entry> {
        let Prepared { event, body_crc, key } = prepared;
        head.seq += 1;
        let day = day_of(head.last_ms);
        let marks = Kind::new(0, event.id.is_test()).kept_from_webhooks(self.fan_out != FanOut::Matching);
        let row = EventRow {
            team: head.number,
            seq: head.seq,
            day,
            event: event.clone(),
            marks,
            committed_ms: head.last_ms,
        };
        rows.events.push(&row, *body_crc);
        if let Some(key) = key {
            rows.keys.push(head, key, day, self.now);
        }
        let entry = Arc::new(row.entry(epoch));
        let of = EventOf { seq: head.seq, day, id: event.id, event_type: event.event_type.clone(), marks };
        for target in targets {
            head.delivery += 1;
            let row = DeliveryRow::due((head.number, head.delivery), target, &of, head.last_ms, self.now);
            rows.deliveries.push(&row);
            due.push(Due {
                id: row.id(),
                webhook: target.id,
                entry: Arc::clone(&entry),
                attempts: 0,
                failed: 0,
                due_at: self.now,
                rule: target.rule,
            });
        }
        entry
    }
}

impl NewKeys {
    fn push(&mut self, head: &Head, used: &KeyUse, day: i32, at: Timestamp) {
        self.teams.push(head.number);
        self.keys.push(used.key.to_vec());
        self.events.push(head.seq);
        self.days.push(day);
        self.fingerprints.push(used.fingerprint.to_vec());
        self.used.push(at.as_millis());
    }
}

pub(super) fn is_enabled(status: WebhookStatus) -> Result<(), StoreError> {
    match status {
        WebhookStatus::Enabled => Ok(()),
        WebhookStatus::Disabled => Err(StoreError::Conflict("the webhook is disabled")),
    }
}

/// The keys of publishes, with whose they are.
pub(super) fn keys_of<'p>(publishes: impl IntoIterator<Item = &'p Publish>) -> Vec<(TeamId, KeyUse)> {
    let keys = publishes
        .into_iter()
        .flat_map(|publish| publish.events.iter().filter_map(|prepared| Some((publish.team, prepared.key?))));
    keys.collect()
}

/// Appends for a transaction that does something else too, as a notice does for its cause.
pub(super) async fn append_in(tx: &mut Tx, append: Append) -> Result<Vec<Appended>, Fault> {
    let publish = Publish::prepare(append);
    let mut head = tx.lock(publish.team).await?;
    let mut rows = Rows::default();
    let mut stored = tx.stored(keys_of([&publish])).await?;
    let appended = publish.apply(tx, &mut head, &mut stored, &mut rows).await?;
    let node = tx.open.keeper();
    let mut writing = Writing::default();
    rows.write(&node, &mut writing);
    tx.write(&writing).await?;
    tx.save(&mut head).await?;
    Ok(appended)
}

impl Tx {
    /// Makes deliveries of events that are in the log already, behind the team's newest, and tells of them. They are this node's,
    /// unless another sends in order what the webhook has waiting.
    pub(super) async fn make_deliveries(
        &mut self,
        head: &mut Head,
        target: &Target,
        events: &[EventOf],
        now: Timestamp,
    ) -> Result<Vec<DeliveryRow>, Fault> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        if events.len() as u64 > COUNT_MAX - head.delivery as u64 {
            return Err(StoreError::Conflict("the team's deliveries have no places left").into());
        }
        let created_ms = head.last_ms.max(now.as_millis());
        self.open.days.have(day_of(created_ms))?;
        head.last_ms = created_ms;
        let mut new = NewDeliveries::default();
        let mut made = Vec::with_capacity(events.len());
        for event in events {
            head.delivery += 1;
            let row = DeliveryRow::due((head.number, head.delivery), target, event, created_ms, now);
            new.push(&row);
            made.push(row);
        }
        let senders = match target.rule.ordered {
            true => self.leave_to_senders(head.number, &[uuid(target.id)]).await?,
            false => HashMap::new(),
        };
        let node = senders.get(&target.id).copied().unwrap_or_else(|| self.open.keeper());
        let mut writing = Writing::default();
        writing.add(INSERT_DELIVERIES, new.as_params());
        writing.add(INSERT_DUE, new.as_due(&node));
        self.write(&writing).await?;
        self.save(head).await?;
        self.effects.deliveries += made.len();
        let told = made.iter().map(|row| Change::Reopened { delivery: row.id(), webhook: row.webhook });
        self.effects.told.extend(told);
        Ok(made)
    }
}
