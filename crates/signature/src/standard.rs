//! `webhook-signature`: the receiver's side of Standard Webhooks 1.0.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;

use crate::mac::Keyed;
use crate::{BodySignature, Secret, VerifyError, header};

/// How far a request's timestamp may lie from the receiver's clock, in seconds: what the libraries of Standard Webhooks
/// allow.
pub const TOLERANCE_S: u64 = 5 * 60;

/// The three headers of Standard Webhooks, as they came; `None` where one is absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Headers<'a> {
    /// `webhook-id`.
    pub id: Option<&'a [u8]>,
    /// `webhook-timestamp`.
    pub timestamp: Option<&'a [u8]>,
    /// `webhook-signature`.
    pub signature: Option<&'a [u8]>,
}

impl<'a> Headers<'a> {
    /// Takes each header from `get`, which is asked for its lower-case name.
    pub fn from_fn(get: impl Fn(&'static str) -> Option<&'a [u8]>) -> Self {
        Self {
            id: get(header::WEBHOOK_ID),
            timestamp: get(header::WEBHOOK_TIMESTAMP),
            signature: get(header::WEBHOOK_SIGNATURE),
        }
    }
}

/// Checks `webhook-signature` against the id, the timestamp and the body's raw bytes, in constant time, and that the
/// request was signed within `tolerance_s` seconds of `now_s`, seconds since 1970.
///
/// One signature that matches is enough: during a rotation there are two. What is verified can still arrive twice within
/// the tolerance; `webhook-id` tells repeats.
///
/// # Errors
/// When it does not match. It never panics, whatever it is given.
pub fn verify_standard(
    secret: &Secret,
    headers: Headers<'_>,
    body: &[u8],
    now_s: u64,
    tolerance_s: u64,
) -> Result<(), VerifyError> {
    let id = VerifyError::require(headers.id, header::WEBHOOK_ID)?;
    let timestamp = VerifyError::require(headers.timestamp, header::WEBHOOK_TIMESTAMP)?;
    let signatures = VerifyError::require(headers.signature, header::WEBHOOK_SIGNATURE)?;
    check_age(timestamp, now_s, tolerance_s)?;

    let code = Keyed::new(secret.decoded()).code(&[id, b".", timestamp, b".", body]);
    let expected = STANDARD.encode(code);
    let mut known = false;
    for signature in signatures.split(|&byte| byte == b' ') {
        let Some(encoded) = signature.strip_prefix(b"v1,") else { continue };
        known = true;
        if expected.as_bytes().ct_eq(encoded).into() {
            return Ok(());
        }
    }
    Err(if known { VerifyError::of_mismatch(body) } else { diagnose(signatures) })
}

fn check_age(timestamp: &[u8], now_s: u64, tolerance_s: u64) -> Result<(), VerifyError> {
    let signed_s = seconds(timestamp).ok_or(VerifyError::MalformedTimestamp)?;
    match now_s.abs_diff(signed_s) {
        seconds if seconds <= tolerance_s => Ok(()),
        seconds if signed_s < now_s => Err(VerifyError::TooOld { seconds }),
        seconds => Err(VerifyError::TooNew { seconds }),
    }
}

/// Digits alone: what `u64` parses besides, a leading `+`, no sender writes.
fn seconds(timestamp: &[u8]) -> Option<u64> {
    if !timestamp.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(timestamp).ok()?.parse().ok()
}

/// The mistake behind a header without any `v1,`.
fn diagnose(signatures: &[u8]) -> VerifyError {
    if signatures.len() == BodySignature::LEN && signatures.iter().all(u8::is_ascii_hexdigit) {
        VerifyError::expected_standard_signature()
    } else {
        VerifyError::NoVersion1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Signer;

    const BODY: &[u8] = br#"{"id":"evt_abc123","type":"ticket.created"}"#;
    const ID: &str = "evt_abc123";
    const SIGNED_S: u64 = 1_765_377_000;

    fn secret() -> Secret {
        Secret::generate([7; 32])
    }

    fn check(timestamp: &str, body: &[u8], signature: &str, now_s: u64) -> Result<(), VerifyError> {
        let headers = Headers {
            id: Some(ID.as_bytes()),
            timestamp: Some(timestamp.as_bytes()),
            signature: Some(signature.as_bytes()),
        };
        verify_standard(&secret(), headers, body, now_s, TOLERANCE_S)
    }

    /// T4: accepted up to the tolerance to each side, and not a second further.
    #[test]
    fn age_is_held_to_the_second() {
        let signature = Signer::new(&secret(), None).standard(ID, SIGNED_S, BODY);
        let at = |now_s| check(&SIGNED_S.to_string(), BODY, &signature, now_s);
        assert_eq!(at(SIGNED_S + 300), Ok(()));
        assert_eq!(at(SIGNED_S - 300), Ok(()));
        assert_eq!(at(SIGNED_S + 301), Err(VerifyError::TooOld { seconds: 301 }));
        assert_eq!(at(SIGNED_S - 301), Err(VerifyError::TooNew { seconds: 301 }));
        assert_eq!(at(0), Err(VerifyError::TooNew { seconds: SIGNED_S }));
        assert_eq!(at(u64::MAX), Err(VerifyError::TooOld { seconds: u64::MAX - SIGNED_S }));
    }

    #[test]
    fn headers_are_asked_for_by_their_names() {
        let headers = Headers::from_fn(|name| Some(name.as_bytes()));
        assert_eq!(headers.id, Some(&b"webhook-id"[..]));
        assert_eq!(headers.timestamp, Some(&b"webhook-timestamp"[..]));
        assert_eq!(headers.signature, Some(&b"webhook-signature"[..]));
    }

    proptest! {
        /// T3: during a rotation the holder of either secret verifies, and of `x-cstar-signature` the previous alone.
        #[test]
        fn both_secrets_verify_during_a_rotation(body: Vec<u8>, current: [u8; 32], previous: [u8; 32], at_s: u64) {
            prop_assume!(current != previous);
            let (current, previous) = (Secret::generate(current), Secret::generate(previous));
            let signer = Signer::new(&current, Some(&previous));
            let signature = signer.standard(ID, at_s, &body);
            let timestamp = at_s.to_string();
            let headers = Headers {
                id: Some(ID.as_bytes()),
                timestamp: Some(timestamp.as_bytes()),
                signature: Some(signature.as_bytes()),
            };
            prop_assert_eq!(verify_standard(&current, headers, &body, at_s, 0), Ok(()));
            prop_assert_eq!(verify_standard(&previous, headers, &body, at_s, 0), Ok(()));
            prop_assert_eq!(crate::verify_body(&previous, &body, Some(signer.body(&body))), Ok(()));
            prop_assert!(crate::verify_body(&current, &body, Some(signer.body(&body))).is_err());
        }

        /// T4: one changed bit of the body, of the signature or of the timestamp is refused.
        #[test]
        fn a_flipped_bit_is_refused(part in 0usize..3, index: prop::sample::Index, bit in 0u32..8) {
            let mut parts = [
                BODY.to_vec(),
                Signer::new(&secret(), None).standard(ID, SIGNED_S, BODY).into_bytes(),
                SIGNED_S.to_string().into_bytes(),
            ];
            let flipped = &mut parts[part];
            let at = index.index(flipped.len());
            flipped[at] ^= 1u8 << bit;
            let [body, signature, timestamp] = &parts;
            let headers = Headers { id: Some(ID.as_bytes()), timestamp: Some(timestamp), signature: Some(signature) };
            prop_assert!(verify_standard(&secret(), headers, body, SIGNED_S, u64::MAX).is_err());
        }

        /// T2: nothing that the headers may hold makes it panic or pass.
        #[test]
        fn any_headers_are_refused_without_panic(
            id: Option<Vec<u8>>,
            timestamp in prop::option::of("[0-9+-]{0,25}"),
            signature in prop::option::of("(v1,|v1a,|v2,|sha256=| ){0,4}[0-9a-zA-Z+/=]{0,90}"),
            body: Vec<u8>,
            now_s: u64,
            tolerance_s: u64,
        ) {
            let headers = Headers {
                id: id.as_deref(),
                timestamp: timestamp.as_ref().map(|text| text.as_bytes()),
                signature: signature.as_ref().map(|text| text.as_bytes()),
            };
            prop_assert!(verify_standard(&secret(), headers, &body, now_s, tolerance_s).is_err());
        }
    }
}
