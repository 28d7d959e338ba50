//! SEC-3: secrets are in no log, and in no file in the clear.

use std::path::{Path, PathBuf};

use cstar_signature::{Secret, verify_body};
use cstar_testkit::{Authority, CstarProcess, PLATFORM_KEY, Receiver, Reply, StreamReader, Validity};
use cstar_wire::CreatedWebhook;
use serde_json::{Value, json};

use crate::{cstar, ticket, with_team};

/// 32 bytes that would be seen as they are, too.
const MASTER_KEY: &str = "the master key of this very test";
const HEADER_VALUE: &str = "a header value that authenticates us";

fn talkative() -> CstarProcess {
    let hex: String = MASTER_KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    cstar().flag("--log", "trace").variable("CSTAR_MASTER_KEY", &hex)
}

/// SEC-3: over HTTP/1.1.
#[tokio::test]
async fn nothing_secret_is_logged_or_kept_in_the_clear() {
    secrets_stay_secret(talkative(), Receiver::ok().await, "127.0.0.1").await;
}

/// SEC-3: over HTTP/2 and TLS, towards clients and endpoints.
#[tokio::test]
async fn nothing_secret_is_logged_or_kept_in_the_clear_over_http2() {
    let authority = Authority::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority.pem()).unwrap();
    let cstar = talkative().over_tls(&authority).flag("--extra-ca", file.path());
    let identity = authority.issue("localhost", Validity::Now).with_http2();
    let receiver = Receiver::over_tls(&identity, |_| Reply::status(200)).await;
    secrets_stay_secret(cstar, receiver, "localhost").await;
}

/// Does with each kind of secret what is done with it, and looks for it everywhere afterwards.
async fn secrets_stay_secret(cstar: CstarProcess, receiver: Receiver, host: &str) {
    let (mut cstar, team) = with_team(cstar).await;
    let webhook = json!({
        "url": receiver.url_at(host, "/"), "events": ["*"], "headers": {"x-token": HEADER_VALUE},
    });
    let webhook = team.http.post(&team.path("webhooks"), webhook.to_string()).await.expect(201);
    let webhook: CreatedWebhook = webhook.read();
    let key = team.key(&["events:read", "events:write"], &["*"]).await;
    let key = key.key.reveal();
    let http = team.http.with_key(key);

    let reader = StreamReader::open(&http, &team.path("realtime"), None).await;
    let token: Value = http.post(&team.path("realtime/tokens"), "{}").await.expect(201).read();
    let token = token["token"].as_str().unwrap();
    for (by_query, status) in [(token, 200), (key, 401)] {
        let path = team.path(&format!("realtime?until=head&token={by_query}"));
        let _ = http.with_key("").get(&path).await.expect(status);
    }
    let rotate = team.path(&format!("webhooks/{}/secret", webhook.seen.id));
    let rotated: Value = team.http.post(&rotate, "{}").await.expect(200).read();
    let event = json!({"type": "ticket.created", "data": ticket("signed")}).to_string();
    let _ = http.post(&team.path("events"), event).await.expect(201);
    reader.until_events(1).await;
    team.until_ended("status=delivered", 1).await;
    let [request] = &receiver.received()[..] else { panic!("one request") };
    assert_eq!(request.header("x-token"), HEADER_VALUE);
    let secret = Secret::parse(webhook.secret.reveal()).unwrap();
    verify_body(&secret, &request.body, Some(request.header("x-cstar-signature"))).unwrap();

    let places = everything_kept(&mut cstar).await;
    let master_key: String = MASTER_KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let rotated = rotated["secret"].as_str().unwrap();
    let keys = [PLATFORM_KEY, key, token, MASTER_KEY, &master_key];
    let secrets = keys.into_iter().chain([webhook.secret.reveal(), rotated, HEADER_VALUE]);
    for (place, text) in &places {
        for secret in secrets.clone() {
            assert!(!text.contains(secret), "{secret} is in {}", place.display());
        }
    }
    let all: String = places.into_iter().map(|(_, text)| text).collect();
    assert!(all.contains("DEBUG") && all.contains("signed"), "the log and the events were looked through");
}

/// The log and every file of the data directory, while it runs and after its end.
async fn everything_kept(cstar: &mut CstarProcess) -> Vec<(PathBuf, String)> {
    let mut kept = files(cstar.data());
    cstar.terminate();
    assert!(cstar.ended().await.success());
    kept.extend(files(cstar.data()));
    kept.push((PathBuf::from("the log"), cstar.log()));
    kept
}

/// Each file; what is no text in it hides no text.
fn files(directory: &Path) -> Vec<(PathBuf, String)> {
    let paths = std::fs::read_dir(directory).expect("a data directory").map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, String::from_utf8_lossy(&bytes).into_owned())
    };
    paths.map(read).collect()
}
