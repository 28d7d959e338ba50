//! The thread that reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::stream::{Came, Stream};
use super::{Plan, Read, STOP, Told};
use crate::{Failure, process};

/// What one read takes.
const READ_BYTES: usize = 64 * 1024;

pub(super) struct Reading {
    plan: Plan,
    poll: Poll,
    stop: Arc<AtomicBool>,
    tell: Sender<Told>,
    streams: Vec<Stream>,
    open: usize,
    /// On how many streams each event has come, from the first one on.
    came: Vec<u32>,
    latencies: Histogram<u64>,
    frames: u64,
}

impl Reading {
    pub(super) fn new(
        plan: Plan,
        poll: Poll,
        stop: Arc<AtomicBool>,
        tell: Sender<Told>,
    ) -> Result<Self, Failure> {
        let (streams, came) = (Vec::with_capacity(plan.streams), vec![0; plan.turns.len()]);
        let latencies = Histogram::new(3)?;
        Ok(Self { plan, poll, stop, tell, streams, open: 0, came, latencies, frames: 0 })
    }

    pub(super) fn run(mut self) -> Result<Read, Failure> {
        let mut events = Events::with_capacity(1024);
        let mut scratch = vec![0; READ_BYTES];
        let cpu_before = process::thread_cpu();
        while !self.stop.load(Ordering::Relaxed) {
            self.open_more()?;
            self.poll.poll(&mut events, None)?;
            for event in events.iter().filter(|event| event.token() != STOP) {
                self.went_on(event.token().0, &mut scratch)?;
            }
        }
        let cpu = process::thread_cpu() - cpu_before;
        Ok(Read { latencies: self.latencies, frames: self.frames, cpu })
    }

    fn open_more(&mut self) -> Result<(), Failure> {
        while self.streams.len() < self.plan.streams && self.streams.len() < self.open + self.plan.opening {
            let mut socket = TcpStream::connect(self.plan.address)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut socket, Token(self.streams.len()), interest)?;
            self.streams.push(Stream::new(socket, self.plan.first));
        }
        Ok(())
    }

    fn went_on(&mut self, at: usize, scratch: &mut [u8]) -> Result<(), Failure> {
        self.streams[at].ask(&self.plan.request)?;
        loop {
            let (numbers, came_at, full) = match self.streams[at].read(scratch)? {
                Came::Events { numbers, at, full } => (numbers, at, full),
                Came::Opened { numbers, at } => {
                    self.opened();
                    (numbers, at, true)
                }
                Came::Nothing => return Ok(()),
            };
            for number in numbers {
                self.note(number, came_at)?;
            }
            if !full {
                return Ok(()); // all that there was: what comes next wakes us again
            }
        }
    }

    fn opened(&mut self) {
        self.open += 1;
        if self.open == self.plan.streams {
            let _ = self.tell.send(Told::Open); // nobody may be waiting for it
        }
    }

    fn note(&mut self, number: u64, now: Instant) -> Result<(), Failure> {
        self.frames += 1;
        if let Some(passed) = self.plan.turns.passed(number, now) {
            self.latencies.record(passed.as_micros() as u64)?;
        }
        let came = self.came.get_mut(number as usize).ok_or("a stream brought an event that nobody sent")?;
        *came += 1;
        if *came as usize == self.plan.streams {
            let _ = self.tell.send(Told::All(number));
        }
        Ok(())
    }
}
