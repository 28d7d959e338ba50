//! One stream: opened, then read for the numbers in its frames.

use std::io::{ErrorKind, Read, Write};
use std::time::Instant;

use mio::net::TcpStream;

use crate::{Failure, number};

/// The block with which a stream begins, and its end.
const READY: &[u8] = b"cstar.ready";
const BLOCK_END: &[u8] = b"\n\n";

pub(super) struct Stream {
    pub(super) socket: TcpStream,
    stage: Stage,
    /// The end of what was read before, in which a number may begin.
    kept: Vec<u8>,
    next: u64,
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
    /// The stream is open now; more may be there.
    Opened,
    /// These events; more may be there if `full`.
    Events { first: u64, count: u64, at: Instant, full: bool },
}

impl Stream {
    pub(super) const fn new(socket: TcpStream, first: u64) -> Self {
        Self { socket, stage: Stage::Asking(0), kept: Vec::new(), next: first }
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
            let (first, full) = (self.next, read == scratch.len());
            self.take(bytes)?;
            return Ok(Came::Events { first, count: self.next - first, at, full });
        };
        opening.extend_from_slice(bytes);
        let Some(end) = end_of_opening(opening)? else { return Ok(Came::Nothing) };
        // Frames may have come with it: they are looked at when more is read, which is asked for at once.
        self.kept = opening.split_off(end);
        self.stage = Stage::Open;
        Ok(Came::Opened)
    }

    /// Events that came with the first block.
    pub(super) fn came_early(&mut self) -> Result<Came, Failure> {
        let (first, at) = (self.next, Instant::now());
        let kept = std::mem::take(&mut self.kept);
        self.take(&kept)?;
        Ok(Came::Events { first, count: self.next - first, at, full: true })
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.kept.is_empty() {
            let used = count(&mut self.next, bytes)?;
            self.keep(&bytes[used..]);
        } else {
            let mut joined = std::mem::take(&mut self.kept);
            joined.extend_from_slice(bytes);
            let used = count(&mut self.next, &joined)?;
            self.keep(&joined[used..]);
        }
        Ok(())
    }

    /// Keeps an end that may hold the beginning of a mark; that of a frame which ended whole holds none.
    fn keep(&mut self, rest: &[u8]) {
        if !(rest.ends_with(BLOCK_END) || rest.ends_with(b"\n\n\r\n")) {
            self.kept.extend_from_slice(&rest[rest.len().saturating_sub(number::CUT)..]);
        }
    }
}

/// Holds each number to be the next one; answers how many bytes are done with.
fn count(next: &mut u64, bytes: &[u8]) -> Result<usize, Failure> {
    let mut used = 0;
    for at in number::places(bytes) {
        let Some(number) = number::read(&bytes[at..]) else { break };
        if number != *next {
            return Err(format!("a stream brought event {number} where {next} was to come").into());
        }
        *next += 1;
        used = at + number::DIGITS;
    }
    Ok(used)
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

    fn frames(numbers: std::ops::Range<u64>) -> Vec<u8> {
        let frame = |n| format!("id: 1.{n}\ndata: {{\"id\":\"550e8400-e29b-41d4-a716-{n:012}\"}}\n\n");
        numbers.map(frame).collect::<String>().into_bytes()
    }

    #[test]
    fn numbers_are_found_wherever_reads_cut_them() {
        let bytes = frames(3..6);
        for cut in 0..bytes.len() {
            let (mut next, mut kept) = (3, Vec::new());
            for part in [&bytes[..cut], &bytes[cut..]] {
                kept.extend_from_slice(part);
                let used = count(&mut next, &kept).unwrap();
                let from = used.max(kept.len().saturating_sub(number::CUT));
                kept.drain(..from);
            }
            assert_eq!(next, 6, "{cut}");
        }
    }

    #[test]
    fn what_is_missing_or_repeated_is_told() {
        assert!(count(&mut 0, &frames(1..2)).unwrap_err().to_string().contains("event 1 where 0"));
        assert!(count(&mut 2, &frames(1..2)).is_err());
    }

    #[test]
    fn a_stream_is_open_after_its_first_block() {
        let answer = b"HTTP/1.1 200 OK\r\n\r\nevent: cstar.ready\ndata: {}\n\nid: 1.1\n";
        let open = |len: usize| end_of_opening(&answer[..len]).unwrap();
        assert_eq!((open(40), open(answer.len())), (None, Some(answer.len() - 8)));
        assert!(end_of_opening(b"HTTP/1.1 429 Too Many Requests\r\n\r\n").is_err());
    }
}
