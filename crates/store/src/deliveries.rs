//! Deliveries: what is due, what came of it, and the webhook logs.

use std::sync::Arc;

use async_trait::async_trait;
use cstar_types::{
    Attempt, Delivery, DeliveryId, DeliveryStatus, DisabledReason, Entry, EventId, FailureRule, TeamId,
    Timestamp, Webhook, WebhookId,
};

use crate::{Page, StoreError, TypeFilter};

/// How a webhook wants its deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LaneRule {
    /// One at a time, in the log's order; one that waits for its retry holds back those behind it.
    pub ordered: bool,
    /// At most so many attempts a second.
    pub rate_limit: Option<u32>,
}

impl LaneRule {
    /// The rule of this webhook.
    #[must_use]
    pub fn of(webhook: &Webhook) -> Self {
        Self { ordered: webhook.ordered, rate_limit: webhook.rate_limit }
    }
}

/// A delivery that waits for an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Which delivery.
    pub id: DeliveryId,
    /// To where.
    pub webhook: WebhookId,
    /// What.
    pub entry: Arc<Entry>,
    /// Attempts on record; the next one has this number plus 1 (T8).
    pub attempts: u32,
    /// Failed attempts of the present schedule; a resend begins a new one.
    pub failed: u32,
    /// When it is due.
    pub due_at: Timestamp,
    /// How its webhook wants it.
    pub rule: LaneRule,
}

/// What waits for one webhook.
#[derive(Debug, Clone, Default)]
pub struct DueSlice {
    /// Due at `now`, the longest due first; where they are ordered, those before the first that is not due, in the order of
    /// their events in the log.
    pub due: Vec<Due>,
    /// When the first of the others, in the same order, is due; `None` if these are all.
    pub next: Option<Timestamp>,
    /// How the webhook wants them.
    pub rule: LaneRule,
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It ended well.
    Delivered,
    /// Another attempt is due then.
    RetryAt(Timestamp),
    /// It was the last one.
    Failed,
}

/// Once a delivery has so many attempts on record it is not resent any more: they are read and removed together.
pub const ATTEMPTS_MAX: u32 = 200;

/// The result of one attempt.
#[derive(Debug, Clone)]
pub struct AttemptReport {
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// To where.
    pub webhook: WebhookId,
    /// [`Due::failed`], as it was when the attempt was made: it tells which schedule the attempt belongs to.
    pub failed_before: u32,
    /// What happened.
    pub attempt: Attempt,
    /// What follows.
    pub verdict: Verdict,
}

/// A list of deliveries, newest first.
#[derive(Debug, Clone)]
pub struct DeliveryQuery {
    /// The types that the key sees and asks for.
    pub filter: TypeFilter,
    /// Of this webhook.
    pub webhook: Option<WebhookId>,
    /// Of this event.
    pub event: Option<EventId>,
    /// In this status.
    pub status: Option<DeliveryStatus>,
    /// Made at this time or later.
    pub since: Option<Timestamp>,
    /// Made before this time.
    pub until: Option<Timestamp>,
    /// Begin behind (older than) this one.
    pub from: Option<DeliveryId>,
    /// At most so many rows.
    pub limit: usize,
}

