//! A disk that fails (LOG-1).

use std::time::Instant;

use rusqlite::ffi;
use tokio::task::JoinSet;

use super::{OnDisk, until};
use crate::conformance::given::{self, at, new_event, publishing, soon};
use crate::conformance::read;
use crate::sqlite::connection::BUSY;
use crate::sqlite::fault::Fault;
use crate::sqlite::queue::{Class, Size};
use crate::sqlite::tx::Tx;
use crate::stored::kind::Kind;
use crate::{Change, Health, StoreError, Told, Upkeep};

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

    let restarted = disk.killed().await;
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
    let held = disk.hold().await;
    let mut tail = store.tail(1 << 20);
    let mut racing = JoinSet::new();
    for turn in 0..20 {
        let other = new_event(team, "ticket.closed", "{}", at(0));
        let event = if turn == 10 { event.clone() } else { other };
        let store = store.clone();
        racing.spawn(async move { store.append(publishing(team, vec![event], at(0))).await });
    }
    until("all of them wait", || store.counts().waiting == 20).await;
    held.go_on().await;
    let (stored, refused): (Vec<_>, Vec<_>) = racing.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(stored.len(), 19);
    assert!(matches!(refused[..], [Err(StoreError::Conflict(_))]), "{refused:?}");
    let log = read::log(&store, team).await;
    assert_eq!(log.len(), 20);
    assert_eq!(store.health(), Health::Ready);

    // LOG-1: what was rolled back with it is told once, as it was stored in the end.
    let mut told = Vec::new();
    while let Some(Some(Told::Change(change))) = tail.try_next() {
        let Change::Appended { entries, .. } = &*change else { panic!("{change:?}") };
        told.extend(entries.iter().map(|entry| (**entry).clone()));
    }
    assert_eq!(told, log[1..]);
}

/// LOG-3: the number of a type that was rolled back is given to another, and is not read as the first.
#[tokio::test]
async fn a_type_that_was_rolled_back_is_forgotten() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let team = given::team(&store).await;
    let number_and_fail = move |tx: &mut Tx<'_>| -> Result<(), Fault> {
        let number = tx.memory.type_number(tx.look(), &given::event_type("boss.spawned"))?;
        tx.look().event_type(Kind::new(number, false))?;
        Err(Fault::damaged("attempts", 1))
    };
    let failed = disk.store.shared.write(Class::Change, Size::default(), number_and_fail).await;
    assert!(matches!(failed, Err(StoreError::Damaged(_))), "{failed:?}");
    let event = given::one_event(&store, team, "ticket.created").await;
    assert_eq!(read::log(&store, team).await, [(*event).clone()]);
}

/// A stranger who holds the file holds up what comes once, not each of it, and harms nothing.
#[tokio::test]
async fn a_stranger_in_the_file_is_waited_for_once() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let team = given::team(&store).await;
    let stranger = rusqlite::Connection::open(disk.dir.path().join("cstar.db")).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let mut racing = JoinSet::new();
    for _ in 0..20 {
        let publish = publishing(team, vec![new_event(team, "ticket.closed", "{}", at(0))], at(0));
        let store = store.clone();
        racing.spawn(async move { store.append(publish).await });
    }
    let answers = racing.join_all().await;
    assert!(answers.iter().all(|answer| *answer == Err(StoreError::QueueFull)), "{answers:?}");
    assert!(began.elapsed() < BUSY * 10, "each waited by itself: {:?}", began.elapsed());
    stranger.execute_batch("ROLLBACK").unwrap();
    given::one_event(&store, team, "ticket.created").await;
    assert_eq!(read::log(&store, team).await.len(), 1);
    assert_eq!(store.health(), Health::Ready);
}
