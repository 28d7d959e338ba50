//! Many streams read on one thread, each held to bring every event once and in order.

mod reading;
mod sequence;
mod stream;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::{Poll, Token, Waker};

use crate::Failure;
use reading::Reading;

const STOP: Token = Token(usize::MAX);
const DEADLINE: Duration = Duration::from_secs(120);

/// Which streams are opened, and what they must bring.
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    /// The request of each.
    pub(crate) request: Vec<u8>,
    pub(crate) streams: usize,
    /// That are being opened at once.
    pub(crate) opening: usize,
    /// The number of the first event that each brings; from there on they count.
    pub(crate) first: u64,
    /// When each event had its turn.
    pub(crate) turns: Arc<Turns>,
}

/// When each event was to be sent. Who waits for the one before sends late, and that time counts too.
pub(crate) struct Turns {
    began: Instant,
    /// Nanoseconds after the beginning; 0 for those whose time does not count.
    at: Vec<AtomicU64>,
}

impl Turns {
    pub(crate) fn new(events: u64) -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), at: (0..events).map(|_| AtomicU64::new(0)).collect() })
    }

    pub(crate) fn set(&self, number: u64, at: Instant) {
        let nanos = at.saturating_duration_since(self.began).as_nanos() as u64;
        self.at[number as usize].store(nanos.max(1), Ordering::Relaxed);
    }

    /// How long after its turn this is, if its time counts.
    fn passed(&self, number: u64, now: Instant) -> Option<Duration> {
        let at = self.at.get(number as usize)?.load(Ordering::Relaxed);
        let turn = self.began + Duration::from_nanos(at);
        (at > 0).then(|| now.saturating_duration_since(turn))
    }

    fn len(&self) -> usize {
        self.at.len()
    }
}

/// Open streams.
pub(crate) struct Readers {
    told: Receiver<Told>,
    stop: Arc<AtomicBool>,
    waker: Waker,
    thread: JoinHandle<()>,
    outcome: Arc<OnceLock<Result<Read, String>>>,
}

/// What the thread tells.
enum Told {
    /// Every stream is open.
    Open,
    /// Every stream has the event of this number.
    All(u64),
}

/// What all streams brought.
#[derive(Clone)]
pub(crate) struct Read {
    /// From an event's turn until a stream had it, over all streams, in microseconds.
    pub(crate) latencies: Histogram<u64>,
    pub(crate) frames: u64,
    pub(crate) cpu: Duration,
}

impl Read {
    pub(crate) fn ms(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1000.0
    }
}

impl Readers {
    /// Begins to open them.
    pub(crate) fn open(plan: Plan) -> Result<Self, Failure> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), STOP)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (tell, told) = channel();
        let outcome = Arc::new(OnceLock::new());
        let reading = Reading::new(plan, poll, Arc::clone(&stop), tell)?;
        let shared = Arc::clone(&outcome);
        let thread = std::thread::spawn(move || {
            let _ = shared.set(reading.run().map_err(|failure| failure.to_string()));
        });
        Ok(Self { told, stop, waker, thread, outcome })
    }

    pub(crate) fn wait_until_open(&self) -> Result<(), Failure> {
        self.wait(|told| matches!(told, Told::Open))
    }

    /// Waits until every stream has this event.
    pub(crate) fn wait_for(&self, number: u64) -> Result<(), Failure> {
        self.wait(|told| matches!(told, Told::All(reached) if *reached == number))
    }

    fn wait(&self, is_it: impl Fn(&Told) -> bool) -> Result<(), Failure> {
        loop {
            match self.told.recv_timeout(DEADLINE) {
                Ok(told) if is_it(&told) => return Ok(()),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Err("not every stream had it in time".into()),
                Err(RecvTimeoutError::Disconnected) => {
                    let failure = match self.outcome.wait() {
                        Err(failure) => failure.clone(),
                        Ok(_) => "the readers have ended".to_owned(),
                    };
                    return Err(failure.into());
                }
            }
        }
    }

    /// Closes them all.
    pub(crate) fn finish(self) -> Result<Read, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        self.waker.wake()?;
        self.thread.join().map_err(|_| "the readers have panicked")?;
        Ok(self.outcome.wait().clone()?)
    }
}
