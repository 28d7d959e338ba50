//! Identifiers that rise.

use cstar_types::Timestamp;
use parking_lot::Mutex;
use uuid::{Builder, Uuid};

/// The bits of a UUID version 7 that are not time, version or variant.
const TAIL_BITS: u32 = 74;

/// The first tail of a millisecond leaves the highest bit free: room to rise by more than a process can draw.
const FIRST_TAIL_MASK: u128 = (1 << (TAIL_BITS - 1)) - 1;

/// Makes UUIDs of version 7, each larger than the one before, also when the clock jumps back: lists are in the order of
/// ids, and pages go by them.
#[derive(Debug, Default)]
pub(crate) struct Ids(Mutex<Last>);

#[derive(Debug, Default, Clone, Copy)]
struct Last {
    millis: u64,
    tail: u128,
}

impl Ids {
    /// The next UUID.
    pub(crate) fn next(&self, now: Timestamp) -> Uuid {
        let random: u128 = rand::random();
        let mut last = self.0.lock();
        *last = last.then(now, random);
        last.uuid()
    }
}

impl Last {
    /// Pure: a new millisecond draws a new tail, within one the tail rises by a random step.
    fn then(self, now: Timestamp, random: u128) -> Self {
        let millis = now.as_millis().unsigned_abs();
        if millis > self.millis {
            return Self { millis, tail: random & FIRST_TAIL_MASK };
        }
        let tail = self.tail + 1 + (random & u128::from(u32::MAX));
        if tail >> TAIL_BITS == 0 {
            Self { tail, ..self }
        } else {
            Self { millis: self.millis + 1, tail: random & FIRST_TAIL_MASK }
        }
    }

    fn uuid(self) -> Uuid {
        // 74 bits: the builder overwrites the 4 of the version and the 2 of the variant, so they are stepped over.
        let high = (self.tail >> 62) & 0xfff;
        let low = self.tail & ((1 << 62) - 1);
        let bytes: [u8; 16] = (high << 64 | low).to_be_bytes();
        let mut counter = [0; 10];
        counter.copy_from_slice(&bytes[6..]);
        Builder::from_unix_timestamp_millis(self.millis, &counter).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clock jumps: ids rise while the clock stands still, goes back and goes on.
    #[test]
    fn ids_rise_whatever_the_clock_does() {
        let ids = Ids::default();
        let mut last = Uuid::nil();
        for millis in [1000, 1000, 1000, 500, 0, 1001, 900, 5000, 1].repeat(50) {
            let next = ids.next(Timestamp::from_millis(millis));
            assert!(next > last, "{next} after {last}");
            assert_eq!(next.get_version_num(), 7);
            last = next;
        }
    }

    #[test]
    fn a_tail_that_would_overflow_goes_into_the_next_millisecond() {
        let full = Last { millis: 7, tail: (1 << TAIL_BITS) - 1 };
        let next = full.then(Timestamp::from_millis(7), u128::MAX);
        assert_eq!(next.millis, 8);
        assert!(next.uuid() > full.uuid());
    }
}
