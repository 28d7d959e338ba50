//! Deliveries: each call of them, and the webhook logs.

use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::{
    Attempt, Delivery, DeliveryId, DeliveryStatus, DisabledReason, EventId, FailureRule, TeamId, Timestamp,
    WebhookId,
};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::days::{Day, day_at};
use super::delivery_rows::{
    DELIVERY_COLUMNS, DeliveryPlace, DeliveryRow, OfDelivery, delivery_columns, of_delivery,
    of_delivery_columns,
};
use super::events::LOOKED_AT_MAX;
use super::fault::Fault;
use super::locks::Locked;
use super::store::Postgres;
use super::tx::{Tries, Tx, change, read};
use super::{nodes, record, resend, webhooks};
use crate::{AttemptReport, Deliveries, DeliveryQuery, DueSlice, Page, StoreError};

#[async_trait]
impl Deliveries for Postgres {
    async fn lanes(&self) -> Result<Vec<(WebhookId, Timestamp)>, StoreError> {
        read!(self, |tx| tx.lanes())
    }

    async fn due(&self, webhook: WebhookId, now: Timestamp, limit: usize) -> Result<DueSlice, StoreError> {
        change!(self, [], |tx| tx.due(webhook, now, limit))
    }

    async fn leave(&self, but: &[DeliveryId]) -> Result<(), StoreError> {
        let but: Arc<[DeliveryId]> = but.into();
        change!(self, [], |tx| nodes::leave(&mut tx, &but))
    }

    async fn record(
        &self,
        reports: Arc<[AttemptReport]>,
        rule: FailureRule,
    ) -> Result<Vec<DeliveryStatus>, StoreError> {
        let recorded = self.put_on_record(reports, rule, Locked::WaitFor).await?;
        Ok(recorded.into_iter().map(|status| status.unwrap_or(DeliveryStatus::Cancelled)).collect())
    }

    async fn record_free(
        &self,
        reports: Arc<[AttemptReport]>,
        rule: FailureRule,
    ) -> Result<Vec<Option<DeliveryStatus>>, StoreError> {
        self.put_on_record(reports, rule, Locked::PassOver).await
    }

    async fn disable_webhook(
        &self,
        webhook: WebhookId,
        seen: Option<u64>,
        reason: DisabledReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(team) = self.open.team_of(webhook).await? else { return Err(StoreError::NotFound) };
        change!(self, [team], |tx| webhooks::disable(&mut tx, webhook, seen, reason, now))
    }

    async fn delivery(
        &self,
        team: TeamId,
        delivery: DeliveryId,
    ) -> Result<(Delivery, Vec<Attempt>), StoreError> {
        read!(self, |tx| async {
            let number = tx.head(team).await?.number;
            let (row, of) = tx.delivery(number, delivery).await?;
            let attempts = tx.attempts(&row).await?;
            Ok((row.delivery(team, &of), attempts))
        })
    }

    async fn deliveries(
        &self,
        team: TeamId,
        query: DeliveryQuery,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        read!(self, |tx| tx.deliveries(team, &query))
    }

    async fn resend(
        &self,
        team: TeamId,
        delivery: DeliveryId,
        now: Timestamp,
    ) -> Result<Delivery, StoreError> {
        change!(self, [team], |tx| resend::resend(&mut tx, team, delivery, now))
    }

    async fn deliver(
        &self,
        team: TeamId,
        event: EventId,
        webhook: WebhookId,
        now: Timestamp,
    ) -> Result<Delivery, StoreError> {
        change!(self, [team], |tx| resend::deliver(&mut tx, team, event, webhook, now))
    }
}

impl Postgres {
    /// Records what can be: where it waits for what is locked that is all, but what is not there.
    async fn put_on_record(
        &self,
        reports: Arc<[AttemptReport]>,
        rule: FailureRule,
        locked: Locked,
    ) -> Result<Vec<Option<DeliveryStatus>>, StoreError> {
        let teams = self.open.teams_of(&reports).await?;
        let store = self.clone();
        let recorded = self.open.to_the_end(async move {
            let mut tries = Tries::default();
            loop {
                match record::record(&store, &teams, &reports, rule, locked).await {
                    Err(fault) if tries.again(&store.open, &fault).await => {}
                    ended => break Ok(ended?),
                }
            }
        });
        // Told as not stored, so that they are recorded again: an attempt that stands there twice is better than one that is missing.
        recorded.await.map_err(|error| match error {
            StoreError::OutcomeUnknown => StoreError::QueueFull,
            error => error,
        })
    }
}

/// A way to rows of deliveries with what stands beside them.
macro_rules! select_deliveries {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            delivery_columns!(),
            ", ",
            of_delivery_columns!(),
            " FROM deliveries d ",
            of_delivery!(),
            " ",
            $rest
        )
    };
}

const LIST: &str = select_deliveries!(
    "WHERE d.team = $1 AND d.number < $2 AND d.day >= $3 AND d.day <= $4 AND d.created_ms >= $5 AND d.created_ms < $6
         AND ($7::uuid IS NULL OR d.webhook = $7) AND ($8::uuid IS NULL OR d.event_id = $8)
     ORDER BY d.number DESC LIMIT $9"
);

