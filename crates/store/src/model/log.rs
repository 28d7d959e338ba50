//! Appending and reading.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::limits::COMMIT_MAX_DELIVERIES;
use cstar_types::{
    Delivery, DeliveryId, DeliveryStatus, Entry, Event, EventId, Position, TeamId, Timestamp, WebhookId,
    WebhookStatus,
};

use super::Model;
use super::state::{EPOCH, FirstUse, Kept, Row, State};
use crate::{
    Append, Appended, Change, Due, EventQuery, FanOut, Log, LogEnds, LogSlice, NewEvent, Order, Page,
    SliceLimit, StoreError,
};

#[async_trait]
impl Log for Model {
    async fn append(&self, append: Append) -> Result<Vec<Appended>, StoreError> {
        self.change(|state| state.append(append))
    }

    async fn repeated(&self, append: Append) -> Result<Option<Vec<Appended>>, StoreError> {
        let Append { team, events, fan_out, .. } = append;
        let placed = self.look(|state| state.place(team, events, fan_out))?.into_iter();
        Ok(placed.map(|(answer, _)| answer.replayed.then_some(answer)).collect())
    }

    async fn erase(&self, team: TeamId, event: EventId) -> Result<(), StoreError> {
        self.change(|state| state.erase_event(team, event))
    }

    async fn ends(&self, team: TeamId) -> Result<LogEnds, StoreError> {
        self.look(|state| Ok(state.team(team)?.ends()))
    }

