//! What is done to a data directory without a server: looking for damage, and changing the master key.

use std::path::Path;
use std::sync::Arc;

use cstar_store::conformance::given::{self, at, keyed, new_event, publishing};
use cstar_store::conformance::{AnyStore, read};
use cstar_store::sqlite::{About, Finding, Looked, MasterKey, Offline, Options, Rekeyed, SqliteStore};
use cstar_store::{Rotation, SecretText, StoreError, Verdict, WebhookPatch};
use cstar_types::{TeamId, WebhookId};
use rusqlite::Connection;
use tempfile::TempDir;

const DB: &str = "cstar.db";

fn key(byte: u8) -> MasterKey {
    MasterKey::new([byte; 32])
}

fn open(dir: &Path, key: MasterKey) -> Result<AnyStore, StoreError> {
    SqliteStore::open(Options::new(dir, key)).map(|store| Arc::new(store) as AnyStore)
}

/// Ten events of one team, each delivered or due, and all that a webhook can keep secret.
async fn filled() -> (TempDir, TeamId, WebhookId) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), key(7)).unwrap();
    let team = given::team(&store).await;
    given::key(&store, team).await;
    let webhook = given::webhook(&store, team, "*").await;
    let headers = vec![("authorization".to_owned(), "Bearer of-the-receivers-own".to_owned())];
    let patch = WebhookPatch { headers: Some(headers), ..WebhookPatch::default() };
    store.update_webhook(team, webhook, patch, None, at(0)).await.unwrap();
    let rotation =
        Rotation { secret: SecretText::new("whsec_next".to_owned()), overlap_until: Some(at(900)) };
    store.rotate_secret(team, webhook, rotation, None, at(0)).await.unwrap();
    for turn in 0..10 {
        let event =
            keyed(new_event(team, "ticket.created", &format!("{{\"n\":{turn}}}"), at(0)), &format!("{turn}"));
        store.append(publishing(team, vec![event], at(0))).await.unwrap();
    }
    for due in read::due(&store, webhook, at(0)).await.iter().take(5) {
        given::recorded(&store, due, Verdict::Delivered, at(1)).await;
    }
    drop(store);
    (dir, team, webhook)
}

fn checked(dir: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let looked = &mut |looked| {
        if let Looked::Found(finding) = looked {
            findings.push(finding);
        }
    };
    Offline::open(dir).unwrap().check(&[key(7)], looked).unwrap();
    findings
}

fn sql(dir: &Path, sql: &str) {
    Connection::open(dir.join(DB)).unwrap().execute_batch(sql).unwrap();
}

/// Whether there is a finding about this whose words hold these.
fn holds(findings: &[Finding], about: About, words: &str) -> bool {
    findings.iter().any(|finding| finding.about == about && finding.what.contains(words))
}

/// LOG-3: what is whole has no findings.
#[tokio::test]
async fn what_is_whole_has_no_findings() {
    let (dir, ..) = filled().await;
    assert_eq!(checked(dir.path()), []);
}

/// LOG-2, LOG-3: events that are gone are missed, as a run; so are the deliveries that lead to them, and nothing else is said.
#[tokio::test]
async fn events_that_are_gone_are_missed() {
    let (dir, team, _) = filled().await;
    sql(dir.path(), "DELETE FROM events WHERE place & 255 IN (3, 4, 7)");
    let findings = checked(dir.path());
    assert!(
        holds(&findings, About::Log, &format!("events 3 to 4 of team {team} are missing")),
        "{findings:?}"
    );
    assert!(holds(&findings, About::Log, &format!("event 7 of team {team} is missing")), "{findings:?}");
    let orphans = findings.iter().filter(|finding| finding.what.contains("its event is missing")).count();
    assert_eq!((orphans, findings.len()), (3, 5), "{findings:?}");
}

/// LOG-3: a check does not end at the first damage; each kind is found, and told as what it is.
#[tokio::test]
async fn every_kind_of_damage_is_found_at_once() {
    let (dir, ..) = filled().await;
    sql(
        dir.path(),
        "UPDATE events SET created_ms = created_ms + 1 WHERE place & 255 = 2;
         UPDATE deliveries SET failed = 9 WHERE place & 255 = 1;
         UPDATE deliveries SET failed = 9 WHERE place & 255 = 8;
         UPDATE attempts SET duration_ms = 1 WHERE number = 3;
         UPDATE idempotency SET used_ms = 1;
         UPDATE keys SET name = 'another';
         UPDATE webhooks SET description = 'another';
         UPDATE meta SET checksum = 0 WHERE name = 'epoch'",
    );
    let findings = checked(dir.path());
    for (about, words) in [
        (About::Log, "events row"),
        (About::Deliveries, "deliveries row"),
        (About::Attempts, "attempts row 3"),
        (About::IdempotencyKeys, "idempotency row"),
        (About::Settings, "keys row"),
        (About::Settings, "webhooks row"),
        (About::Store, "meta row epoch"),
    ] {
        assert!(holds(&findings, about, words), "{words}: {findings:?}");
    }
    let damaged = findings.iter().filter(|finding| finding.what.contains("deliveries row")).count();
    assert_eq!(damaged, 2, "each is told: {findings:?}");
}

