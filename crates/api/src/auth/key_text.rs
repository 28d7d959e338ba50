//! The text of a team key: `csk_<id>_<secret><checksum>`.
//!
//! The id finds the key, the secret proves it, and the checksum tells a typo or a key cut short from a wrong key
//! without looking anything up; it also lets scanners recognise leaked keys.

use cstar_types::{IdKind, KeyId, KeyKind};
use cstar_wire::ShownOnce;

pub(super) const PREFIX: &str = "csk_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// A [`KeyId`] without its prefix.
const ID_CHARS: usize = 26;
/// 256 bits in base 62.
const SECRET_CHARS: usize = 43;
/// 32 bits in base 62.
const CHECKSUM_CHARS: usize = 6;
const CHARS: usize = PREFIX.len() + ID_CHARS + 1 + SECRET_CHARS + CHECKSUM_CHARS;

/// Why a text is no team key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAKey {
    /// It does not look like one.
    Foreign,
    /// It looks like one, but characters are missing or changed.
    Mistyped,
}

/// A secret of another kind, from as much random.
pub(crate) fn write_secret(prefix: &str, random: [u8; 32]) -> ShownOnce {
    ShownOnce::new(format!("{prefix}{}", base62::<SECRET_CHARS, 32>(random)))
}

/// The text of the key `id` with the secret `random`.
pub(crate) fn write(id: KeyId, random: [u8; 32]) -> ShownOnce {
    let id = id.to_string();
    let id = id.strip_prefix(KeyKind::PREFIX).expect("an id begins with its prefix");
    let mut text = format!("{PREFIX}{id}_{}", base62::<SECRET_CHARS, 32>(random));
    text.push_str(&checksum(&text));
    ShownOnce::new(text)
}

/// The id of the key that `text` claims to be.
///
/// # Errors
/// It is no team key, or not whole.
pub(crate) fn read(text: &str) -> Result<KeyId, NotAKey> {
    let rest = text.strip_prefix(PREFIX).ok_or(NotAKey::Foreign)?;
    if text.len() != CHARS || !text.is_ascii() {
        return Err(NotAKey::Mistyped);
    }
    let (before, claimed) = text.split_at(CHARS - CHECKSUM_CHARS);
    if checksum(before) != claimed {
        return Err(NotAKey::Mistyped);
    }
    format!("{}{}", KeyKind::PREFIX, &rest[..ID_CHARS]).parse().map_err(|_| NotAKey::Mistyped)
}

fn checksum(text: &str) -> String {
    base62::<CHECKSUM_CHARS, 4>(crc32fast::hash(text.as_bytes()).to_be_bytes())
}

/// The number in big-endian `bytes`, in base 62 with leading zeros.
fn base62<const CHARS: usize, const BYTES: usize>(mut bytes: [u8; BYTES]) -> String {
    let mut chars = [0; CHARS];
    for place in chars.iter_mut().rev() {
        let remainder = bytes.iter_mut().fold(0, |carry: u16, byte| {
            let number = carry << 8 | u16::from(*byte);
            *byte = (number / 62) as u8;
            number % 62
        });
        *place = ALPHABET[usize::from(remainder)];
    }
    chars.iter().map(|char| char::from(*char)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn base_62_counts() {
        assert_eq!(base62::<6, 4>(0u32.to_be_bytes()), "000000");
        assert_eq!(base62::<6, 4>(61u32.to_be_bytes()), "00000z");
        assert_eq!(base62::<6, 4>(62u32.to_be_bytes()), "000010");
        assert_eq!(base62::<6, 4>(u32::MAX.to_be_bytes()), "4gfFC3");
    }

    proptest! {
        #[test]
        fn keys_come_back(bits: u128, random: [u8; 32]) {
            let id = KeyId::from_bits(bits);
            let key = write(id, random);
            prop_assert_eq!(key.reveal().len(), CHARS);
            prop_assert_eq!(read(key.reveal()), Ok(id));
        }

        /// One wrong character, or one missing, is found without a lookup.
        #[test]
        fn a_typo_is_told_apart(random: [u8; 32], place in 4..CHARS, letter in "[0-9A-Za-z_]") {
            let key = write(KeyId::from_bits(9), random);
            let mut typo = key.reveal().to_owned();
            typo.replace_range(place..=place, &letter);
            prop_assume!(typo != key.reveal());
            prop_assert_eq!(read(&typo), Err(NotAKey::Mistyped));
            typo.remove(place);
            prop_assert_eq!(read(&typo), Err(NotAKey::Mistyped));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "(csk_)?\\PC{0,90}") {
            prop_assert!(read(&text).is_err());
        }
    }
}
