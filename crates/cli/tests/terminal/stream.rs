//! A reader of the Rust client's stream that notes everything it is told.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cstar_client::{Gap, Opened, Realtime, State, StreamEvent};
use cstar_testkit::until;
use cstar_types::{Cursor, Position};
use tokio::task::JoinHandle;

/// What a stream told, in a form that can be compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    /// An event: its position and the envelope's bytes.
    Event(Position, String),
    Gap(Gap),
    Open(Opened),
    Gone(Gone),
    Ended,
}

/// A connection that was lost, or not had.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Gone {
    pub(crate) error: String,
    /// The problem code, where the server refused.
    pub(crate) code: Option<String>,
    pub(crate) attempt: u32,
    pub(crate) retry_in: Option<Duration>,
    pub(crate) at: Instant,
}

/// Reads a stream in a task of its own, until it ends or this is dropped.
pub(crate) struct Reader {
    heard: Arc<Mutex<Vec<Heard>>>,
    cursor: Arc<Mutex<Option<Cursor>>>,
    task: JoinHandle<()>,
}

impl Reader {
    pub(crate) fn read(mut realtime: Realtime) -> Self {
        let (heard, cursor) = <(Arc<Mutex<Vec<Heard>>>, Arc<Mutex<Option<Cursor>>>)>::default();
        let (notes, passed) = (Arc::clone(&heard), Arc::clone(&cursor));
        let task = tokio::spawn(async move {
            while let Some(told) = realtime.next().await {
                *passed.lock().expect("nobody panics with it") = realtime.cursor();
                notes.lock().expect("nobody panics with it").extend(Heard::of(told));
            }
        });
        Self { heard, cursor, task }
    }

    /// The same, once the stream stands.
    pub(crate) async fn open(realtime: Realtime) -> Self {
        let reader = Self::read(realtime);
        reader.until("the stream to stand", |heard| matches!(heard, Heard::Open(_)), 1).await;
        reader
    }

    /// Up to where everything was told.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        *self.cursor.lock().expect("nobody panics with it")
    }

    /// Everything that was told so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("nobody panics with it").clone()
    }

    /// The events that were told so far.
    pub(crate) fn events(&self) -> Vec<(Position, String)> {
        let event = |heard| match heard {
            Heard::Event(position, envelope) => Some((position, envelope)),
            _ => None,
        };
        self.heard().into_iter().filter_map(event).collect()
    }

    /// The connections that were lost or not had so far.
    pub(crate) fn gone(&self) -> Vec<Gone> {
        let gone = |heard| match heard {
            Heard::Gone(gone) => Some(gone),
            _ => None,
        };
        self.heard().into_iter().filter_map(gone).collect()
    }

    /// Waits until so many of a kind were told.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&Heard) -> bool, count: usize) -> Vec<Heard> {
        until(what, async || {
            let heard = self.heard();
            (heard.iter().filter(|heard| is(heard)).count() >= count).then_some(heard)
        })
        .await
    }

    /// Waits until so many events were told.
    pub(crate) async fn until_events(&self, count: usize) -> Vec<(Position, String)> {
        let what = format!("{count} events on the stream");
        self.until(&what, |heard| matches!(heard, Heard::Event(..)), count).await;
        self.events()
    }

    /// Waits until it has ended, and tells everything.
    pub(crate) async fn until_ended(&self) -> Vec<Heard> {
        let heard = self.until("the stream to end", |heard| *heard == Heard::Ended, 1).await;
        until("the end of the reader", async || self.task.is_finished().then_some(())).await;
        heard
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Heard {
    fn of(told: StreamEvent) -> Option<Self> {
        Some(match told {
            StreamEvent::Event(event) => Self::Event(event.position, event.envelope.as_str().to_owned()),
            StreamEvent::Gap(gap) => Self::Gap(gap),
            StreamEvent::State(State::Connecting) => return None,
            StreamEvent::State(State::Open(opened)) => Self::Open(opened),
            StreamEvent::State(State::Disconnected(gone)) => Self::Gone(Gone {
                error: gone.error.to_string(),
                code: gone.error.code().map(str::to_owned),
                attempt: gone.attempt,
                retry_in: gone.retry_in,
                at: Instant::now(),
            }),
            StreamEvent::State(State::Ended) => Self::Ended,
        })
    }
}
