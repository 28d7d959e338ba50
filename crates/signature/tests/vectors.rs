//! The cases that the libraries of all languages share, in `vectors/signature.json`.

use cstar_signature::{Headers, Secret, Signer, TOLERANCE_S, verify_body, verify_standard};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    secrets: Vec<SecretCase>,
    body: Vec<BodyCase>,
    body_verify: Vec<BodyVerifyCase>,
    standard: Vec<StandardCase>,
    standard_verify: Vec<StandardVerifyCase>,
    rotation: Vec<RotationCase>,
}

#[derive(Deserialize)]
struct SecretCase {
    name: String,
    secret: String,
    code: Option<String>,
}

#[derive(Deserialize)]
struct BodyCase {
    name: String,
    secret: String,
    body: String,
    signature: String,
}

#[derive(Deserialize)]
struct BodyVerifyCase {
    name: String,
    secret: String,
    body: String,
    signature: Option<String>,
    code: Option<String>,
}

#[derive(Deserialize)]
struct StandardCase {
    name: String,
    secret: String,
    id: String,
    timestamp: u64,
    body: String,
    signature: String,
}

#[derive(Deserialize)]
struct StandardVerifyCase {
    name: String,
    secret: String,
    id: Option<String>,
    timestamp: Option<String>,
    body: String,
    signature: Option<String>,
    now: u64,
    code: Option<String>,
}

#[derive(Deserialize)]
struct RotationCase {
    name: String,
    current: String,
    previous: String,
    id: String,
    timestamp: u64,
    body: String,
    body_signature: String,
    standard_signature: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../vectors/signature.json")).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::parse(text).unwrap()
}

/// T5: which secrets are accepted of those who move here.
#[test]
fn secrets_are_parsed_or_refused_by_name() {
    for case in vectors().secrets {
        let refused = Secret::parse(&case.secret).err().map(|error| error.code());
        assert_eq!(refused, case.code.as_deref(), "{}", case.name);
    }
}

/// W37, W38, W39, W40: hex HMAC-SHA256 of the body alone, keyed with the whole secret string.
#[test]
fn bodies_are_signed() {
    for case in vectors().body {
        let secret = secret(&case.secret);
        let signature = Signer::new(&secret, None).body(case.body.as_bytes());
        assert_eq!(signature.as_str(), case.signature, "{}", case.name);
        assert_eq!(verify_body(&secret, case.body.as_bytes(), Some(case.signature)), Ok(()), "{}", case.name);
    }
}

/// T2: a wrong signature of any length is refused with the mistake's name, without a panic.
#[test]
fn body_mistakes_are_named() {
    for case in vectors().body_verify {
        let verified = verify_body(&secret(&case.secret), case.body.as_bytes(), case.signature);
        assert_eq!(verified.err().map(|error| error.code()), case.code.as_deref(), "{}", case.name);
    }
}

/// T4, T5: Standard Webhooks 1.0, its own published case included.
#[test]
fn the_standard_way_is_signed() {
    for case in vectors().standard {
        let signer = Signer::new(&secret(&case.secret), None);
        assert_eq!(
            signer.standard(&case.id, case.timestamp, case.body.as_bytes()),
            case.signature,
            "{}",
            case.name
        );
    }
}

/// T4: what the receiver accepts, and the name of each mistake.
#[test]
fn standard_mistakes_are_named() {
    for case in vectors().standard_verify {
        let headers = Headers {
            id: case.id.as_deref().map(str::as_bytes),
            timestamp: case.timestamp.as_deref().map(str::as_bytes),
            signature: case.signature.as_deref().map(str::as_bytes),
        };
        let verified =
            verify_standard(&secret(&case.secret), headers, case.body.as_bytes(), case.now, TOLERANCE_S);
        assert_eq!(verified.err().map(|error| error.code()), case.code.as_deref(), "{}", case.name);
    }
}

/// T3: the old header keeps the old secret, the standard one carries both, the new first.
#[test]
fn a_rotation_signs_with_both() {
    for case in vectors().rotation {
        let signer = Signer::new(&secret(&case.current), Some(&secret(&case.previous)));
        let body = case.body.as_bytes();
        assert_eq!(signer.body(body).as_str(), case.body_signature, "{}", case.name);
        assert_eq!(signer.standard(&case.id, case.timestamp, body), case.standard_signature, "{}", case.name);
    }
}
