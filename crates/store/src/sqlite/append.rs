//! Appending: an event and its deliveries.

use std::borrow::Cow;
use std::sync::Arc;

use cstar_types::limits::COMMIT_MAX_DELIVERIES;
use cstar_types::{Entry, Event, EventType, Position, TeamId, Timestamp};

use super::delivery_rows::{DeliveryRow, EventOf};
use super::event_rows::NewEventRow;
use super::fault::Fault;
use super::idempotency::{self, Standing};
use super::look::{Look, Shelf};
use super::memory::{Head, Target};
use super::queue::Size;
use super::resend;
use super::rows;
use super::tx::Tx;
use crate::stored::checksum::EventColumns;
use crate::stored::filters::{TeamFilters, Verdicts};
use crate::stored::key_use::KeyUse;
use crate::stored::kind::Kind;
use crate::stored::place::{COUNT_MAX, Place};
use crate::{Append, Appended, Due, FanOut, NewEvent, StoreError};

/// A publish, with all that can be computed before the writer has its turn.
pub(super) struct Publish {
    team: TeamId,
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

/// A new event that stands in the log now, and who wants it.
struct Placed {
    entry: Arc<Entry>,
    place: Place,
    kind: Kind,
    targets: Arc<[Target]>,
}

/// Who gets what is appended, as the webhooks stand in this transaction.
enum Receivers<'p> {
    /// Each that wants the type, and whose filter lets the event through.
    Matching(Option<Cow<'p, Verdicts>>),
    Chosen(Arc<[Target]>),
}

impl Receivers<'_> {
    /// Who gets the event at this place of the publish.
    fn targets(&self, head: &mut Head, place: usize, event_type: &EventType) -> Arc<[Target]> {
        let verdicts = match self {
            Self::Chosen(targets) => return Arc::clone(targets),
            Self::Matching(verdicts) => verdicts,
        };
        let wanting = head.targets(event_type);
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

    /// The filters to ask before the writer has its turn.
    pub(super) fn filters(&self, shelf: &Shelf) -> Option<Arc<TeamFilters>> {
        if self.fan_out == FanOut::Matching { shelf.filters.of(self.team) } else { None }
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

    #[cfg(test)]
    pub(super) fn with_verdicts(self, verdicts: Verdicts) -> Self {
        Self { verdicts: Some(verdicts), ..self }
    }

    pub(super) fn size(&self) -> Size {
        /// Of what is held for an event beside its body.
        const EVENT_BYTES: usize = size_of::<Prepared>();
        let bodies: usize = self.events.iter().map(|prepared| prepared.event.body.len()).sum();
        Size { rows: self.events.len(), bytes: bodies + self.events.len() * EVENT_BYTES }
    }

    /// DLV-1, LOG-2: gives positions, and makes the deliveries of the webhooks as they stand in this transaction. All
    /// that can refuse comes before the first row is written.
    pub(super) fn apply(&self, tx: &mut Tx<'_>) -> Result<Vec<Appended>, Fault> {
        let mut head = tx.memory.take_head(tx.look(), self.team)?;
        let applied = self.apply_behind(tx, &mut head);
        // Refused or not: what has failed otherwise ends the transaction, and with it all that is remembered.
        tx.memory.put_head(self.team, head);
        applied
    }

    fn apply_behind(&self, tx: &mut Tx<'_>, head: &mut Head) -> Result<Vec<Appended>, Fault> {
        let keys = self.events.iter().map(|prepared| &prepared.key);
        let standings = idempotency::standings(tx.look(), self.team, head.number, keys)?;
        let any_new = standings.iter().any(|standing| matches!(standing, Standing::New));
        let receivers =
            if any_new { self.receivers(tx.look(), head)? } else { Receivers::Chosen(Arc::default()) };
        let wanted = self.wanted(head, &receivers, &standings);
        self.is_within_bounds(tx, head, &wanted)?;

        if any_new {
            head.last_ms = head.last_ms.max(self.now.as_millis());
        }
        let mut answers: Vec<Appended> = Vec::with_capacity(self.events.len());
        let (mut placed, mut rows) = (Vec::new(), Vec::new());
        for ((prepared, standing), targets) in self.events.iter().zip(standings).zip(wanted) {
            let (entry, replayed) = match standing {
                Standing::Stored(entry) => (entry, true),
                Standing::Repeats(first) => (Arc::clone(&answers[first].entry), true),
                Standing::New => {
                    let (new, row) = self.place(tx, head, targets, prepared)?;
                    let entry = Arc::clone(&new.entry);
                    placed.push(new);
                    rows.push(row);
                    (entry, false)
                }
            };
            answers.push(Appended { entry, replayed });
        }
        rows::insert(tx.conn, &rows)?;
        let due = self.deliver(tx, head, &placed)?;
        if !placed.is_empty() {
            tx.effects.appended(self.team, placed.into_iter().map(|new| new.entry).collect(), due);
        }
        Ok(answers)
    }

    /// Who gets each of the events; nobody gets one that was there before.
    fn wanted(
        &self,
        head: &mut Head,
        receivers: &Receivers<'_>,
        standings: &[Standing],
    ) -> Vec<Arc<[Target]>> {
        let all = self.events.iter().zip(standings).enumerate();
        let wanted = all.map(|(at, (prepared, standing))| match standing {
            Standing::New => receivers.targets(head, at, &prepared.event.event_type),
            Standing::Stored(_) | Standing::Repeats(_) => Arc::default(),
        });
        wanted.collect()
    }

    fn receivers(&self, look: Look<'_>, head: &Head) -> Result<Receivers<'_>, Fault> {
        let webhook = match self.fan_out {
            FanOut::Matching => {
                let events = self.events.iter().map(|prepared| &prepared.event);
                let verdicts = |filters| Verdicts::under(self.verdicts.as_ref(), filters, events);
                return Ok(Receivers::Matching(head.filters.as_ref().map(verdicts)));
            }
            FanOut::Nobody => return Ok(Receivers::Chosen(Arc::default())),
            FanOut::Only(webhook) => look.webhook_of(self.team, webhook)?,
        };
        resend::is_enabled(&webhook)?;
        Ok(Receivers::Chosen([Target::of(&webhook)].into()))
    }

    fn is_within_bounds(&self, tx: &Tx<'_>, head: &Head, wanted: &[Arc<[Target]>]) -> Result<(), Fault> {
        if self.team == TeamId::OPERATOR {
            // A notice belongs to its cause, which may have written something already. It makes a few deliveries at most.
            return Ok(());
        }
        let deliveries: usize = wanted.iter().map(|targets| targets.len()).sum();
        let limit = COMMIT_MAX_DELIVERIES;
        if deliveries > limit {
            return Err(StoreError::FanOutTooLarge { deliveries, limit }.into());
        }
        let room = COUNT_MAX - head.seq.max(head.delivery);
        if (self.events.len().max(deliveries)) as u64 > room {
            return Err(StoreError::Conflict("the team's log has no positions left").into());
        }
        if tx.effects.deliveries + deliveries > limit { Err(Fault::NoRoom) } else { Ok(()) }
    }

    /// Gives an event its place; its row is yet to be inserted.
    fn place<'p>(
        &self,
        tx: &mut Tx<'_>,
        head: &mut Head,
        targets: Arc<[Target]>,
        prepared: &'p Prepared,
    ) -> Result<(Placed, NewEventRow<'p>), Fault> {
        let Prepared { event, body_crc, key } = prepared;
        let look = tx.look();
        head.seq += 1;
        let place = Place::new(head.number, head.seq);
        let kind = Kind::new(tx.memory.type_number(look, &event.event_type)?, event.id.is_test());
        let kind = kind.kept_from_webhooks(self.fan_out != FanOut::Matching);
        if let Some(key) = key {
            idempotency::keep(look, head.number, key, place, self.now)?;
        }
        let columns = EventColumns {
            place: place.bits(),
            id: event.id.bits(),
            kind: kind.0,
            created_ms: event.created_at.as_millis(),
            committed_ms: head.last_ms,
        };
        let row = NewEventRow { columns, body_crc: *body_crc, body: &event.body };
        let entry =
            Arc::new(Entry { position: Position::new(tx.shelf.epoch, head.seq), event: event.clone() });
        Ok((Placed { entry, place, kind, targets }, row))
    }

    fn deliver(&self, tx: &mut Tx<'_>, head: &mut Head, placed: &[Placed]) -> Result<Vec<Due>, Fault> {
        let (mut due, mut rows) = (Vec::new(), Vec::new());
        for Placed { entry, place, kind, targets } in placed {
            for target in targets.iter() {
                head.delivery += 1;
                let row = DeliveryRow::due(
                    Place::new(head.number, head.delivery),
                    *target,
                    EventOf { place: *place, id: entry.event.id, kind: *kind },
                    head.last_ms,
                    self.now,
                );
                let entry = Arc::clone(entry);
                due.push(Due {
                    id: row.id(),
                    webhook: target.id,
                    entry,
                    attempts: 0,
                    failed: 0,
                    due_at: self.now,
                    rule: target.rule,
                });
                rows.push(row);
            }
        }
        rows::insert(tx.conn, &rows)?;
        tx.memory.fresh.add(rows);
        Ok(due)
    }
}
