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

    /// A chunk that lies in one piece, its head and tail included.
    fn whole(chunk: Bytes) -> Self {
        Self { body: chunk, ..Self::none() }
    }

    /// What is left to write, where it lies in one piece.
    pub(super) fn left_in_one(&self) -> Option<&[u8]> {
        let in_one = self.head_bytes == 0 && self.tail.is_empty();
        in_one.then(|| &self.body[self.written..])
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

/// A chunk up to this size is put together once for all who are sent it: a write of one piece costs the kernel less than one of three.
/// A larger one would have each of thousands of slow readers hold memory of its own.
const JOINED_MAX_BYTES: usize = 1024;

/// The last chunk that was put together: lines that are served one behind the other are mostly sent the same.
#[derive(Debug, Default)]
pub(super) struct Joined {
    body: Bytes,
    chunk: Bytes,
}

impl Joined {
    /// The chunk of a piece, as [`Chunk::of`] makes it.
    pub(super) fn chunk(&mut self, body: Bytes, is_last: bool) -> Chunk {
        if is_last || body.len() > JOINED_MAX_BYTES {
            return Chunk::of(body, is_last);
        }
        // The memory of the one that is held is nobody else's.
        if self.body.as_ptr() != body.as_ptr() || self.body.len() != body.len() {
            let chunk = Chunk::of(body.clone(), false);
            let parts = [&chunk.head[..chunk.head_bytes], &chunk.body, chunk.tail];
            *self = Self { body, chunk: parts.concat().into() };
        }
        Chunk::whole(self.chunk.clone())
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
            (Chunk::of(ten.clone(), true), "10\r\n0123456789abcdef\r\n0\r\n\r\n"),
            (Chunk::end(), "0\r\n\r\n"),
            (Chunk::none(), ""),
            (Joined::default().chunk(ten.clone(), false), "10\r\n0123456789abcdef\r\n"),
            (Joined::default().chunk(ten.clone(), true), "10\r\n0123456789abcdef\r\n0\r\n\r\n"),
        ] {
            for step in 1..=expected.len().max(1) {
                let (mut chunk, mut written) = (Chunk { body: chunk.body.clone(), ..chunk }, Vec::new());
                while !chunk.is_written() {
                    let left: Vec<u8> = chunk.left().iter().flat_map(|part| part.to_vec()).collect();
                    assert!(chunk.left_in_one().is_none_or(|whole| whole == left));
                    let taken = &left[..step.min(left.len())];
                    written.extend_from_slice(taken);
                    chunk.advance(taken.len());
                }
                assert_eq!(String::from_utf8(written).unwrap(), expected, "{step}");
            }
        }
    }

    /// What is put together for one is another's only if it is the same.
    #[test]
    fn who_is_sent_the_same_shares_it() {
        let mut joined = Joined::default();
        let ring = Bytes::from_static(b"onetwo");
        let mut sent = |from, to| joined.chunk(ring.slice(from..to), false).left_in_one().unwrap().to_vec();
        for _ in 0..2 {
            assert_eq!(sent(0, 3), b"3\r\none\r\n");
            assert_eq!(sent(0, 6), b"6\r\nonetwo\r\n", "begins with the other");
            assert_eq!(sent(3, 6), b"3\r\ntwo\r\n", "as long as the other");
        }
        let large = Bytes::from(vec![b'x'; JOINED_MAX_BYTES + 1]);
        assert!(joined.chunk(large, false).left_in_one().is_none(), "its bytes are not copied");
    }

    #[test]
    fn the_largest_size_fits() {
        let mut head = [0; HEAD_BYTES];
        write!(&mut head[..], "{:x}\r\n", usize::MAX).unwrap();
    }
}
