//! One stream: opened, then read for the numbers in its frames.

use std::io::{ErrorKind, Read, Write};
use std::ops::Range;
use std::time::Instant;

use mio::net::TcpStream;

use super::sequence::Sequence;
use crate::Failure;

/// The block with which a stream begins, and its end.
const READY: &[u8] = b"cstar.ready";
const BLOCK_END: &[u8] = b"\n\n";

pub(super) struct Stream {
    pub(super) socket: TcpStream,
    stage: Stage,
    events: Sequence,
}

enum Stage {
    /// So much of the request is written.
    Asking(usize),
    /// What was read of the answer's head and first block.
    Opening(Vec<u8>),
    Open,
}

/// What reading brought.
pub(super) enum Came {
    /// Nothing more is there.
    Nothing,
    /// The stream is open now, and these events came with it; more may be there.
    Opened { numbers: Range<u64>, at: Instant },
    /// These events; more may be there if `full`.
    Events { numbers: Range<u64>, at: Instant, full: bool },
}

impl Stream {
    pub(super) const fn new(socket: TcpStream, first: u64) -> Self {
        Self { socket, stage: Stage::Asking(0), events: Sequence::from(first) }
    }

    /// Sends the request, as far as there is room for it.
    pub(super) fn ask(&mut self, request: &[u8]) -> Result<(), Failure> {
        while let Stage::Asking(written) = &mut self.stage {
            match self.socket.write(&request[*written..]) {
                Ok(more) => *written += more,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    return Ok(());
                }
                Err(error) => return Err(format!("a stream could not be opened: {error}").into()),
            }
            if *written == request.len() {
                self.stage = Stage::Opening(Vec::new());
            }
        }
        Ok(())
    }

    pub(super) fn read(&mut self, scratch: &mut [u8]) -> Result<Came, Failure> {
        let read = match self.socket.read(scratch) {
            Ok(0) => return Err("the server ended a stream".into()),
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                return Ok(Came::Nothing);
            }
            Err(error) => return Err(error.into()),
        };
        let at = Instant::now();
        let bytes = &scratch[..read];
        let Stage::Opening(opening) = &mut self.stage else {
            let numbers = self.events.take(bytes)?;
            return Ok(Came::Events { numbers, at, full: read == scratch.len() });
        };
        opening.extend_from_slice(bytes);
        let Some(end) = end_of_opening(opening)? else { return Ok(Came::Nothing) };
        let numbers = self.events.take(&opening[end..])?;
        self.stage = Stage::Open;
        Ok(Came::Opened { numbers, at })
    }
}

/// Behind the first block, once all of it is there.
fn end_of_opening(opening: &[u8]) -> Result<Option<usize>, Failure> {
    if opening.len() >= 12 && !opening.starts_with(b"HTTP/1.1 200") {
        return Err(format!("a stream was answered: {}", String::from_utf8_lossy(opening)).into());
    }
    let ready = memchr::memmem::find(opening, READY);
    let end = ready.and_then(|ready| Some(ready + memchr::memmem::find(&opening[ready..], BLOCK_END)?));
    Ok(end.map(|end| end + BLOCK_END.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_open_after_its_first_block() {
        let answer = b"HTTP/1.1 200 OK\r\n\r\nevent: cstar.ready\ndata: {}\n\nid: 1.1\n";
        let open = |len: usize| end_of_opening(&answer[..len]).unwrap();
        assert_eq!((open(40), open(answer.len())), (None, Some(answer.len() - 8)));
        assert!(end_of_opening(b"HTTP/1.1 429 Too Many Requests\r\n\r\n").is_err());
    }
}
