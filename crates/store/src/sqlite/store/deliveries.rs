//! Deliveries.

use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::{
    Attempt, Delivery, DeliveryId, DeliveryStatus, DisabledReason, EventId, FailureRule, TeamId, Timestamp,
    WebhookId,
};

use super::{ONE, SqliteStore};
use crate::sqlite::queue::Class;
use crate::sqlite::record::Results;
use crate::sqlite::{resend, webhooks};
use crate::{AttemptReport, Deliveries, DeliveryQuery, DueSlice, Page, StoreError};

#[async_trait]
impl Deliveries for SqliteStore {
    async fn lanes(&self) -> Result<Vec<(WebhookId, Timestamp)>, StoreError> {
        self.shared.read(|look| look.lanes()).await
    }

    async fn due(&self, webhook: WebhookId, now: Timestamp, limit: usize) -> Result<DueSlice, StoreError> {
        self.shared.read(move |look| look.due(webhook, now, limit)).await
    }

    async fn record(
        &self,
        reports: Arc<[AttemptReport]>,
        rule: FailureRule,
    ) -> Result<Vec<DeliveryStatus>, StoreError> {
        let results = Results::prepare(reports, rule);
        self.shared.write(Class::Result, results.size(), move |tx| results.apply(tx)).await
    }

    async fn disable_webhook(
        &self,
        webhook: WebhookId,
        seen: Option<u64>,
        reason: DisabledReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.shared
            .write(Class::Vital, ONE, move |tx| webhooks::disable(tx, webhook, seen, reason, now))
            .await
    }

    async fn delivery(
        &self,
        team: TeamId,
        delivery: DeliveryId,
    ) -> Result<(Delivery, Vec<Attempt>), StoreError> {
        let read = self.shared.read(move |look| {
            let row = look.delivery_row(look.team(team)?.number, delivery)?;
            let webhook = look.webhook_of_row(&row)?;
            Ok((look.delivery(team, &row, &webhook)?, look.attempts(&row)?))
        });
        read.await
    }

    async fn deliveries(
        &self,
        team: TeamId,
        query: DeliveryQuery,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        self.shared.read(move |look| look.deliveries(&look.team(team)?, query)).await
    }

    async fn resend(
        &self,
        team: TeamId,
        delivery: DeliveryId,
        now: Timestamp,
    ) -> Result<Delivery, StoreError> {
        self.change(Class::Change, ONE, move |tx| resend::resend(tx, team, delivery, now)).await
    }

    async fn deliver(
        &self,
        team: TeamId,
        event: EventId,
        webhook: WebhookId,
        now: Timestamp,
    ) -> Result<Delivery, StoreError> {
        self.change(Class::Change, ONE, move |tx| resend::deliver(tx, team, event, webhook, now)).await
    }
}
