//! What is found after a fault, to be held against the ledger.

use std::time::Instant;

use cstar_signature::Secret;
use cstar_types::{DeliveryStatus, EventId, Outcome, Patterns, Position, TeamId};
use cstar_wire::{CreatedWebhook, DeliveryRow};

use super::{Ledger, breaches};
use crate::footprint::Footprint;
use crate::receiver::{Received, Receiver};
use crate::stream::{Connection, StreamReader};
use crate::team::Team;
use crate::wait::{DEADLINE, comes};

/// Everything that can be seen of a team from outside.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Whose.
    pub team: TeamId,
    /// The log as the stream replays it.
    pub log: Vec<(Position, String)>,
    /// The log as the list shows it.
    pub listed: Vec<String>,
    /// The webhooks and what came to them.
    pub endpoints: Vec<Endpoint>,
    /// What a reader was told that was there from before the first event, over all its connections.
    pub stream: Vec<Connection>,
    /// What the server went through.
    pub life: Life,
}

/// A webhook that was there from before the first event.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The events that it wants.
    pub wants: Patterns,
    /// The deliveries to it.
    pub deliveries: Vec<Delivered>,
    /// What came.
    pub arrivals: Vec<Received>,
    /// What its requests are signed with.
    pub secret: Secret,
}

impl Endpoint {
    /// Whether it has got all that is in a log of so many events: what is asked of one that is well and wants everything.
    pub(crate) fn has_got_all(&self, events: usize) -> bool {
        let is_there = |delivery: &Delivered| delivery.status == DeliveryStatus::Delivered;
        self.deliveries.len() == events && self.deliveries.iter().all(is_there)
    }
}

/// A delivery, as far as the checks go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// `x-cstar-delivery`.
    pub id: String,
    /// Which event.
    pub event: EventId,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How many attempts are on record.
    pub attempts: usize,
    /// How many of them failed.
    pub failures: usize,
}

/// A webhook, and where its requests come to.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// The webhook.
    pub webhook: &'a CreatedWebhook,
    /// An endpoint of its own.
    pub receiver: &'a Receiver,
}

/// What the server's process went through.
#[derive(Debug, Clone, Default)]
pub struct Life {
    /// Each time that it died.
    pub crashes: Vec<Crash>,
    /// The most that it took.
    pub took: Footprint,
    /// What it may take.
    pub bounds: Footprint,
}

/// A time in which what was on its way may have been lost from the record: it explains what is sent once more because of it, and
/// nothing that was sent before or after.
#[derive(Debug, Clone, Copy)]
pub struct Crash {
    from: Instant,
    /// None while the server is away.
    until: Option<Instant>,
}

impl Crash {
    /// The server has just died.
    #[must_use]
    pub fn now() -> Self {
        Self { from: Instant::now(), until: None }
    }

    /// At some moment since then, and it is over.
    #[must_use]
    pub fn since(from: Instant) -> Self {
        Self { from, until: Some(Instant::now()) }
    }

    /// The server is there again.
    pub(crate) fn end(&mut self) {
        self.until.get_or_insert_with(Instant::now);
    }

    /// Whether something that came first and last at these moments may have come again because of it.
    pub(super) fn explains(&self, first: Instant, last: Instant) -> bool {
        self.until.is_none_or(|until| first <= until) && self.from <= last
    }
}

impl Evidence {
    /// Settles what is unknown, waits until every delivery has ended and the reader has come to the end of the log, and
    /// gathers what there is. What has not come within the deadline is missed by the checks.
    pub async fn gather(
        ledger: &Ledger,
        team: &Team,
        watched: &[Watched<'_>],
        reader: &StreamReader,
        life: Life,
    ) -> Self {
        ledger.settle(team).await;
        let log = team.log().await;
        let mut endpoints = Vec::new();
        for one in watched {
            endpoints.push(one.seen(team).await);
        }
        comes(DEADLINE, async || (reader.events().len() >= log.len()).then_some(())).await;
        let listed = team.events().await.iter().map(|envelope| envelope.as_str().to_owned()).collect();
        Self { team: team.id, log, listed, endpoints, stream: reader.connections(), life }
    }

    /// Holds this against what was asked and answered.
    ///
    /// # Panics
    /// If a rule was broken: with each breach, and what more there is to say to who looks for its reason.
    #[track_caller]
    pub fn judge(&self, ledger: &Ledger, more: impl FnOnce() -> String) {
        let found: Vec<String> = breaches(ledger, self).iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{}\n{}", found.join("\n"), more());
    }
}

impl Watched<'_> {
    async fn seen(self, team: &Team) -> Endpoint {
        let Self { webhook, receiver } = self;
        let of_webhook = format!("webhook={}", webhook.seen.id);
        for status in [DeliveryStatus::Pending, DeliveryStatus::Retrying] {
            let below = format!("deliveries?{of_webhook}&status={status}&limit=1");
            comes(DEADLINE, async || team.page::<DeliveryRow>(&below).await.data.is_empty().then_some(()))
                .await;
        }
        let mut deliveries = Vec::new();
        for row in team.deliveries(&of_webhook).await {
            deliveries.push(Delivered::look(team, row).await);
        }
        Endpoint {
            wants: webhook.seen.events.clone(),
            deliveries,
            arrivals: receiver.received(),
            secret: Secret::parse(webhook.secret.reveal()).expect("a secret of ours"),
        }
    }
}

impl Delivered {
    async fn look(team: &Team, row: DeliveryRow) -> Self {
        let delivered = usize::from(row.status == DeliveryStatus::Delivered);
        let attempts = usize::try_from(row.attempts).expect("a few");
        let failures = if row.attempts > 1 {
            let attempts = team.delivery(row.id).await.attempts;
            attempts.iter().filter(|attempt| attempt.outcome != Outcome::Success).count()
        } else {
            attempts.saturating_sub(delivered)
        };
        Self { id: row.id.to_string(), event: row.event_id, status: row.status, attempts, failures }
    }
}
