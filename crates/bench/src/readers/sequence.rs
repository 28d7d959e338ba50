//! The events of one stream: each the next one, wherever reads cut them.

use std::ops::Range;

use crate::{Failure, number};

/// The ends of a block, bare and as the end of a chunk.
const BLOCK_ENDS: [&[u8]; 2] = [b"\n\n", b"\n\n\r\n"];

/// Holds the numbers in what is read to rise by one.
pub(super) struct Sequence {
    /// The end of what was read before, in which a number may begin.
    kept: Vec<u8>,
    next: u64,
}

impl Sequence {
    /// The first one must have this number.
    pub(super) const fn from(first: u64) -> Self {
        Self { kept: Vec::new(), next: first }
    }

    /// Takes what was read; the numbers that it made whole.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Range<u64>, Failure> {
        let first = self.next;
        if self.kept.is_empty() {
            let used = self.count(bytes)?;
            self.keep(&bytes[used..]);
        } else {
            let mut joined = std::mem::take(&mut self.kept);
            joined.extend_from_slice(bytes);
            let used = self.count(&joined)?;
            self.keep(&joined[used..]);
        }
        Ok(first..self.next)
    }

    /// Answers how many bytes are done with.
    fn count(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        let mut used = 0;
        for at in number::places(bytes) {
            let Some(number) = number::read(&bytes[at..]) else { break };
            if number != self.next {
                return Err(format!("a stream brought event {number} where {} was to come", self.next).into());
            }
            self.next += 1;
            used = at + number::DIGITS;
        }
        Ok(used)
    }

    /// Keeps an end that may hold the beginning of a mark; that of a block which ended holds none.
    fn keep(&mut self, rest: &[u8]) {
        if !BLOCK_ENDS.iter().any(|end| rest.ends_with(end)) {
            self.kept.extend_from_slice(&rest[rest.len().saturating_sub(number::CUT)..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(numbers: Range<u64>) -> Vec<u8> {
        let frame = |n| format!("id: 1.{n}\ndata: {{\"id\":\"550e8400-e29b-41d4-a716-{n:012}\"}}\n\n");
        numbers.map(frame).collect::<String>().into_bytes()
    }

    #[test]
    fn numbers_are_found_wherever_reads_cut_them() {
        let bytes = frames(3..6);
        for cut in 0..bytes.len() {
            for more in cut..bytes.len() {
                let mut events = Sequence::from(3);
                let parts = [&bytes[..cut], &bytes[cut..more], &bytes[more..]];
                let came: u64 = parts.map(|part| events.take(part).unwrap().count() as u64).iter().sum();
                assert_eq!((came, events.next), (3, 6), "{cut} {more}");
            }
        }
    }

    #[test]
    fn what_is_missing_or_repeated_is_told() {
        let told = |first| Sequence::from(first).take(&frames(1..2)).unwrap_err().to_string();
        assert!(told(0).contains("event 1 where 0") && told(2).contains("event 1 where 2"));
    }
}
