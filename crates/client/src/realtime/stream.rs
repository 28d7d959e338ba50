//! The stream itself: connections one after the other, driven by whoever polls.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use cstar_types::{Cursor, Patterns, TeamId};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::connect::{Connect, HttpConnect};
use super::event::{Disconnected, State, StreamEvent};
use super::reading::{Block, ByteStream, Reading};
use super::reconnect::{Reconnect, Verdict};
use super::session::{Effect, Session};
use crate::transport::Transport;
use crate::{Error, Result, StreamEnd};

/// How long a server may take to answer, the connection included.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// Which events a stream shows, and from where on.
#[derive(Debug, Clone, Default)]
pub struct RealtimeOptions {
    /// Only events of these types; the others do not cross the wire (R22, R24). Every event that the key sees unless said
    /// (R23).
    pub types: Option<Patterns>,
    /// Where to begin: what is published from now on unless said.
    pub after: Option<Cursor>,
    /// Whether to end at what is the log's head when the stream is opened.
    pub until_head: bool,
}

/// The events of a team as they happen: a [`Stream`], to be read with [`Realtime::next`].
///
/// It does nothing unless it is polled, and reads no faster than that: a reader that is slow holds the server back, and no
/// queue grows. It connects again by itself, shows each event once and in order, and tells a [`crate::Gap`] where it could
/// not (RT-1, RT-2). It ends by itself only with [`State::Ended`].
///
/// To go on after a restart of the reader, keep [`Realtime::cursor`] and give it as [`RealtimeOptions::after`].
pub struct Realtime {
    connect: Box<dyn Connect>,
    phase: Phase,
    session: Session,
    reconnect: Reconnect,
    random: fn() -> f64,
    /// Whether the key was refused: the next connection says so, and is given another one.
    new_key: bool,
    connected: bool,
    /// What the last block led to and was not handed out yet: at most a few, as none is read before they are.
    shown: VecDeque<StreamEvent>,
    /// Up to where everything was handed out.
    cursor: Option<Cursor>,
}

enum Phase {
    /// To be opened.
    Closed,
    Opening(BoxFuture<'static, Result<ByteStream>>),
    Open(Reading),
    Waiting(Pin<Box<Sleep>>),
    Ended,
}

impl Realtime {
    pub(crate) fn new(transport: &Arc<Transport>, team: TeamId, options: RealtimeOptions) -> Self {
        let connect = Box::new(HttpConnect::new(transport, team, &options));
        Self::over(connect, &options, transport.random)
    }

    pub(crate) fn over(connect: Box<dyn Connect>, options: &RealtimeOptions, random: fn() -> f64) -> Self {
        Self {
            connect,
            phase: Phase::Closed,
            session: Session::new(options.after, options.until_head),
            reconnect: Reconnect::default(),
            random,
            new_key: false,
            connected: false,
            shown: VecDeque::new(),
            cursor: options.after,
        }
    }

    /// What the stream tells next; `None` after [`State::Ended`]. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<StreamEvent> {
        StreamExt::next(self).await
    }

    /// Up to where everything was handed out, events that the filter left out included. Whoever goes on after this misses
    /// nothing.
    #[must_use]
    pub const fn cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// Whether the stream stands.
    #[must_use]
    pub const fn connected(&self) -> bool {
        self.connected
    }

    /// Does what is next, and is ready once that is done.
    fn poll_phase(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.phase {
            Phase::Closed => self.open(),
            Phase::Opening(opening) => match ready!(opening.poll_unpin(cx)) {
                Ok(bytes) => self.phase = Phase::Open(Reading::new(bytes)),
                Err(error) => self.disconnected(error),
            },
            Phase::Open(reading) => match ready!(reading.poll_block(cx)) {
                Ok(block) => self.take(block),
                Err(error) => self.disconnected(error),
            },
            Phase::Waiting(wait) => {
                ready!(wait.poll_unpin(cx));
                self.phase = Phase::Closed;
            }
            Phase::Ended => {}
        }
        Poll::Ready(())
    }

    fn open(&mut self) {
        self.session.begin();
        self.show(State::Connecting);
        let new_key = std::mem::take(&mut self.new_key);
        let opening = timeout(OPEN_TIMEOUT, self.connect.connect(self.session.cursor(), new_key));
        let opening = opening.map(|opened| opened.unwrap_or(Err(Error::Timeout(OPEN_TIMEOUT))));
        self.phase = Phase::Opening(opening.boxed());
    }

    fn take(&mut self, Block { event, id, data }: Block) {
        match self.session.take(event.as_deref(), &id, data) {
            Ok(effects) => effects.into_iter().for_each(|effect| self.apply(effect)),
            Err(wrong) => self.disconnected(Error::protocol(wrong)),
        }
    }

    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Deliver(event) => self.shown.push_back(StreamEvent::Event(event)),
            Effect::Tell(gap) => self.shown.push_back(StreamEvent::Gap(gap)),
            Effect::Open(opened) => {
                if let Phase::Open(reading) = &mut self.phase {
                    reading.set_heartbeat(opened.heartbeat);
                }
                self.connected = true;
                self.reconnect.ready(Instant::now());
                self.show(State::Open(opened));
            }
            Effect::Reconnect(after) => self.reconnect.asked(after),
            Effect::Unauthorized(code) => self.disconnected(StreamEnd::Unauthorized { code }.into()),
            Effect::End => self.end(),
        }
    }

    fn disconnected(&mut self, error: Error) {
        self.connected = false;
        let error = match error {
            Error::Stream(StreamEnd::Closed) if self.reconnect.is_asked() => StreamEnd::Reconnect.into(),
            other => other,
        };
        let can_ask_key = self.connect.can_ask_key();
        let verdict = self.reconnect.failed(&error, can_ask_key, Instant::now(), (self.random)());
        let attempt = self.reconnect.attempt();
        let retry_in = match verdict {
            Verdict::Again(wait) => Some(wait),
            Verdict::AgainWithNewKey => {
                self.new_key = true;
                Some(Duration::ZERO)
            }
            Verdict::End => None,
        };
        self.show(State::Disconnected(Disconnected { error, attempt, retry_in }));
        match retry_in {
            Some(wait) => self.phase = Phase::Waiting(Box::pin(sleep(wait))),
            None => self.end(),
        }
    }

    fn end(&mut self) {
        self.connected = false;
        self.phase = Phase::Ended;
        self.show(State::Ended);
    }

    fn show(&mut self, state: State) {
        self.shown.push_back(StreamEvent::State(state));
    }
}

impl Stream for Realtime {
    type Item = StreamEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<StreamEvent>> {
        loop {
            let told = self.shown.pop_front();
            if self.shown.is_empty() {
                self.cursor = self.session.cursor();
            }
            if told.is_some() || matches!(self.phase, Phase::Ended) {
                return Poll::Ready(told);
            }
            ready!(self.poll_phase(cx));
        }
    }
}

impl fmt::Debug for Realtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cursor, connected, .. } = self;
        f.debug_struct("Realtime")
            .field("cursor", cursor)
            .field("connected", connected)
            .finish_non_exhaustive()
    }
}
