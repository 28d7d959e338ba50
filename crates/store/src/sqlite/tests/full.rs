//! A disk that is nearly full, and one that is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cstar_types::{FailureRule, TeamId};

use super::{OnDisk, until};
use crate::conformance::given::{self, at, new_event, publishing};
use crate::conformance::read;
use crate::sqlite::disk::Space;
use crate::sqlite::queue::{Class, Size};
use crate::sqlite::tx::Tx;
use crate::{Append, Change, Health, StoreError, Verdict};

const MIB: u64 = 1 << 20;

/// A disk of 10 GB, of which so many bytes are free.
fn with_free(free: &Arc<AtomicU64>) -> OnDisk {
    let free = Arc::clone(free);
    OnDisk::with(|options| {
        options.probe = Arc::new(move |_| {
            Ok(Space { free: free.load(Ordering::Relaxed), total: 10_000 * MIB, reusable: 0 })
        });
    })
}

fn one(team: cstar_types::TeamId, data: &str) -> Append {
    publishing(team, vec![new_event(team, "ticket.created", data, at(1))], at(1))
}

/// Publishing ends before the disk is full; reading and results go on; it begins again without a restart.
#[tokio::test]
async fn nearly_full_takes_results_but_no_events() {
    let free = Arc::new(AtomicU64::new(1000 * MIB));
    let disk = with_free(&free);
    let store = disk.any();
    let (team, _, due) = given::one_delivery(&store).await;
    assert!(disk.dir.path().join("reserve").exists());

    free.store(60 * MIB, Ordering::Relaxed);
    until("it is noticed that the disk is nearly full", || store.health() == Health::StorageFull).await;
    assert_eq!(store.append(one(team, "{}")).await, Err(StoreError::StorageFull));
    given::recorded(&store, &due, Verdict::Delivered, at(2)).await;
    assert_eq!(read::log(&store, team).await.len(), 1);

    free.store(1000 * MIB, Ordering::Relaxed);
    until("it is noticed that there is room again", || store.health() == Health::Ready).await;
    assert!(store.append(one(team, "{}")).await.is_ok());
}

/// The operator is told of a disk that is low, though no events are taken, and of one that stays low once.
#[tokio::test]
async fn a_disk_that_is_low_is_told_once() {
    let (free, looks) = (Arc::new(AtomicU64::new(1000 * MIB)), Arc::new(AtomicU64::new(0)));
    let (probed, looked) = (Arc::clone(&free), Arc::clone(&looks));
    let disk = OnDisk::with(|options| {
        options.probe = Arc::new(move |_| {
            looked.fetch_add(1, Ordering::Relaxed);
            Ok(Space { free: probed.load(Ordering::Relaxed), total: 10_000 * MIB, reusable: 0 })
        });
    });
    let store = disk.any();
    let webhook = given::webhook(&store, TeamId::OPERATOR, "storage.low").await;
    let mut tail = store.tail(1 << 20);
    free.store(60 * MIB, Ordering::Relaxed);
    let told = read::told(&mut tail).await;
    assert!(matches!(&*told, Change::Appended { team: TeamId::OPERATOR, .. }), "{told:?}");
    let due = given::only_due(&store, webhook).await;
    assert_eq!(due.entry.event.data(), format!("{{\"free_bytes\":{}}}", 60 * MIB).as_bytes());
    given::recorded(&store, &due, Verdict::Delivered, at(2)).await;
    let before = looks.load(Ordering::Relaxed);
    until("the disk is looked at again", || looks.load(Ordering::Relaxed) > before + 1).await;
    assert_eq!(read::log(&store, TeamId::OPERATOR).await.len(), 1);
}

/// How large SQLite lets the file become, in pages: it then answers as if the disk were full.
pub(super) async fn limit_pages(disk: &OnDisk, pages: u32) {
    let set = move |tx: &mut Tx<'_>| Ok(tx.conn.pragma_update(None, "max_page_count", pages)?);
    disk.store.shared.write(Class::Vital, Size::default(), set).await.unwrap();
}

/// A write that finds the disk full is rolled back cleanly: nothing of it is stored, and no restart is needed.
#[tokio::test]
async fn full_is_no_poison() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let (team, _, due) = given::one_delivery(&store).await;
    until("the reserve is made", || disk.dir.path().join("reserve").exists()).await;
    limit_pages(&disk, 60).await;

    let large = format!("{{\"x\":\"{}\"}}", "y".repeat(60_000));
    let mut taken = 1;
    let refused = loop {
        match store.append(one(team, &large)).await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 10, "60 pages hold no more than a few of these");
    };
    assert_eq!(refused, StoreError::StorageFull);
    assert_eq!(read::log(&store, team).await.len(), taken, "nothing of it is stored");

    // Results use the reserve. There is no room in this file even so, but the real disk has it back now.
    let report = || vec![given::report(&due, Verdict::Delivered, at(2))];
    let mut long = report();
    long[0].attempt.response_body = "z".repeat(200_000);
    assert_eq!(store.record(long.into(), FailureRule::NEVER).await, Err(StoreError::StorageFull));
    assert!(!disk.dir.path().join("reserve").exists());

    limit_pages(&disk, 10_000).await;
    until("there is room again", || store.health() == Health::Ready).await;
    assert!(store.append(one(team, &large)).await.is_ok());
    assert!(store.record(report().into(), FailureRule::NEVER).await.is_ok());
    assert_eq!(store.check().await, Ok(()));
    assert!(disk.dir.path().join("reserve").exists(), "the reserve is made again");
}
