//! An endpoint of webhooks on a thread of its own: it answers each request at once, always the same.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

use crate::http::Head;
use crate::{Failure, process};

/// What an endpoint says that has nothing to say.
pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

const LISTENER: Token = Token(usize::MAX);
const STOP: Token = Token(usize::MAX - 1);
/// What one read takes.
const READ_BYTES: usize = 64 * 1024;

/// What is done with each request.
pub(crate) trait Sink: Send + 'static {
    /// A whole request came.
    fn take(&mut self, request: &[u8]);
}

/// An endpoint that listens.
pub(crate) struct Receiver<S> {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    waker: Waker,
    thread: JoinHandle<Result<(S, Used), Failure>>,
}

/// What the receiver itself used.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    /// The most that were open at once.
    pub(crate) connections: usize,
    pub(crate) cpu: Duration,
}

#[derive(Default)]
struct Shared {
    received: AtomicU64,
    stop: AtomicBool,
}

impl<S: Sink> Receiver<S> {
    pub(crate) fn start(answer: Vec<u8>, sink: S) -> Result<Self, Failure> {
        let mut listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Waker::new(poll.registry(), STOP)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let receiving = Receiving {
            poll,
            listener,
            answer,
            sink,
            shared: Arc::clone(&shared),
            connections: Vec::new(),
            open: 0,
            most_open: 0,
        };
        let thread = std::thread::spawn(move || receiving.run());
        Ok(Self { address, shared, waker, thread })
    }

    /// Requests received so far.
    pub(crate) fn received(&self) -> u64 {
        self.shared.received.load(Ordering::Relaxed)
    }

    /// Waits until so many requests came.
    pub(crate) fn wait_for(&self, requests: u64, deadline: Duration) -> Result<(), Failure> {
        let began = Instant::now();
        while self.received() < requests {
            if began.elapsed() > deadline {
                return Err(
                    format!("{} of {requests} requests were received in time", self.received()).into()
                );
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Ends it, and hands out what it took.
    pub(crate) fn finish(self) -> Result<(S, Used), Failure> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.waker.wake()?;
        self.thread.join().map_err(|_| "the receiver has panicked")?
    }
}

struct Connection {
    stream: TcpStream,
    /// A request that has not come whole.
    begun: Vec<u8>,
}

struct Receiving<S> {
    poll: Poll,
    listener: TcpListener,
    answer: Vec<u8>,
    sink: S,
    shared: Arc<Shared>,
    /// All that ever were, `None` where one is closed.
    connections: Vec<Option<Connection>>,
    open: usize,
    most_open: usize,
}

impl<S: Sink> Receiving<S> {
    fn run(mut self) -> Result<(S, Used), Failure> {
        let mut events = Events::with_capacity(1024);
        let mut scratch = vec![0; READ_BYTES];
        while !self.shared.stop.load(Ordering::Relaxed) {
            self.poll.poll(&mut events, None)?;
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    STOP => {}
                    Token(at) => self.read(at, &mut scratch),
                }
            }
        }
        let used = Used { connections: self.most_open, cpu: process::thread_cpu() };
        Ok((self.sink, used))
    }

    fn accept(&mut self) -> Result<(), Failure> {
        loop {
            match self.listener.accept() {
                Ok((mut stream, _)) => {
                    stream.set_nodelay(true)?;
                    let token = Token(self.connections.len());
                    self.poll.registry().register(&mut stream, token, Interest::READABLE)?;
                    self.connections.push(Some(Connection { stream, begun: Vec::new() }));
                    self.open += 1;
                    self.most_open = self.most_open.max(self.open);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read(&mut self, at: usize, scratch: &mut [u8]) {
        loop {
            let Some(connection) = &mut self.connections[at] else { return };
            match connection.stream.read(scratch) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Ok(0) | Err(_) => return self.close(at),
                Ok(read) => {
                    if !self.take(at, &scratch[..read]) {
                        return self.close(at);
                    }
                    if read < scratch.len() {
                        return; // all that there was: what comes next wakes us again
                    }
                }
            }
        }
    }

    fn close(&mut self, at: usize) {
        self.open -= 1;
        self.connections[at] = None;
    }

    /// Answers each request that is whole; false if the connection is of no more use.
    fn take(&mut self, at: usize, read: &[u8]) -> bool {
        let Some(connection) = &mut self.connections[at] else { return false };
        let mut kept = std::mem::take(&mut connection.begun);
        let mut rest = if kept.is_empty() {
            read
        } else {
            kept.extend_from_slice(read);
            &kept
        };
        while let Some(head) = Head::parse(rest)
            && let Some((request, behind)) = rest.split_at_checked(head.message_len())
        {
            self.sink.take(request);
            self.shared.received.fetch_add(1, Ordering::Relaxed);
            // One that is under way at a time: there is room for its answer.
            if connection.stream.write(&self.answer).ok() != Some(self.answer.len()) {
                return false;
            }
            rest = behind;
        }
        connection.begun.extend_from_slice(rest);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Shutdown, TcpStream};

    use super::*;
    use crate::sinks::Nothing;

    /// Connects and asks once.
    fn ask(address: SocketAddr) -> TcpStream {
        let mut asking = TcpStream::connect(address).unwrap();
        asking.write_all(b"POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n").unwrap();
        asking.read_exact(&mut [0; OK.len()]).unwrap();
        asking
    }

    /// The floor is measured over as many connections as there were at once, however often one was opened anew.
    #[test]
    fn connections_are_counted_that_are_open_at_once() {
        let receiver = Receiver::start(OK.to_vec(), Nothing).unwrap();
        for _ in 0..3 {
            let mut left = ask(receiver.address);
            left.shutdown(Shutdown::Write).unwrap();
            assert_eq!(left.read(&mut [0]).unwrap(), 0, "the receiver closes what its peer closed");
        }
        let _both = [ask(receiver.address), ask(receiver.address)];
        assert_eq!(receiver.received(), 5);
        assert_eq!(receiver.finish().unwrap().1.connections, 2);
    }
}
