//! `send`: bare socket writes of the same frames to as many connections.
//!
//! It is a process of its own, as the server is: a process may not have enough descriptors for both ends of ten thousand
//! connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::{Failure, number, process};

/// The argument that makes this program the sender.
pub(crate) const ARGUMENT: &str = "send-floor";

/// What a stream of the server's was sent.
pub(crate) struct Sample {
    /// Head and first block.
    pub(crate) opening: Vec<u8>,
    /// One event.
    pub(crate) frame: Vec<u8>,
}

/// A sender that runs; it ends when this is dropped.
pub(crate) struct Sender {
    child: Child,
    orders: ChildStdin,
    pub(crate) address: SocketAddr,
}

impl Sender {
    pub(crate) fn start(sample: &Sample, connections: usize) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut orders = child.stdin.take().ok_or("no way to the sender")?;
        let Sample { opening, frame } = sample;
        writeln!(orders, "{connections} {} {}", opening.len(), frame.len())?;
        orders.write_all(opening)?;
        orders.write_all(frame)?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().ok_or("no way from the sender")?).read_line(&mut address)?;
        Ok(Self { child, orders, address: address.trim().parse()? })
    }

    /// Sends the event of this number to every connection.
    pub(crate) fn round(&mut self, number: u64) -> Result<(), Failure> {
        Ok(writeln!(self.orders, "{number}")?)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

/// What the other process does: opens its connections, then sends a round for each line that it is given.
#[expect(clippy::print_stdout, reason = "this is how the parent hears the address")]
pub(crate) fn serve() -> Result<(), Failure> {
    process::raise_descriptors()?;
    let mut orders = std::io::stdin().lock();
    let mut line = String::new();
    orders.read_line(&mut line)?;
    let sizes: Vec<usize> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let &[connections, opening, frame] = sizes.as_slice() else {
        return Err("three sizes are needed".into());
    };
    let (mut opening, mut frame) = (vec![0; opening], vec![0; frame]);
    orders.read_exact(&mut opening)?;
    orders.read_exact(&mut frame)?;

    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(accept(&listener, &opening)?);
    }
    let place = number::places(&frame).next().ok_or("the frame has no number")?;
    for line in orders.lines() {
        number::write(&mut frame[place..], line?.parse()?);
        for connection in &mut open {
            connection.write_all(&frame)?;
        }
    }
    Ok(())
}

/// Reads the request, and says what the server says first.
fn accept(listener: &TcpListener, opening: &[u8]) -> Result<TcpStream, Failure> {
    let (mut connection, _) = listener.accept()?;
    connection.set_nodelay(true)?;
    let (mut request, mut read) = (Vec::new(), [0; 1024]);
    while !request.ends_with(b"\r\n\r\n") {
        match connection.read(&mut read)? {
            0 => return Err("a reader left".into()),
            came => request.extend_from_slice(&read[..came]),
        }
    }
    connection.write_all(opening)?;
    Ok(connection)
}
