//! Appending and reading.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::limits::COMMIT_MAX_DELIVERIES;
use cstar_types::{
    Delivery, DeliveryId, DeliveryStatus, Entry, EventId, Position, TeamId, Timestamp, WebhookId,
};

use super::Model;
use super::state::{EPOCH, FirstUse, Row, State};
use crate::{
    Append, Appended, Change, Due, EventQuery, Log, LogEnds, LogSlice, NewEvent, Order, Page, SliceLimit,
    StoreError,
};

#[async_trait]
impl Log for Model {
    async fn append(&self, append: Append) -> Result<Vec<Appended>, StoreError> {
        self.change(|state| state.append(append))
    }

    async fn ends(&self, team: TeamId) -> Result<LogEnds, StoreError> {
        self.look(|state| Ok(state.team(team)?.ends()))
    }

    async fn read(&self, team: TeamId, after: u64, limit: SliceLimit) -> Result<LogSlice, StoreError> {
        self.look(|state| {
            let log = state.team(team)?;
            let mut bytes = 0;
            let mut entries: Vec<Entry> = Vec::new();
            for entry in log.entries.iter().filter(|entry| entry.position.seq > after) {
                bytes += entry.event.body.len();
                let full = entries.len() >= limit.entries || bytes > limit.bytes;
                if full && !entries.is_empty() {
                    break;
                }
                entries.push(Entry::clone(entry));
            }
            Ok(LogSlice { entries, ends: log.ends() })
        })
    }

    async fn event(&self, team: TeamId, event: EventId) -> Result<Entry, StoreError> {
        self.look(|state| {
            let entry = state.team(team)?.entries.iter().find(|entry| entry.event.id == event);
            entry.map(|entry| Entry::clone(entry)).ok_or(StoreError::NotFound)
        })
    }

    async fn events(&self, team: TeamId, query: EventQuery) -> Result<Page<Entry, u64>, StoreError> {
        self.look(|state| {
            let entries = &state.team(team)?.entries;
            let mut rows: Vec<Entry> = entries
                .iter()
                .filter(|entry| query.asks_for(entry))
                .map(|entry| Entry::clone(entry))
                .collect();
            if query.order == Order::Desc {
                rows.reverse();
            }
            let more = rows.len() > query.limit;
            rows.truncate(query.limit);
            let next = if more { rows.last().map(|entry| entry.position.seq) } else { None };
            Ok(Page { rows, next })
        })
    }
}

impl EventQuery {
    fn asks_for(&self, entry: &Entry) -> bool {
        let seq = entry.position.seq;
        let at = entry.event.created_at;
        let behind = |from| if self.order == Order::Desc { seq < from } else { seq > from };
        self.filter.passes(&entry.event.event_type)
            && self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
            && self.from.is_none_or(behind)
    }
}

impl State {
    fn append(&mut self, append: Append) -> Result<(Vec<Appended>, Option<Change>), StoreError> {
        let Append { team, events, deliver, now } = append;
        let answers = self.place(team, events)?;
        let entries: Vec<Arc<Entry>> = answers
            .iter()
            .filter(|(answer, _)| !answer.replayed)
            .map(|(a, _)| Arc::clone(&a.entry))
            .collect();
        let pairs = if deliver { self.fan_out(team, &entries)? } else { Vec::new() };
        // Nothing is refused from here on.
        let deliveries: Vec<Due> =
            pairs.into_iter().map(|(entry, webhook)| self.make_delivery(entry, webhook, now)).collect();
        for (answer, key) in answers.iter().filter(|(answer, _)| !answer.replayed) {
            if let Some(key) = key {
                let first = FirstUse { entry: Arc::clone(&answer.entry), at: now };
                self.idempotency_keys.insert((team, key.clone()), first);
            }
        }
        self.team_mut(team)?.entries.extend(entries.iter().cloned());
        self.counts.events += entries.len() as u64;
        let told = (!entries.is_empty()).then_some(Change::Appended { team, entries, deliveries });
        Ok((answers.into_iter().map(|(answer, _)| answer).collect(), told))
    }

    /// Finds each event's first one by its idempotency key, and gives the others their positions (LOG-2).
    fn place(
        &self,
        team: TeamId,
        events: Vec<NewEvent>,
    ) -> Result<Vec<(Appended, Option<String>)>, StoreError> {
        let mut seq = self.team(team)?.ends().head;
        let mut in_batch: BTreeMap<String, Arc<Entry>> = BTreeMap::new();
        let mut answers = Vec::new();
        for (index, NewEvent { event, idempotency_key: key }) in events.into_iter().enumerate() {
            let earlier = key.as_ref().and_then(|key| self.idempotency_keys.get(&(team, key.clone())));
            let first = earlier.map(|earlier| &earlier.entry).or_else(|| in_batch.get(key.as_ref()?));
            if let Some(first) = first {
                if first.event.event_type != event.event_type || first.event.data() != event.data() {
                    return Err(StoreError::IdempotencyKeyReused { index });
                }
                answers.push((Appended { entry: Arc::clone(first), replayed: true }, key));
                continue;
            }
            seq += 1;
            let entry = Arc::new(Entry { position: Position::new(EPOCH, seq), event });
            if let Some(key) = &key {
                in_batch.insert(key.clone(), Arc::clone(&entry));
            }
            answers.push((Appended { entry, replayed: false }, key));
        }
        Ok(answers)
    }

    /// DLV-1: each pair of an event and an enabled webhook that wants it.
    fn fan_out(
        &self,
        team: TeamId,
        entries: &[Arc<Entry>],
    ) -> Result<Vec<(Arc<Entry>, WebhookId)>, StoreError> {
        let mut pairs = Vec::new();
        for entry in entries {
            for (webhook, _) in self.webhooks.values().filter(|(webhook, _)| webhook.team == team) {
                if webhook.wants(&entry.event.event_type) {
                    pairs.push((Arc::clone(entry), webhook.id));
                }
            }
        }
        if pairs.len() > COMMIT_MAX_DELIVERIES {
            return Err(StoreError::FanOutTooLarge { deliveries: pairs.len(), limit: COMMIT_MAX_DELIVERIES });
        }
        Ok(pairs)
    }

    fn make_delivery(&mut self, entry: Arc<Entry>, webhook: WebhookId, now: Timestamp) -> Due {
        self.counts.deliveries += 1;
        let id = DeliveryId::from_bits(self.counts.deliveries.into());
        let due = Due { id, webhook, entry: Arc::clone(&entry), attempts: 0, failed: 0, due_at: now };
        let delivery = Delivery {
            id,
            team: entry.event.team,
            webhook,
            event: entry.event.id,
            event_type: entry.event.event_type.clone(),
            status: DeliveryStatus::Pending,
            attempts: 0,
            created_at: now,
            next_attempt_at: Some(now),
            last_attempt: None,
        };
        self.deliveries.insert(id, Row { delivery, entry, failed: 0, attempts: Vec::new() });
        due
    }
}
