//! Signature headers and tokens: nothing that was not signed verifies, and nothing that was is refused (T2, T4).
#![no_main]

use cstar_signature::{
    Headers, Secret, Signer, TOLERANCE_S, TokenKey, VerifyError, verify_body, verify_standard,
};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    random: [u8; 32],
    secret: &'a str,
    body: &'a [u8],
    given: &'a [u8],
    id: &'a [u8],
    timestamp: &'a [u8],
    token: &'a str,
    now_s: u32,
    flip: usize,
}

fuzz_target!(|input: Input<'_>| {
    let Input { random, secret, body, given, id, timestamp, token, now_s, flip } = input;
    let own = Secret::generate(random);
    let secret = Secret::parse(secret).unwrap_or_else(|_| own.clone());
    let signer = Signer::new(&secret, Some(&own));
    let now_s = u64::from(now_s);

    let signed = Signer::new(&secret, None).body(body);
    assert_eq!(verify_body(&secret, body, Some(signed.as_str())), Ok(()));
    assert_eq!(
        verify_body(&own, body, Some(signer.body(body).as_str())),
        Ok(()),
        "T3: the one that there was, until it ends"
    );
    assert_eq!(verify_body(&secret, body, Some(given)).is_ok(), given == signed.as_str().as_bytes());
    assert!(verify_body(&secret, body, None::<&[u8]>).is_err());

    let standard = signer.standard("evt_1", now_s, body);
    let now = now_s.to_string();
    let headers =
        Headers { id: Some(b"evt_1"), timestamp: Some(now.as_bytes()), signature: Some(standard.as_bytes()) };
    for known in [&secret, &own] {
        assert_eq!(
            verify_standard(known, headers, body, now_s, TOLERANCE_S),
            Ok(()),
            "T3: both secrets hold"
        );
    }
    let late = verify_standard(&secret, headers, body, now_s + TOLERANCE_S + 1, TOLERANCE_S);
    assert!(matches!(late, Err(VerifyError::TooOld { .. })));
    let forged = Headers { id: Some(id), timestamp: Some(timestamp), signature: Some(given) };
    assert!(
        verify_standard(&secret, forged, body, now_s, TOLERANCE_S).is_err(),
        "nobody guesses a signature"
    );

    let key = TokenKey::new(&random);
    assert_eq!(key.verify("a", token), None);
    let mut good = key.sign("a", body).into_bytes();
    assert_eq!(key.verify("a", std::str::from_utf8(&good).expect("ASCII")).as_deref(), Some(body));
    assert_eq!(key.verify("b", std::str::from_utf8(&good).expect("ASCII")), None);
    let at = flip % good.len();
    good[at] = if good[at] == b'A' { b'B' } else { b'A' };
    assert_eq!(key.verify("a", std::str::from_utf8(&good).expect("ASCII")), None);
});
