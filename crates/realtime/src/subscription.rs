//! A stream: a cursor on a log.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use cstar_store::StoreError;
use cstar_types::Position;
use cstar_wire::Code;

use crate::Format;
use crate::batch::Cut;
use crate::cursor::expired;
use crate::hub::Place;
use crate::reading::{Found, ReadError, Reading};
use crate::run::{Run, RunError};
use crate::seat::Ending;

/// An open stream: a cursor on its team's log, and nothing queued.
///
/// Each poll takes what may be sent at that moment, in one piece: from the ring if it holds what follows the cursor, else
/// from the store. There is no other path for replay than for live events, hence no seam (T16). Dropping it closes it.
///
/// RT-1: positions rise, none comes twice, none is left out but by the filter, and no id lies beyond what was sent or left
/// out. RT-2: what is no longer kept is told as a gap.
#[derive(Debug)]
pub struct Subscription {
    place: Place,
    format: Format,
    until: u64,
    /// The last piece was a heartbeat: before the next one come events, if there are any. Else a reader that takes one
    /// piece in fifteen seconds would get nothing but heartbeats.
    beaten: bool,
    state: State,
}

/// What a subscription begins with.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) opening: Bytes,
    pub(crate) until: u64,
    pub(crate) format: Format,
}

enum State {
    /// It has said nothing yet.
    Opening(Bytes),
    /// It takes from the ring, or waits.
    Following,
    /// It reads the store.
    Reading(Reading),
    /// It has read this and not sent it yet.
    Holding(Arc<Run>),
    /// It has said its last.
    Ended,
}

/// What a look at things came to.
enum Step {
    Send(Bytes),
    /// Something changed; look again.
    Again,
    Wait,
    End,
}

impl Subscription {
    pub(crate) fn new(place: Place, beginning: Beginning) -> Self {
        let Beginning { opening, until, format } = beginning;
        Self { place, format, until, beaten: false, state: State::Opening(opening) }
    }

