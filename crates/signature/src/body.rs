//! `x-cstar-signature`: the signature of the body alone.

use std::fmt;

use subtle::ConstantTimeEq as _;

use crate::mac::{CODE_BYTES, Keyed};
use crate::{Secret, VerifyError, header};

/// What `x-cstar-signature` carries: exactly 64 lower-case hex characters (W38, T2).
///
/// It has no `==`, which would take longer the more of it is right: compare with [`verify_body`].
#[derive(Clone, Copy)]
pub struct BodySignature([u8; Self::LEN]);

impl BodySignature {
    /// How many characters it has.
    pub const LEN: usize = 2 * CODE_BYTES;

    pub(crate) fn new(keyed: &Keyed, body: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; Self::LEN];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(keyed.code(&[body])) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xf)];
        }
        Self(hex)
    }

    /// The signature as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hex digits are ASCII")
    }
}

impl AsRef<[u8]> for BodySignature {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for BodySignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for BodySignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodySignature({self})")
    }
}

/// Checks `x-cstar-signature` against the body's raw bytes, in constant time.
///
/// `signature` is the header as it came, text or bytes: `headers.get("x-cstar-signature")` of the `http` crate fits.
/// It says nothing of when the request was made; [`verify_standard`](crate::verify_standard) does.
///
/// # Errors
/// When it does not match. It never panics, whatever it is given (T2).
pub fn verify_body(
    secret: &Secret,
    body: &[u8],
    signature: Option<impl AsRef<[u8]>>,
) -> Result<(), VerifyError> {
    let given = VerifyError::require(signature.as_ref().map(AsRef::as_ref), header::BODY_SIGNATURE)?;
    let expected = BodySignature::new(&Keyed::new(secret.whole()), body);
    if expected.0.ct_eq(given).into() { Ok(()) } else { Err(diagnose(given, body)) }
}

/// The mistake behind a signature that does not match, judged by what was given alone.
fn diagnose(given: &[u8], body: &[u8]) -> VerifyError {
    /// 32 bytes in base64, without and with the padding.
    const BASE64_LEN: [usize; 2] = [43, 44];

    if given.starts_with(b"v1,") {
        VerifyError::expected_body_signature()
    } else if given.len() > BodySignature::LEN && given[given.len() - BodySignature::LEN - 1] == b'=' {
        VerifyError::Prefixed
    } else if BASE64_LEN.contains(&given.len()) {
        VerifyError::Base64
    } else if given.len() != BodySignature::LEN {
        VerifyError::WrongLength { bytes: given.len() }
    } else if !given.iter().all(u8::is_ascii_hexdigit) {
        VerifyError::NotHex
    } else if given.iter().any(u8::is_ascii_uppercase) {
        VerifyError::UpperCase
    } else {
        VerifyError::of_mismatch(body)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Signer;

    const BODY: &[u8] = br#"{"id":"evt_abc123","type":"ticket.created"}"#;

    fn secret() -> Secret {
        Secret::generate([7; 32])
    }

    proptest! {
        /// W37, W38, T2: for any body, 64 lower-case hex characters that verify.
        #[test]
        fn every_body_is_signed_and_verified(body: Vec<u8>, random: [u8; 32]) {
            let secret = Secret::generate(random);
            let signature = Signer::new(&secret, None).body(&body);
            prop_assert_eq!(signature.as_str().len(), 64);
            prop_assert!(signature.as_str().bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
            prop_assert_eq!(verify_body(&secret, &body, Some(signature)), Ok(()));
        }

        /// W40: one changed bit of the body is refused.
        #[test]
        fn a_flipped_body_is_refused(index: prop::sample::Index, bit in 0u32..8) {
            let signature = Signer::new(&secret(), None).body(BODY);
            let mut body = BODY.to_vec();
            body[index.index(BODY.len())] ^= 1u8 << bit;
            prop_assert!(verify_body(&secret(), &body, Some(signature)).is_err());
        }

        /// W38: one changed bit of the signature is refused, a change of case included.
        #[test]
        fn a_flipped_signature_is_refused(index: prop::sample::Index, bit in 0u32..8) {
            let mut signature = Signer::new(&secret(), None).body(BODY);
            signature.0[index.index(BodySignature::LEN)] ^= 1u8 << bit;
            prop_assert!(verify_body(&secret(), BODY, Some(signature)).is_err());
        }

        /// T2: nothing that a header may hold makes it panic or pass.
        #[test]
        fn any_signature_is_refused_without_panic(given: Option<Vec<u8>>, body: Vec<u8>) {
            prop_assert!(verify_body(&secret(), &body, given).is_err());
        }

        #[test]
        fn any_text_in_the_likeness_of_a_signature_is_refused(given in "(sha256=|v1,)?[0-9a-fA-F+/=]{0,90}") {
            prop_assert!(verify_body(&secret(), BODY, Some(given)).is_err());
        }
    }
}