/// LOG-3: the index by which what is due is found says something else than the rows do.
#[tokio::test]
async fn an_index_that_disagrees_is_found() {
    const PAGE_BYTES: usize = 4096;
    let (dir, ..) = filled().await;
    let file = dir.path().join(DB);
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'deliveries_due'";
    let root: u32 = Connection::open(&file).unwrap().query_row(root, (), |row| row.get(0)).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let page = (root as usize - 1) * PAGE_BYTES;
    // A leaf: behind its head stand the places of its entries, and each begins with its length.
    let entry = page + usize::from(u16::from_be_bytes([bytes[page + 8], bytes[page + 9]]));
    let last = entry + usize::from(bytes[entry]);
    bytes[last] ^= 0x40;
    std::fs::write(&file, bytes).unwrap();
    let findings = checked(dir.path());
    assert!(holds(&findings, About::Structure, "deliveries_due"), "{findings:?}");
}

/// Nothing is looked at where there is nothing, or with a key that is another one.
#[tokio::test]
async fn what_cannot_be_looked_at_is_refused() {
    let (dir, ..) = filled().await;
    let looked = Offline::open(dir.path()).unwrap().check(&[key(8)], &mut |_| {});
    assert_eq!(looked, Err(StoreError::OtherMasterKey));
    let nowhere = Offline::open(&dir.path().join("nowhere")).err();
    assert!(matches!(nowhere, Some(StoreError::Unusable(_))), "{nowhere:?}");
    let server = open(dir.path(), key(7)).unwrap();
    let in_use = Offline::open(dir.path()).err();
    assert!(
        matches!(&in_use, Some(StoreError::Unusable(why)) if why.contains("another cstar process")),
        "{in_use:?}"
    );
    drop(server);
}

/// SEC-3: after a change of the master key everything opens as before with the new one, nothing with the old one, and nothing
/// that was encrypted with the old one is left in the files.
#[tokio::test]
async fn everything_secret_is_encrypted_anew() {
    let (dir, team, webhook) = filled().await;
    let store = open(dir.path(), key(7)).unwrap();
    let before = store.webhook_to_send(webhook).await.unwrap();
    given::webhook(&store, team, "ticket.*").await;
    let notice = given::webhook(&store, TeamId::OPERATOR, "*").await;
    drop(store);
    assert!(!sealed_with(dir.path(), &key(7)).is_empty(), "the search can find something");

    let rekeyed = Offline::open(dir.path()).unwrap().rekey(&[key(9), key(7)], &key(8)).unwrap();
    assert_eq!(rekeyed, Rekeyed::Done { webhooks: 3 });
    assert_eq!(sealed_with(dir.path(), &key(7)), [""; 0]);
    assert_eq!(open(dir.path(), key(7)).err(), Some(StoreError::OtherMasterKey));
    let store = open(dir.path(), key(8)).unwrap();
    assert_eq!(store.webhook_to_send(webhook).await.unwrap(), before);
    assert_eq!(store.webhook_to_send(notice).await.unwrap().1.current, given::secret());
    assert_eq!(store.check().await, Ok(()));
    drop(store);

    let mut offline = Offline::open(dir.path()).unwrap();
    assert_eq!(offline.rekey(&[key(7)], &key(8)), Ok(Rekeyed::Already));
    assert_eq!(offline.rekey(&[key(7)], &key(9)), Err(StoreError::OtherMasterKey));
}

/// The files in which something stands that was encrypted with this key: a byte for the form, and the key's id.
fn sealed_with(dir: &Path, key: &MasterKey) -> Vec<String> {
    let id = key.id_text();
    let id = (0..4).map(|at| u8::from_str_radix(&id[at * 2..at * 2 + 2], 16).unwrap());
    let mark: Vec<u8> = std::iter::once(1).chain(id).collect();
    let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let with = files.filter(|file| {
        let bytes = std::fs::read(file).unwrap();
        bytes.iter().any(|byte| *byte != 0) && bytes.windows(mark.len()).any(|window| window == mark)
    });
    with.map(|file| file.display().to_string()).collect()
}