    /// How it is written.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether it has said its last.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// The next piece, or `None` at the end. Safe to drop while it waits.
    pub async fn next(&mut self) -> Option<Bytes> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next piece: whole blocks, as many as may be sent now and fit one write; or `None` at the end.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let waker = cx.waker();
        match look_twice(self, |own| own.look(waker), |own| own.place.seat.register(waker)) {
            Some(piece) => {
                self.place.seat.handed(self.place.hub.tick_now());
                Poll::Ready(piece)
            }
            None => {
                self.place.seat.at_rest();
                Poll::Pending
            }
        }
    }

    /// What there is now, the end being `Some(None)`.
    fn look(&mut self, waker: &Waker) -> Option<Option<Bytes>> {
        loop {
            match self.step(waker) {
                Step::Send(piece) => return Some(Some(piece)),
                Step::Again => {}
                Step::Wait => return None,
                Step::End => return Some(None),
            }
        }
    }

    fn step(&mut self, waker: &Waker) -> Step {
        if self.has_ended() {
            return Step::End;
        }
        if let Some(ending) = self.place.seat.ending() {
            return self.end(ending);
        }
        if let State::Opening(opening) = &mut self.state {
            let opening = std::mem::take(opening);
            self.state = State::Following;
            return Step::Send(opening);
        }
        if !self.beaten && self.place.seat.heartbeat_asked() {
            self.beaten = true;
            return Step::Send(self.format.heartbeat(self.position()));
        }
        match &mut self.state {
            State::Reading(reading) => match reading.poll(&mut Context::from_waker(waker)) {
                Poll::Pending => self.wait(),
                Poll::Ready(found) => self.found(found),
            },
            State::Holding(run) => {
                let run = Arc::clone(run);
                self.state = State::Following;
                self.send(&[run])
            }
            _ => self.follow(),
        }
    }

    /// Takes what follows the cursor: from the ring, or else by a read.
    fn follow(&mut self) -> Step {
        let passed = self.place.seat.passed();
        if passed >= self.until {
            return self.close(self.format.end(self.position()));
        }
        if passed >= self.place.feed.known() {
            return self.wait();
        }
        let runs = self.place.feed.runs_after(passed, self.place.hub.options.batch_bytes);
        if runs.is_empty() {
            self.state = State::Reading(self.read(passed));
            return Step::Again;
        }
        self.send(&runs)
    }

    fn wait(&mut self) -> Step {
        if std::mem::take(&mut self.beaten) { Step::Again } else { Step::Wait }
    }

    fn send(&mut self, runs: &[Arc<Run>]) -> Step {
        let Place { hub, seat, .. } = &self.place;
        let (after, until) = (seat.passed(), self.until);
        let filter = (!seat.takes_all).then_some(&seat.filter);
        let batch = Cut { after, until, filter, format: self.format }.take(runs);
        seat.pass(batch.passed);
        if batch.bytes.is_empty() {
            return Step::Again;
        }
        self.beaten = false;
        hub.tally.frames.add(batch.frames);
        hub.tally.batches.add(1);
        Step::Send(batch.bytes)
    }

    fn read(&self, after: u64) -> Reading {
        let Place { hub, feed, .. } = &self.place;
        Reading::start(Arc::clone(hub), Arc::clone(feed), after)
    }

    fn found(&mut self, found: Result<Found, ReadError>) -> Step {
        self.state = State::Following;
        match found.and_then(|found| self.accept(found)) {
            Ok(step) => step,
            Err(ReadError::Store(StoreError::NotFound)) => self.end(Ending::TeamDeleted),
            Err(error) => {
                tracing::error!(team = %self.place.feed.team, %error, "a stream ends, and its client is sent back later");
                self.end(Ending::Reconnect)
            }
        }
    }

    /// Holds what was read against the cursor: it must follow it, or retention has made a hole, which is told (RT-2).
    fn accept(&mut self, found: Found) -> Result<Step, ReadError> {
        let Found::InStore { run, ends } = found else { return Ok(Step::Again) };
        let Place { hub, feed, seat, .. } = &self.place;
        let gap = expired(seat.passed(), ends);
        if let Some(gap) = &gap {
            seat.pass(gap.to.seq);
            hub.tally.gaps.add(1);
        }
        let passed = seat.passed();
        let next = run.as_ref().map_or(ends.head + 1, |run| run.first());
        if next > passed + 1 {
            return Err(RunError::Hole(feed.position(next)).into());
        }
        if let Some(run) = run {
            self.state = State::Holding(run);
        }
        Ok(gap.map_or(Step::Again, |gap| Step::Send(self.format.gap(&gap))))
    }

    fn end(&mut self, ending: Ending) -> Step {
        let last = match ending {
            Ending::Reconnect => {
                let after = self.place.hub.options.reconnect(rand::random());
                self.format.reconnect(self.position(), after)
            }
            Ending::Expired => self.format.unauthorized(Code::TokenExpired),
            Ending::Revoked => self.format.unauthorized(Code::KeyRevoked),
            Ending::TeamDeleted => self.format.unauthorized(Code::NotFound),
            Ending::Stalled => return self.close(Bytes::new()),
        };
        self.close(last)
    }

    /// Says the last piece, if there is one.
    fn close(&mut self, last: Bytes) -> Step {
        self.state = State::Ended;
        if last.is_empty() { Step::End } else { Step::Send(last) }
    }

    /// The last position that was sent or left out.
    fn position(&self) -> Position {
        self.place.feed.position(self.place.seat.passed())
    }
}

/// Looks; and before it comes away with nothing asks to be woken, and looks once more: what happened in between has woken
/// nobody, and what happens from then on will.
fn look_twice<S, T>(
    state: &mut S,
    mut look: impl FnMut(&mut S) -> Option<T>,
    ask: impl FnOnce(&S),
) -> Option<T> {
    look(state).or_else(|| {
        ask(state);
        look(state)
    })
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Opening(_) => "Opening",
            Self::Following => "Following",
            Self::Reading(_) => "Reading",
            Self::Holding(_) => "Holding",
            Self::Ended => "Ended",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn what_happens_while_it_falls_asleep_is_seen() {
        let event = &mut Cell::new(None);
        assert_eq!(look_twice(event, |event| event.take(), |event| event.set(Some(1))), Some(1));
        event.set(Some(2));
        assert_eq!(look_twice(event, |event| event.take(), |event| event.set(Some(3))), Some(2));
        assert_eq!(look_twice(event, |event| event.take(), |_| {}), None);
    }
}
