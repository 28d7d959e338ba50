//! SEC-3: what is secret is in no file of the data directory.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use cstar_store::conformance::AnyStore;
use cstar_store::conformance::given::{self, at};
use cstar_store::sqlite::{MasterKey, Options, SqliteStore};
use cstar_store::{Rotation, SecretText, WebhookPatch};
use cstar_types::Webhook;

const SECRET: &str = "whsec_bm9ib2R5IG1heSByZWFkIHRoaXMgaW4gYSBmaWxl";
const NEXT: &str = "whsec_dGhlIHNlY3JldCB0aGF0IGNvbWVzIGFmdGVyIGl0Li4u";
const CREDENTIAL: &str = "Bearer of-the-receivers-own-gateway";
const MASTER: [u8; 32] = *b"the master key, 32 bytes, itself";

fn files_with(dir: &Path, needle: &[u8]) -> Vec<String> {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let with = files.filter(|file| {
        let bytes = fs::read(file).unwrap();
        let empty = bytes.iter().all(|byte| *byte == 0); // the reserve: searching it would take most of the time
        !empty && bytes.windows(needle.len()).any(|window| window == needle)
    });
    with.map(|file| file.display().to_string()).collect()
}

/// SEC-3
#[tokio::test]
async fn secrets_are_in_no_file_in_the_clear() {
    let dir = tempfile::tempdir().unwrap();
    let open = || SqliteStore::open(Options::new(dir.path(), MasterKey::new(MASTER))).unwrap();
    let store: AnyStore = Arc::new(open());
    let team = given::team(&store).await;
    let mut webhook = given::new_webhook(team, "*");
    webhook.description = "this is readable".to_owned();
    let id = webhook.id;
    store.create_webhook(webhook, SecretText::new(SECRET.to_owned()), 9).await.unwrap();
    let headers = vec![("authorization".to_owned(), CREDENTIAL.to_owned())];
    let patch = WebhookPatch { headers: Some(headers.clone()), ..WebhookPatch::default() };
    store.update_webhook(team, id, patch, None, at(1)).await.unwrap();
    let rotation = Rotation { secret: SecretText::new(NEXT.to_owned()), overlap_until: Some(at(9)) };
    store.rotate_secret(team, id, rotation, None, at(2)).await.unwrap();

    let absent = |when: &str| {
        assert!(
            !files_with(dir.path(), b"this is readable").is_empty(),
            "{when}: the search can find something"
        );
        let [first, next] = [SECRET, NEXT].map(|secret| &secret.as_bytes()[6..]);
        for needle in [first, next, CREDENTIAL.as_bytes(), &MASTER] {
            let found = files_with(dir.path(), needle);
            assert!(found.is_empty(), "{when}: {} in {found:?}", String::from_utf8_lossy(needle));
        }
    };
    absent("in the write-ahead log");
    drop(store);
    absent("in the database");

    let store: AnyStore = Arc::new(open());
    let (webhook, secrets) = store.webhook_to_send(id).await.unwrap();
    assert_eq!(secrets.current.reveal(), NEXT);
    assert_eq!(secrets.previous, Some((SecretText::new(SECRET.to_owned()), at(9))));
    assert_eq!(webhook.headers, headers);
}

/// SEC-3: what can print itself prints nothing secret.
#[test]
fn secrets_do_not_print() {
    let text = SecretText::new(SECRET.to_owned());
    assert!(!format!("{text:?}").contains("whsec"));
    let headers = vec![("authorization".to_owned(), CREDENTIAL.to_owned())];
    let patch = WebhookPatch { headers: Some(headers.clone()), ..WebhookPatch::default() };
    let webhook = Webhook { headers, ..given::new_webhook(given::new_team("Acme").id, "*") };
    for printed in [format!("{patch:?}"), format!("{webhook:?}")] {
        assert!(printed.contains("authorization") && !printed.contains("Bearer"), "{printed}");
    }
}