impl Tx {
    /// A team's delivery (T24); an id with another tag was never given.
    pub(super) async fn delivery(
        &self,
        team: i64,
        id: DeliveryId,
    ) -> Result<(DeliveryRow, OfDelivery), Fault> {
        const AT: &str =
            select_deliveries!("WHERE d.team = $1 AND d.number = $2 AND d.day = $3 AND d.tag = $4");
        let known = DeliveryPlace::of(id).filter(|(place, _)| place.team == team);
        let (place, tag) = known.ok_or(StoreError::NotFound)?;
        let at = [
            (&place.team as _, Type::INT8),
            (&place.number as _, Type::INT8),
            (&place.day as _, Type::INT4),
            (&tag as _, Type::INT8),
        ];
        let row = self.row(AT, &at).await?.ok_or(StoreError::NotFound)?;
        read_both(&row)
    }

    /// The delivery of an event to a webhook, if there is one.
    pub(super) async fn delivery_to(
        &self,
        team: i64,
        event: EventId,
        webhook: WebhookId,
    ) -> Result<Option<(DeliveryRow, OfDelivery)>, Fault> {
        const TO: &str = select_deliveries!("WHERE d.team = $1 AND d.event_id = $2 AND d.webhook = $3");
        let (event, webhook) = (Uuid::from_u128(event.bits()), Uuid::from_u128(webhook.bits()));
        let of = [(&team as _, Type::INT8), (&event as _, Type::UUID), (&webhook as _, Type::UUID)];
        self.row(TO, &of).await?.as_ref().map(read_both).transpose()
    }

    /// A page of a team's deliveries.
    pub(super) async fn deliveries(
        &self,
        team: TeamId,
        query: &DeliveryQuery,
    ) -> Result<Page<Delivery, DeliveryId>, Fault> {
        let head = self.head(team).await?;
        let mut page = Page { rows: Vec::new(), next: None };
        let from = query.from.and_then(DeliveryPlace::of).map(|(place, _)| place);
        let mut below = match from {
            Some(from) if from.team < head.number => 0,
            Some(from) if from.team == head.number => from.number,
            _ => i64::MAX,
        };
        let (mut last, mut looked_at) = (None, 0);
        let mut look = query.limit.saturating_add(1).min(LOOKED_AT_MAX);
        loop {
            let rows = self.rows(LIST, &Bounds::of(query, below, look).as_params(&head.number)).await?;
            for row in &rows {
                if page.rows.len() == query.limit || looked_at == LOOKED_AT_MAX {
                    page.next = last;
                    return Ok(page);
                }
                let (row, of) = read_both(row)?;
                below = row.place.number;
                last = Some(row.id());
                looked_at += 1;
                if shows(query, &row, &of) {
                    page.rows.push(row.delivery(team, &of));
                }
            }
            if rows.len() < look {
                return Ok(page);
            }
            // What passes is not known: a look that brought too little is followed by a longer one.
            look = (look * 4).min(LOOKED_AT_MAX);
        }
    }
}

fn read_both(row: &tokio_postgres::Row) -> Result<(DeliveryRow, OfDelivery), Fault> {
    let delivery = DeliveryRow::read(row, 0)?;
    let of = OfDelivery::read(row, DELIVERY_COLUMNS, &delivery)?;
    Ok((delivery, of))
}

/// Whether a list shows a row; its webhook and its event are asked for in SQL, but for the mark of a test.
fn shows(query: &DeliveryQuery, row: &DeliveryRow, of: &OfDelivery) -> bool {
    query.event.is_none_or(|event| event.is_test() == row.marks.is_test())
        && query.filter.passes(&row.event_type)
        && query.status.is_none_or(|wanted| row.status_under(of.generation) == wanted)
}

/// The values of [`LIST`].
struct Bounds {
    below: i64,
    days: (Day, Day),
    times: (i64, i64),
    webhook: Option<Uuid>,
    event: Option<Uuid>,
    limit: i64,
}

impl Bounds {
    fn of(query: &DeliveryQuery, below: i64, limit: usize) -> Self {
        Self {
            below,
            days: (query.since.map_or(Day::MIN, day_at), query.until.map_or(Day::MAX, day_at)),
            times: (
                query.since.map_or(i64::MIN, Timestamp::as_millis),
                query.until.map_or(i64::MAX, Timestamp::as_millis),
            ),
            webhook: query.webhook.map(|id| Uuid::from_u128(id.bits())),
            event: query.event.map(|id| Uuid::from_u128(id.bits())),
            limit: limit as i64,
        }
    }

    fn as_params<'p>(&'p self, team: &'p i64) -> [super::pool::Param<'p>; 9] {
        [
            (team, Type::INT8),
            (&self.below, Type::INT8),
            (&self.days.0, Type::INT4),
            (&self.days.1, Type::INT4),
            (&self.times.0, Type::INT8),
            (&self.times.1, Type::INT8),
            (&self.webhook, Type::UUID),
            (&self.event, Type::UUID),
            (&self.limit, Type::INT8),
        ]
    }
}
