//! What a stream tells its reader.

use std::fmt;
use std::time::Duration;

use cstar_types::{EventId, EventType, Position};
use cstar_wire::{Envelope, Gap};
use serde::de::DeserializeOwned;

use crate::Error;

/// What a stream tells its reader.
#[derive(Debug)]
pub enum StreamEvent {
    /// An event of the log. Positions rise; none comes twice.
    Event(Event),
    /// A part of the log was missed for good.
    Gap(Gap),
    /// What became of the connection.
    State(State),
}

/// An event of the log.
#[derive(Debug, Clone)]
pub struct Event {
    /// Where it stands.
    pub position: Position,
    /// Which event, the same everywhere (T8).
    pub id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// The envelope, byte for byte as webhooks and lists have it (T9).
    pub envelope: Envelope,
}

/// What became of the connection.
#[derive(Debug)]
pub enum State {
    /// It is being opened.
    Connecting,
    /// It stands: what is published from now on arrives.
    Open(Opened),
    /// It ended, or could not be opened.
    Disconnected(Disconnected),
    /// Nothing more will come.
    Ended,
}

/// A stream that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Whether it goes on exactly where the reader stopped.
    pub resumed: bool,
    /// The last position of the log at that moment: up to here, events are replayed.
    pub head: Position,
    /// The oldest position that is kept.
    pub oldest: Position,
    /// How often the server says that it lives.
    pub heartbeat: Duration,
}

/// A connection that ended, or that could not be opened.
#[derive(Debug)]
pub struct Disconnected {
    /// Why.
    pub error: Error,
    /// How many times it failed since it last stood, this time included.
    pub attempt: u32,
    /// When it is tried again; `None` if it will not be.
    pub retry_in: Option<Duration>,
}

impl Event {
    /// The event's data, read as `T`.
    ///
    /// # Errors
    /// When the data is not a `T`.
    pub fn data<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.envelope.fields()?.data.get())
    }
}

impl Disconnected {
    /// Whether it is tried again.
    #[must_use]
    pub const fn will_retry(&self) -> bool {
        self.retry_in.is_some()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting => f.write_str("connecting"),
            Self::Open(Opened { resumed: true, .. }) => f.write_str("connected, resumed"),
            Self::Open(_) => f.write_str("connected"),
            Self::Disconnected(Disconnected { error, retry_in: Some(wait), .. }) => {
                write!(f, "disconnected, trying again in {:.1} s: {error}", wait.as_secs_f64())
            }
            Self::Disconnected(Disconnected { error, retry_in: None, .. }) => {
                write!(f, "disconnected: {error}")
            }
            Self::Ended => f.write_str("ended"),
        }
    }
}
