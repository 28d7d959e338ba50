//! What every webhook request is signed with, and what every receiver does with it.

use std::hint::black_box;

use cstar_signature::{Headers, Secret, Signer, TOLERANCE_S, verify_body, verify_standard};

use crate::{Case, Run, given};

const ID: &str = "evt_01hzy3v9k2m4n6p8q0r2s4t6v8";
const NOW_S: u64 = 1_765_377_000;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        ("sign_body", sign_body),
        ("sign_standard", sign_standard),
        ("verify_body", verify_own),
        ("verify_standard", verify_standard_webhooks),
    ]
}

fn secret() -> Secret {
    Secret::generate([7; 32])
}

fn sign_body() -> Run {
    let (signer, body) = (Signer::new(&secret(), None), given::event().body);
    Box::new(move || {
        black_box(signer.body(black_box(&body)));
    })
}

fn sign_standard() -> Run {
    let (signer, body) = (Signer::new(&secret(), None), given::event().body);
    Box::new(move || {
        black_box(signer.standard(ID, black_box(NOW_S), &body));
    })
}

fn verify_own() -> Run {
    let (secret, body) = (secret(), given::event().body);
    let signature = Signer::new(&secret, None).body(&body);
    Box::new(move || verify_body(&secret, black_box(&body), Some(signature)).expect("it was signed so"))
}

fn verify_standard_webhooks() -> Run {
    let (secret, body) = (secret(), given::event().body);
    let signature = Signer::new(&secret, None).standard(ID, NOW_S, &body);
    let timestamp = NOW_S.to_string();
    Box::new(move || {
        let headers = Headers {
            id: Some(ID.as_bytes()),
            timestamp: Some(timestamp.as_bytes()),
            signature: Some(signature.as_bytes()),
        };
        let verified = verify_standard(&secret, headers, black_box(&body), NOW_S, TOLERANCE_S);
        verified.expect("it was signed so");
    })
}
