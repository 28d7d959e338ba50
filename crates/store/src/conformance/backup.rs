//! Copies of a store at work.

use bytes::Bytes;

use super::given::{self, at, soon};
use super::{AnyStore, Subject, read};
use crate::{Backup, StoreError};

async fn begun(store: &AnyStore) -> Backup {
    soon(store.backup(at(9))).await.expect("a backup is made")
}

/// A backup comes piece by piece, and is as long as it says.
pub async fn a_backup_is_as_long_as_it_says(subject: impl Subject) {
    let store = subject.store();
    given::one_delivery(&store).await;
    let backup = begun(&store).await;
    let said = backup.bytes();
    let came: usize =
        backup.map(|piece| piece.expect("it can be read")).map(|piece: Bytes| piece.len()).sum();
    assert!(said > 0);
    assert_eq!(came as u64, said);
}

/// A second backup is refused for as long as the first one is made or read, and taken once it is dropped.
pub async fn there_is_one_backup_at_a_time(subject: impl Subject) {
    let store = subject.store();
    let mut first = begun(&store).await;
    assert!(matches!(store.backup(at(9)).await, Err(StoreError::Conflict(_))));
    assert!(first.next().is_some());
    assert!(matches!(store.backup(at(9)).await, Err(StoreError::Conflict(_))));
    drop(first);
    drop(begun(&store).await);
}

/// While a backup is read nothing else waits for it.
pub async fn writing_goes_on_while_a_backup_is_read(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    given::one_event(&store, team, "ticket.created").await;
    let backup = begun(&store).await;
    soon(given::one_event(&store, team, "ticket.closed")).await;
    assert_eq!(soon(read::log(&store, team)).await.len(), 2);
    assert!(backup.last().is_some_and(|last| last.is_ok()));
}

/// A closed store makes none.
pub async fn a_closed_store_makes_no_backup(subject: impl Subject) {
    let store = subject.store();
    store.close().await;
    assert_eq!(store.backup(at(9)).await.err(), Some(StoreError::ShuttingDown));
}
