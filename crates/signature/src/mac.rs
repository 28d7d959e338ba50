//! HMAC-SHA256 with the key already taken in.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The length of an HMAC-SHA256 code, in bytes.
pub(crate) const CODE_BYTES: usize = 32;

/// A key's two hash states, so that a request pays for its own bytes alone. They are zeroized on drop.
#[derive(Clone)]
pub(crate) struct Keyed(Hmac<Sha256>);

impl Keyed {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    /// The code of `parts`, one after the other.
    pub(crate) fn code(&self, parts: &[&[u8]]) -> [u8; CODE_BYTES] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &[u8], text: &[u8], expected: &str) {
        let code = Keyed::new(key).code(&[text]);
        let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }

    /// W37: the known answers of RFC 4231, sections 4.2 to 4.8 (4.6 truncates and does not apply).
    #[test]
    fn known_answers_of_rfc_4231() {
        let counted: Vec<u8> = (1..=25).collect();
        check(&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        check(
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        check(&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
        check(&counted, &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
        check(
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        );
        check(
            &[0xaa; 131],
            b"This is a test using a larger than block-size key and a larger than block-size data. \
              The key needs to be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        );
    }

    /// SEC-3: holds sha2's `zeroize` feature in place, which the states inside [`Hmac`] depend on.
    #[test]
    fn keys_are_zeroized_on_drop() {
        const fn check<T: zeroize::ZeroizeOnDrop>() {}
        const { check::<Sha256>() };
    }

    #[test]
    fn parts_count_as_one_text_and_the_key_is_used_again() {
        let keyed = Keyed::new(b"key");
        assert_eq!(keyed.code(&[b"ab", b"", b"c"]), keyed.code(&[b"abc"]));
    }
}
