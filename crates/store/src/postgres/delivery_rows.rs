//! The rows of deliveries, and of what is due of them.

use cstar_types::{
    AttemptSummary, CancelReason, Delivery, DeliveryId, DeliveryStatus, EventId, EventType, Outcome, TeamId,
    Timestamp, WebhookId,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::days::{Day, day_of};
use super::fault::Fault;
use super::pool::Param;
use super::values::TypeName;
use super::wanting::Target;
use crate::stored::kind::Kind;
use crate::stored::place::Place;

/// The generation of what waited when its event was erased; no webhook has it.
pub(super) const GENERATION_OF_ERASED: i64 = -1;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct DeliveryPlace {
    pub(super) team: i64,
    pub(super) number: i64,
    pub(super) day: Day,
}

/// A row of `deliveries`.
#[derive(Debug, Clone)]
pub(super) struct DeliveryRow {
    pub(super) place: DeliveryPlace,
    pub(super) tag: i64,
    pub(super) webhook: WebhookId,
    /// The webhook's, when this last began to wait.
    pub(super) generation: i64,
    /// The seq.
    pub(super) event: i64,
    pub(super) event_day: Day,
    pub(super) event_id: u128,
    pub(super) event_type: EventType,
    pub(super) marks: Kind,
    /// As it is written; see [`DeliveryRow::status_under`] for what it means.
    pub(super) status: DeliveryStatus,
    pub(super) attempts: u32,
    pub(super) failed: u32,
    pub(super) created_ms: i64,
    /// Set exactly while it waits.
    pub(super) due_ms: Option<i64>,
    /// The place of its newest attempt.
    pub(super) last_attempt: Option<i32>,
}

/// What a row knows of its event.
#[derive(Debug, Clone)]
pub(super) struct EventOf {
    pub(super) seq: i64,
    pub(super) day: Day,
    pub(super) id: EventId,
    pub(super) event_type: EventType,
    pub(super) marks: Kind,
}

/// What is read of a delivery, after `d`, in the order that [`DeliveryRow::read`] takes it in.
macro_rules! delivery_columns {
    () => {
        "d.team, d.number, d.day, d.tag, d.webhook, d.generation, d.event, d.event_day, d.event_id, d.type, d.marks, \
         d.status, d.attempts, d.failed, d.created_ms, d.due_ms, d.last_attempt"
    };
}
pub(super) use delivery_columns;

/// How many they are.
pub(super) const DELIVERY_COLUMNS: usize = 17;

impl DeliveryPlace {
    /// The place and the tag in an identifier that may be anybody's invention.
    pub(super) fn of(id: DeliveryId) -> Option<(Self, i64)> {
        let (place, tag) = Place::of_delivery(id)?;
        let day = Day::try_from(Place::day_of_tag(tag)).ok()?;
        Some((Self { team: place.team(), number: place.count() as i64, day }, tag))
    }
}

impl DeliveryRow {
    /// A new one, due at `now`.
    pub(super) fn due(
        (team, number): (i64, i64),
        target: &Target,
        event: &EventOf,
        created_ms: i64,
        now: Timestamp,
    ) -> Self {
        Self {
            place: DeliveryPlace { team, number, day: day_of(created_ms) },
            tag: Place::new_tag(created_ms),
            webhook: target.id,
            generation: target.generation,
            event: event.seq,
            event_day: event.day,
            event_id: event.id.bits(),
            event_type: event.event_type.clone(),
            marks: event.marks,
            status: DeliveryStatus::Pending,
            attempts: 0,
            failed: 0,
            created_ms,
            due_ms: Some(now.as_millis()),
            last_attempt: None,
        }
    }

    pub(super) fn id(&self) -> DeliveryId {
        Place::new(self.place.team, self.place.number as u64).delivery_id(self.tag)
    }

    /// Where it stands under its webhook's present generation: what waited when the webhook was disabled or deleted is cancelled
    /// from that moment on, though its row may be written later (DLV-2).
    pub(super) fn status_under(&self, generation: i64) -> DeliveryStatus {
        if self.due_ms.is_some() && self.generation < generation {
            DeliveryStatus::Cancelled
        } else {
            self.status
        }
    }

    pub(super) fn read(row: &Row, first: usize) -> Result<Self, Fault> {
        let place =
            DeliveryPlace { team: row.get(first), number: row.get(first + 1), day: row.get(first + 2) };
        let damaged = || Fault::damaged("deliveries", format!("{}/{}", place.team, place.number));
        let status = DeliveryStatus::ALL.get(row.get::<_, i16>(first + 11) as usize);
        Ok(Self {
            place,
            tag: row.get(first + 3),
            webhook: WebhookId::from_uuid(row.get(first + 4)),
            generation: row.get(first + 5),
            event: row.get(first + 6),
            event_day: row.get(first + 7),
            event_id: row.get::<_, Uuid>(first + 8).as_u128(),
            event_type: row.get::<_, &str>(first + 9).parse().map_err(|_| damaged())?,
            marks: Kind(row.get::<_, i16>(first + 10).into()),
            status: status.copied().ok_or_else(damaged)?,
            attempts: row.get::<_, i32>(first + 12) as u32,
            failed: row.get::<_, i32>(first + 13) as u32,
            created_ms: row.get(first + 14),
            due_ms: row.get(first + 15),
            last_attempt: row.get(first + 16),
        })
    }

    /// The delivery that it means.
    pub(super) fn delivery(self, team: TeamId, of: &OfDelivery) -> Delivery {
        let status = self.status_under(of.generation);
        Delivery {
            id: self.id(),
            team,
            webhook: self.webhook,
            event: EventId::from_bits(self.event_id, self.marks.is_test()),
            status,
            cancel_reason: (status == DeliveryStatus::Cancelled).then_some(of.reason).flatten(),
            attempts: self.attempts,
            created_at: Timestamp::from_millis(self.created_ms),
            next_attempt_at: self.due_ms.filter(|_| !status.has_ended()).map(Timestamp::from_millis),
            last_attempt: of.last.clone(),
            event_type: self.event_type,
        }
    }
}

/// What stands beside a delivery's row: under `w` its webhook, under `c` why the generation after its own began, under `a` its newest
/// attempt.
macro_rules! of_delivery {
    () => {
        "JOIN webhooks w ON w.team = d.team AND w.id = d.webhook
         LEFT JOIN cancellations c ON c.team = d.team AND c.webhook = d.webhook AND c.generation = d.generation + 1
         LEFT JOIN attempts a ON a.team = d.team AND a.delivery = d.number AND a.place = d.last_attempt AND a.day = d.day"
    };
}
pub(super) use of_delivery;

/// What is read of those, in the order that [`OfDelivery::read`] takes it in.
macro_rules! of_delivery_columns {
    () => {
        "w.generation, c.reason, a.count, a.started_ms, a.duration_ms, a.outcome, a.status_code, a.detail"
    };
}
pub(super) use of_delivery_columns;

/// What a list shows of a delivery beside its row.
#[derive(Debug, Clone)]
pub(super) struct OfDelivery {
    /// The present one of its webhook.
    pub(super) generation: i64,
    reason: Option<CancelReason>,
    pub(super) last: Option<AttemptSummary>,
}

impl OfDelivery {
    /// Of a delivery that was just made.
    pub(super) const fn new(generation: i64) -> Self {
        Self { generation, reason: None, last: None }
    }

    pub(super) fn read(row: &Row, first: usize, of: &DeliveryRow) -> Result<Self, Fault> {
        let damaged = || Fault::damaged("deliveries", of.id());
        let reason = match row.get::<_, Option<i16>>(first + 1) {
            _ if of.generation == GENERATION_OF_ERASED => Some(CancelReason::EventErased),
            Some(reason) => Some(*CancelReason::ALL.get(reason as usize).ok_or_else(damaged)?),
            None => None,
        };
        let last = match row.get::<_, Option<i32>>(first + 2) {
            Some(number) => Some(AttemptSummary {
                number: number as u32,
                started_at: Timestamp::from_millis(row.get(first + 3)),
                duration_ms: row.get::<_, i64>(first + 4) as u32,
                outcome: *Outcome::ALL.get(row.get::<_, i16>(first + 5) as usize).ok_or_else(damaged)?,
                status_code: row.get::<_, Option<i32>>(first + 6).map(|code| code as u16),
                detail: String::from_utf8(row.get(first + 7)).map_err(|_| damaged())?,
            }),
            None if of.last_attempt.is_some() => return Err(damaged()),
            None => None,
        };
        Ok(Self { generation: row.get(first), reason, last })
    }
}

/// Inserts [`NewDeliveries`] where what became of them stands.
pub(super) const INSERT_DELIVERIES: &str =
    "INSERT INTO deliveries (team, number, day, tag, webhook, generation, event, event_day, event_id, type, marks, status,
                             attempts, failed, created_ms, due_ms)
     SELECT team, number, day, tag, webhook, generation, event, event_day, event_id, type, marks, 0, 0, 0, created_ms, due_ms
     FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[], $5::uuid[], $6::bigint[], $7::bigint[],
                 $8::integer[], $9::uuid[], $10::text[], $11::smallint[], $12::bigint[], $13::bigint[])
          AS n (team, number, day, tag, webhook, generation, event, event_day, event_id, type, marks, created_ms, due_ms)";

