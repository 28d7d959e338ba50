//! A disk that fails (LOG-1).

use std::sync::Arc;

use rusqlite::ffi;
use tokio::task::JoinSet;

use super::{OnDisk, until};
use crate::conformance::given::{self, at, new_event, publishing, soon};
use crate::conformance::read;
use crate::sqlite::fault::Fault;
use crate::sqlite::queue::{Class, Size};
use crate::sqlite::tx::Tx;
use crate::{Health, StoreError, Upkeep};

async fn write_that_fails(disk: &OnDisk, code: i32) -> Result<(), StoreError> {
    let fail = move |_: &mut Tx<'_>| -> Result<(), Fault> {
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into())
    };
    disk.store.shared.write(Class::Change, Size::default(), fail).await
}

/// LOG-1: after a failed sync nobody is told that something is stored, and nothing more is written.
#[tokio::test]
async fn a_failed_sync_ends_the_store() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let team = given::team(&store).await;
    let kept = given::one_event(&store, team, "ticket.created").await;
    let mut tail = store.tail(1 << 20);

    assert_eq!(write_that_fails(&disk, ffi::SQLITE_IOERR_FSYNC).await, Err(StoreError::OutcomeUnknown));
    soon(store.poisoned()).await;
    assert_eq!(store.health(), Health::Poisoned);
    let publish = publishing(team, vec![new_event(team, "ticket.closed", "{}", at(1))], at(1));
    assert_eq!(store.append(publish).await, Err(StoreError::Poisoned));
    assert_eq!(store.ends(team).await, Err(StoreError::Poisoned));
    assert!(soon(tail.next()).await.is_none(), "the tail has ended");
    soon(store.close()).await;

    let restarted = disk.killed();
    assert_eq!(read::log(&restarted.any(), team).await, [(*kept).clone()]);
    assert_eq!(restarted.any().check().await, Ok(()));
}

/// LOG-1: a writer that is gone is noticed by those who wait for it.
#[tokio::test]
async fn a_writer_that_panics_ends_the_store() {
    let disk = OnDisk::fresh();
    let panic = |_: &mut Tx<'_>| -> Result<(), Fault> { panic!("a fault of the store's own") };
    let answer = soon(disk.store.shared.write(Class::Change, Size::default(), panic)).await;
    assert_eq!(answer, Err(StoreError::OutcomeUnknown));
    soon(disk.store.poisoned()).await;
    assert_eq!(disk.store.health(), Health::Poisoned);
}

/// A piece of work that cannot be stored takes no other with it.
#[tokio::test]
async fn one_at_fault_leaves_the_others_alone() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let team = given::team(&store).await;
    let event = new_event(team, "ticket.created", "{}", at(0));
    store.append(publishing(team, vec![event.clone()], at(0))).await.unwrap();

    // The writer stands still until all of them wait, so that they become one group.
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let (stands, stood) = tokio::sync::oneshot::channel();
    let mut stands = Some(stands);
    let stand_still = move |_: &mut Tx<'_>| -> Result<(), Fault> {
        stands.take().map(|stands| stands.send(()));
        wait.recv().ok();
        Ok(())
    };
    let shared = Arc::clone(&disk.store.shared);
    let held = tokio::spawn(async move { shared.write(Class::Change, Size::default(), stand_still).await });
    soon(stood).await.unwrap();
    let mut racing = JoinSet::new();
    for turn in 0..20 {
        let other = new_event(team, "ticket.closed", "{}", at(0));
        let event = if turn == 10 { event.clone() } else { other };
        let store = store.clone();
        racing.spawn(async move { store.append(publishing(team, vec![event], at(0))).await });
    }
    until("all of them wait", || store.counts().waiting == 20).await;
    drop(go_on);
    held.await.unwrap().unwrap();
    let (stored, refused): (Vec<_>, Vec<_>) = racing.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(stored.len(), 19);
    assert!(matches!(refused[..], [Err(StoreError::Database(_))]), "{refused:?}");
    assert_eq!(read::log(&store, team).await.len(), 20);
    assert_eq!(store.health(), Health::Ready);
}
