//! The webhook logs.

use std::sync::Arc;

use cstar_types::{DeliveryId, DeliveryStatus, EventId, Patterns, TeamId, Timestamp, WebhookId};
use cstar_wire::{DeliveryDetail, DeliveryRow, ResendEvent};

use crate::call::Call;
use crate::transport::Transport;
use crate::{Pages, Result};

/// The deliveries of a team.
#[derive(Debug, Clone, Copy)]
pub struct Deliveries<'a> {
    pub(crate) transport: &'a Arc<Transport>,
    pub(crate) team: TeamId,
}

/// Which deliveries are wanted; all of them unless said.
#[derive(Debug, Clone, Default)]
pub struct DeliveryQuery {
    /// To this webhook.
    pub webhook: Option<WebhookId>,
    /// That stand so.
    pub status: Option<DeliveryStatus>,
    /// Of these types.
    pub types: Option<Patterns>,
    /// Of this event.
    pub event: Option<EventId>,
    /// Made at this time or later.
    pub since: Option<Timestamp>,
    /// Made before this time.
    pub until: Option<Timestamp>,
}

impl Deliveries<'_> {
    /// Deliveries, newest first.
    #[must_use]
    pub fn list(&self, query: &DeliveryQuery) -> Pages<DeliveryRow> {
        let call = Call::get(&[&"v1", &"teams", &self.team, &"deliveries"])
            .query("webhook", query.webhook)
            .query("status", query.status)
            .query("types", query.types.as_ref())
            .query("event", query.event)
            .query("since", query.since)
            .query("until", query.until);
        Pages::new(self.transport, call)
    }

    /// One delivery with its attempts.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn get(&self, delivery: DeliveryId) -> Result<DeliveryDetail> {
        self.transport.fetch(&Call::get(&[&"v1", &"teams", &self.team, &"deliveries", &delivery])).await
    }

    /// Opens a delivery that has ended once more, with one new schedule.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn resend(&self, delivery: DeliveryId) -> Result<DeliveryRow> {
        let call = Call::post(&[&"v1", &"teams", &self.team, &"deliveries", &delivery, &"resend"]);
        self.transport.fetch(&call).await
    }

    /// Delivers an event to one webhook, whether it wanted the event or not; a delivery that has ended is opened once more.
    ///
    /// # Errors
    /// See [`crate::Error`]; `conflict` while it waits, and if the webhook is disabled.
    pub async fn resend_event(&self, event: EventId, webhook: WebhookId) -> Result<DeliveryRow> {
        let call = Call::post(&[&"v1", &"teams", &self.team, &"events", &event, &"resend"]);
        self.transport.fetch(&call.json(&ResendEvent { webhook })?).await
    }
}