/// Inserts them among what waits, leased to a node: it sends them from memory.
pub(super) const INSERT_DUE: &str = "INSERT INTO due (team, number, day, webhook, generation, due_ms, event, node)
     SELECT team, number, day, webhook, generation, least(due_ms, (extract(epoch FROM now()) * 1000)::bigint), event, $8::bigint
     FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[])
         AS new (team, number, day, webhook, generation, due_ms, event)";

/// Columns of deliveries that are made together.
#[derive(Default)]
pub(super) struct NewDeliveries {
    teams: Vec<i64>,
    numbers: Vec<i64>,
    days: Vec<Day>,
    tags: Vec<i64>,
    webhooks: Vec<Uuid>,
    generations: Vec<i64>,
    events: Vec<i64>,
    event_days: Vec<Day>,
    event_ids: Vec<Uuid>,
    types: Vec<TypeName>,
    marks: Vec<i16>,
    created: Vec<i64>,
    due: Vec<i64>,
}

impl NewDeliveries {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn push(&mut self, row: &DeliveryRow) {
        self.teams.push(row.place.team);
        self.numbers.push(row.place.number);
        self.days.push(row.place.day);
        self.tags.push(row.tag);
        self.webhooks.push(Uuid::from_u128(row.webhook.bits()));
        self.generations.push(row.generation);
        self.events.push(row.event);
        self.event_days.push(row.event_day);
        self.event_ids.push(Uuid::from_u128(row.event_id));
        self.types.push(TypeName(row.event_type.clone()));
        self.marks.push(row.marks.0 as i16);
        self.created.push(row.created_ms);
        self.due.push(row.due_ms.unwrap_or_default());
    }

