//! One task that serves many streams.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::time::{Interval, MissedTickBehavior, interval};

use super::chunk::Joined;
use super::line::{After, Line};
use super::pumps::{Intake, Pumps};
use super::wakes::{Cause, Wakes, Woken, places};
use crate::listen::lookout::Lookout;

/// Serves the lines of one intake, until there are none.
///
/// An event wakes a pump once, and it writes to all its lines in a row: between two of them there is no queue of the runtime's, and
/// what they share is in the processor's cache.
pub(super) struct Pump {
    pumps: Arc<Pumps>,
    intake: Arc<Intake>,
    places: Vec<Place>,
    joined: Joined,
    looks: Interval,
}

struct Place {
    line: Option<Box<Line>>,
    news: Waker,
    socket: Waker,
}

impl Place {
    fn new(wakes: &Arc<Wakes>, at: usize) -> Self {
        Self { line: None, news: wakes.waker(at, Cause::News), socket: wakes.waker(at, Cause::Socket) }
    }
}

impl Pump {
    pub(super) fn new(pumps: Arc<Pumps>, intake: Arc<Intake>) -> Self {
        let mut looks = interval(Lookout::every(pumps.unacknowledged()));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { pumps, intake, places: Vec::new(), joined: Joined::default(), looks }
    }

    pub(super) async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Woken { news, sockets } = self.intake.wakes.take(cx.waker());
        self.intake.arrived().into_iter().for_each(|line| self.seat(line));
        for at in places(news | sockets) {
            self.serve(at, sockets & 1 << at != 0);
        }
        while self.looks.poll_tick(cx).is_ready() {
            self.look_round();
        }
        let ends = self.intake.is_empty() && self.pumps.close_if_empty(&self.intake);
        if ends { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Gives a line a place and looks at it.
    fn seat(&mut self, line: Line) {
        let free = self.places.iter().position(|place| place.line.is_none());
        let at = free.unwrap_or_else(|| {
            self.places.push(Place::new(&self.intake.wakes, self.places.len()));
            self.places.len() - 1
        });
        self.places[at].line = Some(Box::new(line));
        self.serve(at, true);
    }

    fn serve(&mut self, at: usize, minds_socket: bool) {
        let Some(Place { line: Some(line), news, socket }) = self.places.get_mut(at) else { return };
        let (news, socket) = (&mut Context::from_waker(news), &mut Context::from_waker(socket));
        let minded = if minds_socket { line.mind(socket) } else { After::Stays };
        let after = if minded == After::Gone { minded } else { line.write(news, socket, &mut self.joined) };
        if minded == After::Again || after == After::Again {
            self.intake.wakes.wake(at, if minded == After::Again { Cause::Socket } else { Cause::News });
        }
        match after {
            After::Stays | After::Again => {}
            After::Gone => drop(self.free(at)),
            After::Ended => {
                if let Some(line) = self.free(at) {
                    tokio::spawn(line.close());
                }
            }
        }
    }

    fn free(&mut self, at: usize) -> Option<Box<Line>> {
        let line = self.places.get_mut(at)?.line.take();
        if line.is_some() {
            self.intake.one_less();
        }
        line
    }

    /// Lets those go whose peers acknowledge nothing any more.
    fn look_round(&mut self) {
        for at in 0..self.places.len() {
            if self.places[at].line.as_mut().is_some_and(|line| line.is_gone()) {
                tracing::debug!("closed a stream whose peer acknowledges nothing");
                self.free(at);
            }
        }
    }
}

/// However it ends: were it a panic, no line must come to a pump that is not there.
impl Drop for Pump {
    fn drop(&mut self) {
        self.pumps.close(&self.intake);
    }
}
