//! The checksum that each row carries (LOG-3).
//!
//! CRC-32 finds every damage of up to 32 neighbouring bits, and is cheap enough for each row and each read. It guards
//! against failing hardware, not against somebody who can write to the file.

use crc32fast::Hasher;

/// Numbers are gathered here and hashed together: the hash is fast for long runs only.
const RUN_BYTES: usize = 128;

/// Gathers the columns of a row, in order; each is told from its neighbours.
pub(crate) struct Checksum {
    hasher: Hasher,
    run: [u8; RUN_BYTES],
    len: usize,
}

impl Checksum {
    pub(crate) fn new() -> Self {
        Self { hasher: Hasher::new(), run: [0; RUN_BYTES], len: 0 }
    }

    #[inline]
    pub(crate) fn int(mut self, value: i64) -> Self {
        if self.len + 8 > RUN_BYTES {
            self.hasher.update(&self.run[..self.len]);
            self.len = 0;
        }
        self.run[self.len..self.len + 8].copy_from_slice(&value.to_le_bytes());
        self.len += 8;
        self
    }

    #[inline]
    pub(crate) fn bits(self, value: u128) -> Self {
        self.int((value >> 64) as i64).int(value as i64)
    }

    /// An absent value is not the same as any present one.
    #[inline]
    pub(crate) fn maybe(self, value: Option<i64>) -> Self {
        match value {
            Some(value) => self.int(1).int(value),
            None => self.int(0),
        }
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        let mut summed = self.int(bytes.len() as i64);
        summed.hasher.update(&summed.run[..summed.len]);
        summed.len = 0;
        summed.hasher.update(bytes);
        summed
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn maybe_bytes(self, bytes: Option<&[u8]>) -> Self {
        match bytes {
            Some(bytes) => self.int(1).bytes(bytes),
            None => self.int(0),
        }
    }

    pub(crate) fn finish(mut self) -> i64 {
        self.hasher.update(&self.run[..self.len]);
        self.hasher.finalize().into()
    }
}

/// The columns of an event beside its body.
pub(crate) struct EventColumns {
    pub(crate) place: i64,
    pub(crate) id: u128,
    pub(crate) kind: i64,
    pub(crate) created_ms: i64,
    pub(crate) committed_ms: i64,
}

/// An event's checksum: the body's CRC-32 below, which is made before the writer has its turn, and above it one of all that
/// the row says.
pub(crate) fn event_checksum(columns: &EventColumns, body_crc: u32, body_len: usize) -> i64 {
    let EventColumns { place, id, kind, created_ms, committed_ms } = columns;
    let whole = Checksum::new().int(*place).bits(*id).int(*kind).int(*created_ms).int(*committed_ms);
    let whole = whole.int(body_crc.into()).int(body_len as i64).finish();
    whole << 32 | i64::from(body_crc)
}

/// The same where types have no numbers: of `kind` only the marks are said, and above them stands the type's name.
#[cfg(feature = "postgres")]
pub(crate) fn named_event_checksum(
    columns: &EventColumns,
    event_type: &str,
    body_crc: u32,
    body_len: usize,
) -> i64 {
    let kind = i64::from(crc32fast::hash(event_type.as_bytes())) << 8 | columns.kind;
    event_checksum(&EventColumns { kind, ..*columns }, body_crc, body_len)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LOG-3: whichever bit of a row changes, its checksum does.
    #[test]
    fn every_bit_counts() {
        let columns = || EventColumns { place: 1, id: 2, kind: 3, created_ms: 4, committed_ms: 5 };
        let summed = event_checksum(&columns(), 6, 7);
        for bit in 0..63 {
            let one = 1 << bit;
            let others = [
                EventColumns { place: 1 ^ one, ..columns() },
                EventColumns { id: 2 ^ u128::from(one as u64), ..columns() },
                EventColumns { kind: 3 ^ one, ..columns() },
                EventColumns { created_ms: 4 ^ one, ..columns() },
                EventColumns { committed_ms: 5 ^ one, ..columns() },
            ];
            assert!(others.iter().all(|other| event_checksum(other, 6, 7) != summed), "bit {bit}");
        }
        assert_ne!(event_checksum(&columns(), 7, 7), summed);
        assert_ne!(event_checksum(&columns(), 6, 8), summed);
    }

    #[test]
    fn columns_are_told_from_their_neighbours() {
        let sums = [
            Checksum::new().text("ab").text("c").finish(),
            Checksum::new().text("a").text("bc").finish(),
            Checksum::new().maybe(None).int(0).finish(),
            Checksum::new().maybe(Some(0)).finish(),
            Checksum::new().maybe_bytes(None).finish(),
            Checksum::new().maybe_bytes(Some(&[0])).finish(),
        ];
        for (at, sum) in sums.iter().enumerate() {
            assert!(!sums[at + 1..].contains(sum), "{at}");
        }
    }

    #[test]
    fn a_run_longer_than_its_room_is_summed_whole() {
        let long = |last: i64| (0..40).fold(Checksum::new(), |sum, value| sum.int(value)).int(last).finish();
        assert_ne!(long(1), long(2));
    }
}
