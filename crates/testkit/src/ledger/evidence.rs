//! What is found after a fault, to be held against the ledger.

use cstar_signature::Secret;
use cstar_types::{DeliveryStatus, EventId, Position, TeamId};
use cstar_wire::{CreatedWebhook, DeliveryRow};

use super::Ledger;
use crate::receiver::{Received, Receiver};
use crate::stream::{Connection, StreamReader};
use crate::team::Team;

/// Everything that can be seen of a team from outside.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Whose.
    pub team: TeamId,
    /// The log as the stream replays it.
    pub log: Vec<(Position, String)>,
    /// The log as the list shows it.
    pub listed: Vec<String>,
    /// The deliveries to one webhook that gets everything.
    pub deliveries: Vec<Delivered>,
    /// What came to that webhook's endpoint.
    pub arrivals: Vec<Received>,
    /// What its requests are signed with.
    pub secret: Secret,
    /// What a reader was told that was there from before the first event, over all its connections.
    pub stream: Vec<Connection>,
    /// How often the server died: each time, what was in flight may arrive once more.
    pub crashes: usize,
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
}

impl From<DeliveryRow> for Delivered {
    fn from(row: DeliveryRow) -> Self {
        let attempts = row.attempts.try_into().expect("a few");
        Self { id: row.id.to_string(), event: row.event_id, status: row.status, attempts }
    }
}

impl Evidence {
    /// Settles what is unknown, waits until every delivery has ended and the reader has come to the end of the log, and
    /// gathers what there is.
    ///
    /// # Panics
    /// When it does not come so far within the deadline: something was lost.
    pub async fn gather(
        ledger: &Ledger,
        team: &Team,
        webhook: &CreatedWebhook,
        reader: &StreamReader,
        receiver: &Receiver,
        crashes: usize,
    ) -> Self {
        ledger.settle(team).await;
        let log = team.log().await;
        let deliveries = team.until_ended(&format!("webhook={}", webhook.seen.id), log.len()).await;
        reader.until_events(log.len()).await;
        let listed = team.events().await.iter().map(|envelope| envelope.as_str().to_owned()).collect();
        Self {
            team: team.id,
            log,
            listed,
            deliveries: deliveries.into_iter().map(Delivered::from).collect(),
            arrivals: receiver.received(),
            secret: Secret::parse(webhook.secret.reveal()).expect("a secret of ours"),
            stream: reader.connections(),
            crashes,
        }
    }
}
