//! How far a string goes on plainly, eight bytes at a time.

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// How many bytes come before the first `"`, `\` or control character, which end a plain run of a string.
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        let marks = stops(u64::from_le_bytes(*word));
        if marks != 0 {
            return n * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8 + tail.iter().position(|&byte| is_stop(byte)).unwrap_or(tail.len())
}

fn is_stop(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

/// The high bit of each byte that is a stop. A borrow can mark bytes above the first stop wrongly, never
/// below it, and only the lowest mark is used. Bytes of 0x80 and more are never marked.
fn stops(word: u64) -> u64 {
    let control = word.wrapping_sub(ONES * 0x20);
    let quote = (word ^ (ONES * u64::from(b'"'))).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
    (control | quote | backslash) & !word & HIGHS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_stops_as_it_should() {
        for byte in 0..=255 {
            for place in 0..20 {
                let mut bytes = [b'a'; 20];
                bytes[place] = byte;
                let want = if is_stop(byte) { place } else { 20 };
                assert_eq!(plain_len(&bytes), want, "byte {byte:#x} at {place}");
            }
        }
    }

    #[test]
    fn the_first_of_several_stops_counts() {
        assert_eq!(plain_len(b"ab\"\\\n\"\"\"\""), 2);
        assert_eq!(plain_len("\u{fffd}é!#[]\u{7f}".as_bytes()), 10);
        assert_eq!(plain_len(b""), 0);
    }
}