    pub(super) fn as_params(&self) -> [Param<'_>; 13] {
        [
            (&self.teams, Type::INT8_ARRAY),
            (&self.numbers, Type::INT8_ARRAY),
            (&self.days, Type::INT4_ARRAY),
            (&self.tags, Type::INT8_ARRAY),
            (&self.webhooks, Type::UUID_ARRAY),
            (&self.generations, Type::INT8_ARRAY),
            (&self.events, Type::INT8_ARRAY),
            (&self.event_days, Type::INT4_ARRAY),
            (&self.event_ids, Type::UUID_ARRAY),
            (&self.types, Type::TEXT_ARRAY),
            (&self.marks, Type::INT2_ARRAY),
            (&self.created, Type::INT8_ARRAY),
            (&self.due, Type::INT8_ARRAY),
        ]
    }

    pub(super) fn as_due<'p>(&'p self, node: &'p i64) -> [Param<'p>; 8] {
        [
            (&self.teams, Type::INT8_ARRAY),
            (&self.numbers, Type::INT8_ARRAY),
            (&self.days, Type::INT4_ARRAY),
            (&self.webhooks, Type::UUID_ARRAY),
            (&self.generations, Type::INT8_ARRAY),
            (&self.due, Type::INT8_ARRAY),
            (&self.events, Type::INT8_ARRAY),
            (node, Type::INT8),
        ]
    }
}
