//! Publishing, and reading what was published.

use std::fmt;
use std::sync::Arc;

use cstar_types::{EventId, Patterns, Position, TeamId, Timestamp};
use cstar_wire::{Envelope, Publish, PublishBatch, PublishedBatch, header};
use http::HeaderValue;

use crate::call::Call;
use crate::retry::Repeat;
use crate::transport::Transport;
use crate::{Error, Pages, Result};

/// The events of a team.
#[derive(Debug, Clone, Copy)]
pub struct Events<'a> {
    pub(crate) transport: &'a Arc<Transport>,
    pub(crate) team: TeamId,
}

/// How an event is published.
#[derive(Debug, Clone, Default)]
pub struct PublishOptions {
    /// A repeat with the same key, type and data finds the first event. One is made unless given, so that the client can
    /// repeat the call by itself.
    pub idempotency_key: Option<String>,
    /// Whether it is a test event (T20).
    pub test: bool,
}

/// How a batch is published.
#[derive(Debug, Clone, Copy, Default)]
pub struct BatchOptions {
    /// Whether these are test events (T20).
    pub test: bool,
}

/// A published event.
#[derive(Debug, Clone)]
pub struct Published {
    /// The envelope, byte for byte as it is stored, sent and streamed (T9).
    pub envelope: Envelope,
    /// Where it stands in the team's log.
    pub position: Position,
    /// Whether it was published before, with the same idempotency key.
    pub replayed: bool,
}

/// Which events are wanted; all of them unless said.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Of these types.
    pub types: Option<Patterns>,
    /// Published at this time or later.
    pub since: Option<Timestamp>,
    /// Published before this time.
    pub until: Option<Timestamp>,
    /// Which end of the log comes first.
    pub order: Order,
}

/// Which end of the log a list begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The newest first.
    #[default]
    Descending,
    /// The oldest first.
    Ascending,
}

impl Events<'_> {
    /// Publishes an event. When this returns, the event is on disk and will be delivered.
    ///
    /// # Errors
    /// See [`Error`]. After [`Error::Network`] and [`Error::Timeout`] it may be published or not; a repeat with the same
    /// idempotency key settles it.
    pub async fn publish(&self, event: &Publish, options: PublishOptions) -> Result<Published> {
        let key = options.idempotency_key.unwrap_or_else(idempotency_key);
        let key = HeaderValue::try_from(key)
            .map_err(|_| Error::protocol("an idempotency key that no header can carry"))?;
        let call = self.post(options.test).json(event)?.header(header::IDEMPOTENCY_KEY, key);
        let answer = self.transport.send(&call).await?;
        Published::read(
            &answer.body,
            answer.header(header::POSITION),
            answer.header(header::IDEMPOTENCY_REPLAYED),
        )
    }

    /// Publishes up to a thousand events, all or nothing. Those without an idempotency key get one, so that the client can
    /// repeat the call by itself.
    ///
    /// # Errors
    /// As with [`Events::publish`].
    pub async fn publish_batch(
        &self,
        mut batch: PublishBatch,
        options: BatchOptions,
    ) -> Result<PublishedBatch> {
        for event in &mut batch.events {
            event.idempotency_key.get_or_insert_with(idempotency_key);
        }
        self.transport.fetch(&self.post(options.test).json(&batch)?).await
    }

    /// Events, newest first unless said.
    #[must_use]
    pub fn list(&self, query: &EventQuery) -> Pages<Envelope> {
        let call = Call::get(&[&"v1", &"teams", &self.team, &"events"])
            .query("types", query.types.as_ref())
            .query("since", query.since)
            .query("until", query.until)
            .query("order", Some(query.order));
        Pages::new(self.transport, call)
    }

    /// One event.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, event: EventId) -> Result<Envelope> {
        self.transport.fetch(&Call::get(&[&"v1", &"teams", &self.team, &"events", &event])).await
    }

    /// Erases what an event said, for good: its envelope stays at its position, with an empty `data`. It takes the platform
    /// key; a second time is as good as the first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn erase(&self, event: EventId) -> Result<()> {
        let call = Call::delete(&[&"v1", &"teams", &self.team, &"events", &event, &"data"]);
        self.transport.send(&call.repeat(Repeat::Freely)).await.map(|_| ())
    }

    fn post(&self, test: bool) -> Call {
        let call = Call::post(&[&"v1", &"teams", &self.team, &"events"]).repeat(Repeat::Freely);
        if test { call.header(header::TEST, HeaderValue::from_static("true")) } else { call }
    }
}

impl Published {
    fn read(body: &[u8], position: Option<&str>, replayed: Option<&str>) -> Result<Self> {
        let envelope = serde_json::from_slice(body)
            .map_err(|error| Error::protocol(format!("the answer to a publish cannot be read ({error})")))?;
        let position = position.and_then(|text| text.parse().ok());
        let position = position.ok_or_else(|| {
            Error::protocol(format!("an event was published, but its answer lacks `{}`", header::POSITION))
        })?;
        Ok(Self { envelope, position, replayed: replayed == Some("true") })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Descending => "desc",
            Self::Ascending => "asc",
        })
    }
}

/// 128 random bits: no two publishes ever share one by chance.
fn idempotency_key() -> String {
    format!("{:032x}", rand::random::<u128>())
}