/// Deliveries.
///
/// In the transaction in which the server disables a webhook, or in which a delivery ends as failed, the operator is told: a
/// [`cstar_types::Notice`] is appended to the log of [`TeamId::OPERATOR`], if a webhook of the operator's wants it. Of one
/// webhook's failed deliveries one is told in [`cstar_types::DELIVERY_FAILED_EVERY`], and in all as
/// [`cstar_types::FailedDeliveries`] says. Of what becomes of test events, and of
/// notices, none is made.
///
/// DLV-1: deliveries are made by [`crate::Log::append`] and by calls that say so here, by nothing else.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Every webhook for which something waits, and when its first is due. Its cost grows with the number of
    /// webhooks, not with history.
    async fn lanes(&self) -> Result<Vec<(WebhookId, Timestamp)>, StoreError>;

    /// What is due for one webhook, at most `limit`, and of large bodies as many megabytes as a store likes, but at least one
    /// delivery. Those that are in flight are among it: the caller knows them. One that is damaged is left out, and said
    /// where the store's faults are said (LOG-3).
    async fn due(&self, webhook: WebhookId, now: Timestamp, limit: usize) -> Result<DueSlice, StoreError>;

    /// Leaves what waits to others that send from this store, if there are any, but for these, whose results are still to come: for who
    /// starts nothing any more.
    async fn leave(&self, but: &[DeliveryId]) -> Result<(), StoreError> {
        let _ = but;
        Ok(())
    }

    /// Records results, in one transaction, synced. Answers how each delivery now stands, in order. A success ends a
    /// delivery `delivered` whatever came before; a failure leaves an ended one as it ended (DLV-2), and one that was resent
    /// meanwhile as it waits: it belongs to the schedule before ([`AttemptReport::failed_before`]), and its attempt alone is
    /// put on record.
    ///
    /// No report is in the way of the others. One of an unknown delivery (its team was erased meanwhile) answers
    /// `cancelled`; one whose delivery is damaged answers `failed`, since nothing more comes of it, leaves it as it is
    /// and is said where the store's faults are said (LOG-3).
    ///
    /// In the same transaction the failed attempts of each webhook are counted, and a success forgets them; a webhook that
    /// the rule disables once all reports are counted is disabled as failing, what waits for it is cancelled, and the tail
    /// is told.
    ///
    /// Goes on while the disk is nearly full: room is kept for it.
    async fn record(
        &self,
        reports: Arc<[AttemptReport]>,
        rule: FailureRule,
    ) -> Result<Vec<DeliveryStatus>, StoreError>;

    /// The same of those results alone for which nobody has to be waited for; `None` for the others, of which nothing is on record.
    async fn record_free(
        &self,
        reports: Arc<[AttemptReport]>,
        rule: FailureRule,
    ) -> Result<Vec<Option<DeliveryStatus>>, StoreError> {
        Ok(self.record(reports, rule).await?.into_iter().map(Some).collect())
    }

    /// Disables a webhook and cancels what waits for it. Tells the tail. If it is disabled already, or no longer of the
    /// version that was `seen` (what answered may not be what it points to now), nothing changes.
    async fn disable_webhook(
        &self,
        webhook: WebhookId,
        seen: Option<u64>,
        reason: DisabledReason,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// One delivery and its attempts, in order.
    async fn delivery(
        &self,
        team: TeamId,
        delivery: DeliveryId,
    ) -> Result<(Delivery, Vec<Attempt>), StoreError>;

    /// A page of the webhook logs (W54).
    async fn deliveries(
        &self,
        team: TeamId,
        query: DeliveryQuery,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError>;

    /// Reopens an ended delivery with one new schedule, due now; attempt numbers go on (T8). `Conflict` while it has
    /// not ended, if its webhook is disabled, if it has [`ATTEMPTS_MAX`] attempts, or if its event's data was erased;
    /// `NotFound` if its webhook or event is gone. Tells the tail.
    async fn resend(
        &self,
        team: TeamId,
        delivery: DeliveryId,
        now: Timestamp,
    ) -> Result<Delivery, StoreError>;

    /// Delivers an event that is kept to one webhook, whether it wanted the event or not (DLV-1): makes a delivery that is due
    /// now, or reopens the one that there is, since there is one for each event and webhook (T8). `Conflict` where
    /// [`Deliveries::resend`] has it; `NotFound` if the event or the webhook is gone. Tells the tail.
    async fn deliver(
        &self,
        team: TeamId,
        event: EventId,
        webhook: WebhookId,
        now: Timestamp,
    ) -> Result<Delivery, StoreError>;
}