    async fn read(&self, team: TeamId, after: u64, limit: SliceLimit) -> Result<LogSlice, StoreError> {
        self.look(|state| {
            let log = state.team(team)?;
            let mut bytes = 0;
            let mut entries: Vec<Entry> = Vec::new();
            for entry in log.kept.iter().map(|kept| &kept.entry).filter(|entry| entry.position.seq > after) {
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
            let kept = state.team(team)?.kept.iter().find(|kept| kept.entry.event.id == event);
            kept.map(|kept| Entry::clone(&kept.entry)).ok_or(StoreError::NotFound)
        })
    }

    async fn events(&self, team: TeamId, query: EventQuery) -> Result<Page<Entry, u64>, StoreError> {
        self.look(|state| {
            let asked_for = state.team(team)?.kept.iter().filter(|kept| query.asks_for(kept));
            let mut rows: Vec<Entry> = asked_for.map(|kept| Entry::clone(&kept.entry)).collect();
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
    fn asks_for(&self, kept: &Kept) -> bool {
        let (seq, at) = (kept.entry.position.seq, kept.committed_at);
        let behind = |from| if self.order == Order::Desc { seq < from } else { seq > from };
        self.filter.passes(&kept.entry.event.event_type)
            && self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
            && self.from.is_none_or(behind)
    }
}

/// Whether both have the same id; its mark for test events makes no other one of it.
fn is_same(one: &Event, other: &Event) -> bool {
    one.id.bits() == other.id.bits()
}

impl State {
    pub(super) fn append(&mut self, append: Append) -> Result<(Vec<Appended>, Option<Change>), StoreError> {
        let Append { team, events, fan_out, now } = append;
        let placed = self.place(team, events, fan_out)?;
        let new: Vec<Arc<Entry>> = placed
            .iter()
            .filter(|(answer, _)| !answer.replayed)
            .map(|(answer, _)| answer.entry.clone())
            .collect();
        let pairs = self.fan_out(team, &new, fan_out)?;
        // Nothing is refused from here on.
        let committed_at = self.keep(team, &new, fan_out, now)?;
        let deliveries: Vec<Due> = pairs
            .into_iter()
            .map(|(entry, webhook)| self.make_delivery(entry, webhook, committed_at, now))
            .collect();
        for (answer, key) in placed.iter().filter(|(answer, _)| !answer.replayed) {
            if let Some(key) = key {
                let first = FirstUse { entry: Arc::clone(&answer.entry), fan_out, at: now };
                self.idempotency_keys.insert((team, key.clone()), first);
            }
        }
        let told = (!new.is_empty()).then_some(Change::Appended { team, entries: new, deliveries });
        Ok((placed.into_iter().map(|(answer, _)| answer).collect(), told))
    }

    /// Puts entries behind the head; answers the time of the commit.
    fn keep(
        &mut self,
        team: TeamId,
        new: &[Arc<Entry>],
        fan_out: FanOut,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        self.counts.events += new.len() as u64;
        let log = self.team_mut(team)?;
        let committed_at = log.committed_at.max(now);
        if !new.is_empty() {
            log.committed_at = committed_at;
        }
        let deliver = fan_out == FanOut::Matching;
        log.kept.extend(new.iter().map(|entry| Kept {
            entry: Arc::clone(entry),
            committed_at,
            deliver,
            erased: false,
        }));
        Ok(committed_at)
    }

    /// Finds each event's first one by its idempotency key, and gives the others their positions (LOG-2).
    fn place(
        &self,
        team: TeamId,
        events: Vec<NewEvent>,
        fan_out: FanOut,
    ) -> Result<Vec<(Appended, Option<String>)>, StoreError> {
        let mut seq = self.team(team)?.ends().head;
        let mut in_batch: BTreeMap<String, Arc<Entry>> = BTreeMap::new();
        let mut answers = Vec::new();
        for (index, NewEvent { event, idempotency_key: key }) in events.into_iter().enumerate() {
            let earlier = key.as_ref().and_then(|key| self.idempotency_keys.get(&(team, key.clone())));
            let first = earlier.map(|earlier| &earlier.entry).or_else(|| in_batch.get(key.as_ref()?));
            if let Some(first) = first {
                let as_first = earlier.is_none_or(|earlier| earlier.fan_out == fan_out)
                    && first.event.id.is_test() == event.id.is_test()
                    && first.event.event_type == event.event_type
                    && first.event.data() == event.data();
                if !as_first {
                    return Err(StoreError::IdempotencyKeyReused { index });
                }
                let kept = self.team(team)?.kept.iter().find(|kept| kept.entry.position == first.position);
                let entry = kept.map_or(first, |kept| &kept.entry); // erased meanwhile, it may be
                answers.push((Appended { entry: Arc::clone(entry), replayed: true }, key));
                continue;
            }
            if self.has_event(&event)
                || answers.iter().any(|(answer, _)| is_same(&answer.entry.event, &event))
            {
                return Err(StoreError::Conflict("the id is taken"));
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

    fn has_event(&self, event: &Event) -> bool {
        self.teams.iter().flat_map(|log| &log.kept).any(|kept| is_same(&kept.entry.event, event))
    }

    /// DLV-1: each pair of an event and a webhook that is to get it.
    fn fan_out(
        &self,
        team: TeamId,
        entries: &[Arc<Entry>],
        fan_out: FanOut,
    ) -> Result<Vec<(Arc<Entry>, WebhookId)>, StoreError> {
        if let (FanOut::Only(webhook), false) = (fan_out, entries.is_empty())
            && self.webhook(team, webhook)?.status == WebhookStatus::Disabled
        {
            return Err(StoreError::Conflict("the webhook is disabled"));
        }
        let mut pairs = Vec::new();
        for entry in entries {
            for (webhook, _) in self.webhooks.values().filter(|(webhook, _)| webhook.team == team) {
                let gets = match fan_out {
                    FanOut::Matching => webhook.wants(&entry.event),
                    FanOut::Nobody => false,
                    FanOut::Only(chosen) => webhook.id == chosen,
                };
                if gets {
                    pairs.push((Arc::clone(entry), webhook.id));
                }
            }
        }
        if pairs.len() > COMMIT_MAX_DELIVERIES {
            return Err(StoreError::FanOutTooLarge { deliveries: pairs.len(), limit: COMMIT_MAX_DELIVERIES });
        }
        Ok(pairs)
    }

    pub(super) fn make_delivery(
        &mut self,
        entry: Arc<Entry>,
        webhook: WebhookId,
        created_at: Timestamp,
        now: Timestamp,
    ) -> Due {
        self.counts.deliveries += 1;
        let id = DeliveryId::from_bits(self.counts.deliveries.into());
        let rule = self.rule(webhook);
        let due = Due { id, webhook, entry: Arc::clone(&entry), attempts: 0, failed: 0, due_at: now, rule };
        let delivery = Delivery {
            id,
            team: entry.event.team,
            webhook,
            event: entry.event.id,
            event_type: entry.event.event_type.clone(),
            status: DeliveryStatus::Pending,
            cancel_reason: None,
            attempts: 0,
            created_at,
            next_attempt_at: Some(now),
            last_attempt: None,
        };
        self.deliveries.insert(id, Row { delivery, entry, failed: 0, attempts: Vec::new(), erased: false });
        due
    }
}
