//! One team of a server under test, and what a test asks about it.

use cstar_types::{DeliveryId, EventId, Position, TeamId};
use cstar_wire::{CreatedKey, CreatedWebhook, DeliveryDetail, DeliveryRow, Envelope, List, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::http::{Answer, Http};
use crate::stream::{Frame, Stream};
use crate::wait::until;

/// A team, spoken to with the platform key.
#[derive(Debug, Clone)]
pub struct Team {
    /// Which team.
    pub id: TeamId,
    /// The client.
    pub http: Http,
}

impl Team {
    /// Makes a team.
    pub async fn create(http: &Http) -> Self {
        let team: cstar_wire::Team =
            http.post("/v1/teams", json!({"name": "under test"}).to_string()).await.expect(201).read();
        Self { id: team.id, http: http.clone() }
    }

    /// A path below the team's.
    #[must_use]
    pub fn path(&self, below: &str) -> String {
        format!("/v1/teams/{}/{below}", self.id)
    }

    /// The same team with another key.
    #[must_use]
    pub fn with_key(&self, key: &CreatedKey) -> Self {
        Self { id: self.id, http: self.http.with_key(key.key.reveal()) }
    }

    /// Makes a key with these scopes and patterns.
    pub async fn key(&self, scopes: &[&str], types: &[&str]) -> CreatedKey {
        let body = json!({"name": "under test", "scopes": scopes, "types": types});
        self.http.post(&self.path("keys"), body.to_string()).await.expect(201).read()
    }

    /// Registers a webhook for these patterns.
    pub async fn webhook(&self, url: &str, events: &[&str]) -> CreatedWebhook {
        let body = json!({"url": url, "events": events});
        self.http.post(&self.path("webhooks"), body.to_string()).await.expect(201).read()
    }

    /// Publishes one event.
    pub async fn publish(&self, event_type: &str, data: &Value) -> Published {
        self.publish_raw(json!({"type": event_type, "data": data}).to_string()).await
    }

    /// Publishes one event from the body of the request.
    pub async fn publish_raw(&self, body: String) -> Published {
        Published::read(&self.http.post(&self.path("events"), body).await.expect(201))
    }

    /// A page of a list.
    pub async fn page<T: DeserializeOwned>(&self, below: &str) -> List<T> {
        self.http.get(&self.path(below)).await.expect(200).read()
    }

    /// A whole list; `below` has a query already.
    pub async fn all<T: DeserializeOwned>(&self, below: &str) -> Vec<T> {
        let mut page: List<T> = self.page(&format!("{below}&limit=200")).await;
        let mut rows = page.data;
        while let Some(next) = page.next {
            page = self.page(&format!("{below}&limit=200&after={next}")).await;
            rows.append(&mut page.data);
        }
        rows
    }

    /// One event.
    pub async fn event(&self, id: EventId) -> Answer {
        self.http.get(&self.path(&format!("events/{id}"))).await
    }

    /// The envelopes of the whole log, oldest first, by the list.
    pub async fn events(&self) -> Vec<Envelope> {
        self.all("events?order=asc").await
    }

    /// The whole log with its positions, by the stream: from the oldest that is kept to the present head.
    pub async fn log(&self) -> Vec<(Position, String)> {
        let opened = Stream::open(&self.http, &self.path("realtime?until=head"), Some("0")).await;
        let frames = opened.expect("an answer").expect("a stream").rest().await;
        assert_eq!(
            frames.last().and_then(|frame| frame.name.as_deref()),
            Some("cstar.end"),
            "it ended at the head"
        );
        let events = frames.into_iter().filter(|frame| frame.name.is_none());
        events.map(|Frame { id, data, .. }| (id.parse().expect("a position"), data)).collect()
    }

    /// The position of the last event; 0 before the first.
    pub async fn head(&self) -> u64 {
        self.log().await.last().map_or(0, |(position, _)| position.seq)
    }

    /// The deliveries that this query finds.
    pub async fn deliveries(&self, query: &str) -> Vec<DeliveryRow> {
        self.all(&format!("deliveries?{query}")).await
    }

    /// One delivery with its attempts.
    pub async fn delivery(&self, id: DeliveryId) -> DeliveryDetail {
        self.http.get(&self.path(&format!("deliveries/{id}"))).await.expect(200).read()
    }

    /// Waits until every delivery that the query finds has ended, and there are so many.
    pub async fn until_ended(&self, query: &str, count: usize) -> Vec<DeliveryRow> {
        until(&format!("{count} deliveries to end"), async || {
            let rows = self.deliveries(query).await;
            (rows.len() == count && rows.iter().all(|row| row.status.has_ended())).then_some(rows)
        })
        .await
    }
}

/// The least that a ticket has (W35).
#[must_use]
pub fn ticket(title: &str) -> Value {
    json!({
        "id": "00000000-0000-4000-8000-000000000000", "title": title, "status": "open", "priority": "high",
    })
}

/// What the answer to a publish says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Which event.
    pub id: EventId,
    /// Where it stands.
    pub position: Position,
    /// The envelope, byte for byte.
    pub envelope: String,
}

impl Published {
    /// Reads an answer of 200 or 201 to the publish of one event.
    ///
    /// # Panics
    /// When it is no such answer.
    #[must_use]
    pub fn read(answer: &Answer) -> Self {
        let envelope: Envelope = answer.read();
        let position = answer.header(header::POSITION).parse();
        Self {
            id: envelope.fields().unwrap_or_else(|error| panic!("{error} in {answer}")).id,
            position: position.unwrap_or_else(|error| panic!("{error} in {answer}")),
            envelope: envelope.as_str().to_owned(),
        }
    }
}
