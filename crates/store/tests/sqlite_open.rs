//! The data directory: found again, not shared, not misread.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use cstar_store::conformance::given::{self, at};
use cstar_store::conformance::{AnyStore, read};
use cstar_store::sqlite::{MasterKey, Options, SqliteStore};
use cstar_store::{StoreError, Upkeep, Verdict};
use rusqlite::Connection;

fn key(byte: u8) -> MasterKey {
    MasterKey::new([byte; 32])
}

fn open(dir: &Path) -> Result<AnyStore, StoreError> {
    SqliteStore::open(Options::new(dir, key(7))).map(|store| Arc::new(store) as AnyStore)
}

fn refusal(opened: Result<AnyStore, StoreError>) -> String {
    match opened.err() {
        Some(StoreError::Unusable(why)) => why,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// LOG-1: dropping a store without closing it loses nothing.
#[tokio::test]
async fn everything_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let (team, webhook, due) = given::one_delivery(&store).await;
    given::recorded(&store, &due, Verdict::RetryAt(at(60)), at(1)).await;
    let key = given::key(&store, team).await;
    store.touch_keys(vec![(key, at(5))]).await.unwrap();
    let log = read::log(&store, team).await;
    let delivery = store.delivery(team, due.id).await.unwrap();
    let to_send = store.webhook_to_send(webhook).await.unwrap();
    let known = store.key(key).await.unwrap();
    drop(store);

    let store = open(dir.path()).unwrap();
    assert_eq!(read::log(&store, team).await, log);
    assert_eq!(store.delivery(team, due.id).await.unwrap(), delivery);
    assert_eq!(store.webhook_to_send(webhook).await.unwrap(), to_send);
    assert_eq!(store.key(key).await.unwrap(), known);
    assert_eq!(known.0.last_used_at, Some(at(5)));
    assert_eq!(store.lanes().await.unwrap(), [(webhook, at(60))]);
    assert_eq!(store.check().await, Ok(()));
}

/// Uses of keys are written along the way, a few at a time, and all of them at the end.
#[tokio::test]
async fn no_use_of_a_key_is_lost_by_closing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let team = given::team(&store).await;
    let mut keys = Vec::new();
    for _ in 0..450 {
        keys.push(given::key(&store, team).await);
    }
    store.touch_keys(keys.iter().map(|key| (*key, at(5))).collect()).await.unwrap();
    drop(store);

    let store = open(dir.path()).unwrap();
    for key in keys {
        assert_eq!(store.key(key).await.unwrap().0.last_used_at, Some(at(5)));
    }
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    assert!(refusal(open(dir.path())).contains("another cstar process"));
    drop(store);
    assert!(open(dir.path()).is_ok());
}

#[tokio::test]
async fn data_of_a_newer_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let conn = Connection::open(dir.path().join("cstar.db")).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    assert!(refusal(open(dir.path())).contains("newer cstar"));
}

#[tokio::test]
async fn a_foreign_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("cstar.db"),
        b"not a database, but something that somebody put here. ".repeat(100),
    )
    .unwrap();
    assert!(matches!(open(dir.path()), Err(StoreError::Damaged(_))));
}

/// SEC-3: with another master key nothing is opened, with the one everything is.
#[tokio::test]
async fn the_master_key_must_be_the_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    drop(store);

    let other = SqliteStore::open(Options::new(dir.path(), key(8))).map(|store| Arc::new(store) as AnyStore);
    assert_eq!(other.err(), Some(StoreError::OtherMasterKey));
    let store = open(dir.path()).unwrap();
    assert_eq!(store.webhook_to_send(webhook).await.unwrap().1.current, given::secret());
}

/// Events are nobody else's business.
#[cfg(unix)]
#[tokio::test]
async fn the_directory_is_made_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a/b");
    drop(open(&dir).unwrap());
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o077, 0);
}

/// The end is told to those who wait for it, and comes once.
#[tokio::test]
async fn closing_twice_is_closing() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(Options::new(dir.path(), key(7))).unwrap();
    given::soon(store.close()).await;
    given::soon(store.close()).await;
    assert!(open(dir.path()).is_ok(), "the directory is free although the handle lives");
}
