//! A piece of a stream as HTTP/1.1 frames it.

use std::io::{IoSlice, Write};

use bytes::Bytes;

/// The size in hexadecimal, and a line's end.
const HEAD_BYTES: usize = 2 * size_of::<usize>() + 2;
const CHUNK_END: &[u8] = b"\r\n";
const LAST_CHUNK_END: &[u8] = b"\r\n0\r\n\r\n";
const NO_MORE: &[u8] = b"0\r\n\r\n";

/// What is being written to a connection: a chunk (RFC 9112, 7.1) and how much of it is.
#[derive(Debug)]
pub(super) struct Chunk {
    head: [u8; HEAD_BYTES],
    head_bytes: usize,
    body: Bytes,
    tail: &'static [u8],
    written: usize,
}

impl Chunk {
    /// Nothing.
    pub(super) const fn none() -> Self {
        Self::bare(b"")
    }

    /// The end of the answer alone.
    pub(super) const fn end() -> Self {
        Self::bare(NO_MORE)
    }

    /// A piece, which must not be empty: that would be the end; the last one brings the end of the answer with it.
    pub(super) fn of(body: Bytes, is_last: bool) -> Self {
        let mut head = [0; HEAD_BYTES];
        let mut rest = &mut head[..];
        let _ = write!(rest, "{:x}\r\n", body.len()); // any size fits
        let head_bytes = HEAD_BYTES - rest.len();
        let tail = if is_last { LAST_CHUNK_END } else { CHUNK_END };
        Self { head, head_bytes, body, tail, written: 0 }
    }

    const fn bare(tail: &'static [u8]) -> Self {
        Self { head: [0; HEAD_BYTES], head_bytes: 0, body: Bytes::new(), tail, written: 0 }
    }

    /// What is left to write.
    pub(super) fn left(&self) -> [IoSlice<'_>; 3] {
        let mut skipped = self.written;
        [&self.head[..self.head_bytes], &self.body, self.tail].map(|part| {
            let skip = skipped.min(part.len());
            skipped -= skip;
            IoSlice::new(&part[skip..])
        })
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.written += bytes;
    }

    pub(super) fn is_written(&self) -> bool {
        self.written == self.head_bytes + self.body.len() + self.tail.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the peer takes it, the bytes are those of the chunk, once and in order.
    #[test]
    fn a_chunk_is_written_in_any_parts() {
        let ten = Bytes::from_static(b"0123456789abcdef");
        for (chunk, expected) in [
            (Chunk::of(ten.clone(), false), "10\r\n0123456789abcdef\r\n"),
            (Chunk::of(ten, true), "10\r\n0123456789abcdef\r\n0\r\n\r\n"),
            (Chunk::end(), "0\r\n\r\n"),
            (Chunk::none(), ""),
        ] {
            for step in 1..=expected.len().max(1) {
                let (mut chunk, mut written) = (Chunk { body: chunk.body.clone(), ..chunk }, Vec::new());
                while !chunk.is_written() {
                    let left: Vec<u8> = chunk.left().iter().flat_map(|part| part.to_vec()).collect();
                    let taken = &left[..step.min(left.len())];
                    written.extend_from_slice(taken);
                    chunk.advance(taken.len());
                }
                assert_eq!(String::from_utf8(written).unwrap(), expected, "{step}");
            }
        }
    }

    #[test]
    fn the_largest_size_fits() {
        let mut head = [0; HEAD_BYTES];
        write!(&mut head[..], "{:x}\r\n", usize::MAX).unwrap();
    }
}
