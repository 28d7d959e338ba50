//! `cstar verify`, with requests as they are sent, and as they go wrong.

use cstar_signature::{Secret, Signer};
use insta::assert_snapshot;

use crate::home::{Ended, Home};

const BODY: &str = r#"{"id":"evt_abc123","type":"ticket.created"}"#;
const SIGNED_AT: &str = "2025-12-10T14:30:00Z";
const SIGNED_AT_S: u64 = 1_765_377_000;

/// Verifies this body with these headers, as they came five seconds after they were signed.
async fn verify(secret: &Secret, body: &str, headers: &[(&str, String)], flags: &str) -> Ended {
    let home = Home::new();
    let headers: String = headers.iter().map(|(name, value)| format!(" -H '{name}: {value}'")).collect();
    let line = format!("verify --body - --at 2025-12-10T14:30:05Z {flags}{headers}");
    home.cstar(&line).env("WEBHOOK_SECRET", secret.reveal()).stdin(body).run().await
}

/// Both ways of signing, by a signer of these secrets.
fn signed(signer: &Signer) -> [(&'static str, String); 4] {
    [
        ("X-CStar-Signature", signer.body(BODY.as_bytes()).to_string()),
        ("Webhook-Id", "evt_abc123".to_owned()),
        ("Webhook-Timestamp", SIGNED_AT_S.to_string()),
        ("Webhook-Signature", signer.standard("evt_abc123", SIGNED_AT_S, BODY.as_bytes())),
    ]
}

/// W37, T4: a genuine request verifies in both ways, by either alone, and with the body in a file.
#[tokio::test]
async fn a_genuine_request_verifies() {
    let secret = Secret::generate([7; 32]);
    let headers = signed(&Signer::new(&secret, None));
    assert_snapshot!(verify(&secret, BODY, &headers, "").await, @r"
    exit 0
    --- stdout
    verified  x-cstar-signature
    verified  webhook-signature
    ");
    assert_snapshot!(verify(&secret, BODY, &headers[..1], "--json").await, @r#"
    exit 0
    --- stdout
    {"header":"x-cstar-signature","verified":true,"code":null,"detail":null}
    "#);
    assert_snapshot!(verify(&secret, BODY, &headers[1..], "").await, @r"
    exit 0
    --- stdout
    verified  webhook-signature
    ");
    let home = Home::new();
    home.write("body.json", BODY);
    let line = format!("verify --body body.json -H 'x-cstar-signature: {}'", headers[0].1);
    assert_eq!(home.cstar(&line).env("WEBHOOK_SECRET", secret.reveal()).run().await.code, Some(0));
}

/// T2, T3: what is wrong is said, and told by the exit code; nothing of the secret is.
#[tokio::test]
async fn what_is_wrong_is_said() {
    let (secret, other) = (Secret::generate([7; 32]), Secret::generate([8; 32]));
    let headers = signed(&Signer::new(&secret, None));
    assert_snapshot!(verify(&other, BODY, &headers, "").await, @r"
    exit 6
    --- stdout
    wrong     x-cstar-signature: no signature matches: check that the secret is this webhook's own, and that the body is the raw bytes
    wrong     webhook-signature: no signature matches: check that the secret is this webhook's own, and that the body is the raw bytes
    --- stderr
    error: the request does not verify
    ");
    assert_snapshot!(verify(&secret, &format!("{BODY}\n"), &headers[..1], "").await, @r"
    exit 6
    --- stdout
    wrong     x-cstar-signature: no signature matches: check that the secret is this webhook's own, and that the body is the raw bytes
    --- stderr
    error: the request does not verify
    hint:  it does without the line break at the end of the body, which was not sent
    ");
    assert_snapshot!(verify(&secret, BODY, &[], "--json").await, @r#"
    exit 6
    --- stdout
    {"header":"x-cstar-signature","verified":false,"code":"missing_header","detail":"the request has no `x-cstar-signature` header: check that a proxy or framework passes it on, under this name"}
    --- stderr
    error: the request does not verify
    "#);
    assert_snapshot!(verify(&secret, BODY, &signed(&Signer::new(&secret, Some(&other))), "").await, @r"
    exit 6
    --- stdout
    wrong     x-cstar-signature: no signature matches: check that the secret is this webhook's own, and that the body is the raw bytes
    verified  webhook-signature
    --- stderr
    error: the request does not verify
    hint:  one signature matches: while a rotation's overlap is open, x-cstar-signature is made with the secret before
    ");
    let prefixed = [("x-cstar-signature", format!("sha256={}", headers[0].1))];
    assert_snapshot!(verify(&secret, BODY, &prefixed, "").await, @r"
    exit 6
    --- stdout
    wrong     x-cstar-signature: the signature has a prefix such as `sha256=`: `x-cstar-signature` is 64 hex characters and nothing else
    --- stderr
    error: the request does not verify
    ");
    let home = Home::new();
    let old = format!(
        "verify --body - -H 'webhook-id: evt_abc123' -H 'webhook-timestamp: 1' -H '{}: {}'",
        headers[3].0, headers[3].1
    );
    let old =
        home.cstar(&format!("{old} --at {SIGNED_AT}")).env("WEBHOOK_SECRET", secret.reveal()).stdin(BODY);
    assert_snapshot!(old.run().await, @r"
    exit 6
    --- stdout
    wrong     webhook-signature: the request was signed N s ago, longer than is tolerated: check this machine's clock
    --- stderr
    error: the request does not verify
    ");
    assert_snapshot!(home.cstar("verify --body -").stdin(BODY).run().await, @r"
    exit 2
    --- stderr
    error: no secret is known
    hint:  set WEBHOOK_SECRET, or give --secret
    ");
    let short = home.cstar("verify --body - --secret whsec_c2hvcnQ=").stdin(BODY).run().await;
    assert_snapshot!(short, @r"
    exit 2
    --- stderr
    error: the secret: the secret encodes 5 bytes: it must encode 24 to 64 random bytes
    ");
}
