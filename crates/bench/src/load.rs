//! Keep-alive requests from one thread, each connection with one under way, as fast as they are answered.
//!
//! The same code loads the server and the floors, so that their ratio says something of the server alone.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::http::{AnswerReader, Template};
use crate::{Failure, process};

/// Nothing may stand still for so long.
const STANDSTILL: Duration = Duration::from_secs(30);
/// What one read takes: an answer to a batch fits.
const READ_BYTES: usize = 64 * 1024;

/// What is to be sent.
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) template: Template,
    /// Each with one request under way.
    pub(crate) connections: usize,
    pub(crate) requests: u64,
    /// The number of the first event.
    pub(crate) first: u64,
    /// The only status that is right.
    pub(crate) status: u16,
}

/// What came of it.
pub(crate) struct Loaded {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// From the first byte of a request to the last of its answer, in microseconds.
    pub(crate) answers: Histogram<u64>,
    /// What the generator itself used.
    pub(crate) cpu: Duration,
}

impl Loaded {
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    pub(crate) fn answer_ms(&self, quantile: f64) -> f64 {
        self.answers.value_at_quantile(quantile) as f64 / 1000.0
    }
}

struct Connection {
    stream: TcpStream,
    request: Template,
    written: usize,
    answer: AnswerReader,
    asked: Instant,
}

/// Sends it all, from the calling thread; events are numbered in the order in which they are sent.
pub(crate) fn send(load: Load) -> Result<Loaded, Failure> {
    let mut sending = Sending::begin(&load)?;
    let cpu_before = process::thread_cpu();
    let began = Instant::now();
    for at in 0..sending.connections.len() {
        sending.ask(at)?;
    }
    let mut events = Events::with_capacity(load.connections.max(16));
    let mut scratch = vec![0; READ_BYTES];
    while sending.answered < load.requests {
        sending.poll.poll(&mut events, Some(STANDSTILL))?;
        if events.is_empty() {
            return Err(format!(
                "{} of {} requests were answered, then none",
                sending.answered, load.requests
            )
            .into());
        }
        for event in &events {
            sending.went_on(event.token().0, &mut scratch)?;
        }
    }
    Ok(Loaded {
        requests: load.requests,
        seconds: began.elapsed().as_secs_f64(),
        answers: sending.answers,
        cpu: process::thread_cpu() - cpu_before,
    })
}

struct Sending {
    poll: Poll,
    connections: Vec<Connection>,
    answers: Histogram<u64>,
    answered: u64,
    asked: u64,
    requests: u64,
    first: u64,
    status: u16,
}

impl Sending {
    fn begin(load: &Load) -> Result<Self, Failure> {
        let poll = Poll::new()?;
        let open = |at| {
            let stream = std::net::TcpStream::connect(load.address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(at), Interest::READABLE | Interest::WRITABLE)?;
            let request = load.template.clone();
            Ok(Connection {
                stream,
                request,
                written: usize::MAX,
                answer: AnswerReader::default(),
                asked: Instant::now(),
            })
        };
        let connections = (0..load.connections).map(open).collect::<Result<_, std::io::Error>>()?;
        let Load { requests, first, status, .. } = *load;
        Ok(Self {
            poll,
            connections,
            answers: Histogram::new(3)?,
            answered: 0,
            asked: 0,
            requests,
            first,
            status,
        })
    }

    /// The next request, if one is left.
    fn ask(&mut self, at: usize) -> Result<(), Failure> {
        if self.asked == self.requests {
            return Ok(());
        }
        let connection = &mut self.connections[at];
        connection.request.set_numbers(self.first + self.asked * connection.request.events());
        self.asked += 1;
        connection.written = 0;
        connection.asked = Instant::now();
        connection.write()
    }

    fn went_on(&mut self, at: usize, scratch: &mut [u8]) -> Result<(), Failure> {
        self.connections[at].write()?;
        while let Some(read) = self.connections[at].read(scratch)? {
            let connection = &mut self.connections[at];
            if let Some(status) = connection.answer.take(&scratch[..read]) {
                if status != self.status {
                    let answer = String::from_utf8_lossy(&scratch[..read]);
                    return Err(format!("a request was answered {status}: {answer}").into());
                }
                self.answers.record(connection.asked.elapsed().as_micros() as u64)?;
                self.answered += 1;
                self.ask(at)?;
            }
            if read < scratch.len() {
                break; // all that there was: what comes next wakes us again
            }
        }
        Ok(())
    }
}

impl Connection {
    fn write(&mut self) -> Result<(), Failure> {
        while let Some(rest @ [_, ..]) = self.request.bytes().get(self.written..) {
            match self.stream.write(rest) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn read(&mut self, scratch: &mut [u8]) -> Result<Option<usize>, Failure> {
        match self.stream.read(scratch) {
            Ok(0) => Err("the server closed a connection".into()),
            Ok(read) => Ok(Some(read)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
