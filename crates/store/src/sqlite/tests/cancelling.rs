//! Cancelling more than one slice (DLV-2).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cstar_types::{DeliveryStatus, DisabledReason, TeamId, WebhookId};

use super::full::limit_pages;
use super::{OnDisk, until};
use crate::conformance::given::{self, at, published};
use crate::conformance::{AnyStore, read};
use crate::sqlite::cancel::SLICE_ROWS;
use crate::sqlite::disk::Space;
use crate::sqlite::fault::Fault;
use crate::sqlite::queue::{Class, Size};
use crate::sqlite::tx::Tx;
use crate::{DeliveryQuery, Health, StoreError, WebhookPatch};

const MIB: u64 = 1 << 20;
const WAITING: usize = SLICE_ROWS * 5 / 2;

async fn with_status(store: &AnyStore, team: TeamId, status: DeliveryStatus) -> usize {
    let query = DeliveryQuery { status: Some(status), ..read::every_delivery(200) };
    read::deliveries(store, team, query).await.unwrap().len()
}

/// A team, and a webhook for which so many deliveries wait.
async fn with_waiting(store: &AnyStore, waiting: usize) -> (TeamId, WebhookId) {
    let team = given::team(store).await;
    let webhook = given::webhook(store, team, "*").await;
    for chunk in vec!["ticket.created"; waiting].chunks(500) {
        published(store, team, chunk, at(0)).await;
    }
    (team, webhook)
}

fn cancelling(disk: &OnDisk) -> bool {
    disk.stranger().query_row("SELECT max(cancelling) FROM webhooks", (), |row| row.get(0)).unwrap()
}

/// DLV-2: all that waited is cancelled at once for everybody who looks, and what follows is not.
#[tokio::test]
async fn all_is_cancelled_at_once_and_rewritten_in_time() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let (team, webhook) = with_waiting(&store, WAITING).await;

    store.disable_webhook(webhook, None, DisabledReason::Gone, at(1)).await.unwrap();
    assert_eq!(with_status(&store, team, DeliveryStatus::Pending).await, 0);
    assert_eq!(with_status(&store, team, DeliveryStatus::Cancelled).await, WAITING);
    assert!(read::due(&store, webhook, at(9)).await.is_empty());
    assert!(store.lanes().await.unwrap().is_empty());

    // Enabled again while rows are still being rewritten: what comes now waits, what was cancelled stays so.
    let enable = WebhookPatch { enabled: Some(Ok(())), ..WebhookPatch::default() };
    store.update_webhook(team, webhook, enable, None, at(2)).await.unwrap();
    given::one_event(&store, team, "ticket.closed").await;
    let due = read::due(&store, webhook, at(9)).await;
    assert_eq!(due.len(), 1);

    // One that was cancelled can be resent, whether or not its row was rewritten.
    let newest = DeliveryQuery { status: Some(DeliveryStatus::Cancelled), ..read::every_delivery(1) };
    let cancelled = read::deliveries(&store, team, DeliveryQuery { limit: 200, ..newest }).await.unwrap();
    store.resend(team, cancelled[0].id, at(3)).await.unwrap();
    assert_eq!(
        store.resend(team, due[0].id, at(3)).await,
        Err(StoreError::Conflict("the delivery has not ended"))
    );

    until("all rows are rewritten", || !cancelling(&disk)).await;
    assert_eq!(with_status(&store, team, DeliveryStatus::Cancelled).await, WAITING - 1);
    assert_eq!(read::due(&store, webhook, at(9)).await.len(), 2);
    assert_eq!(store.check().await, Ok(()));
}

/// A disk that is nearly full leaves the rest of it undone.
fn filling_up(free: &Arc<AtomicU64>) -> OnDisk {
    let free = Arc::clone(free);
    OnDisk::with(|options| {
        options.probe = Arc::new(move |_| {
            Ok(Space { free: free.load(Ordering::Relaxed), total: 10_000 * MIB, reusable: 0 })
        });
    })
}

/// DLV-2: a restart in the middle loses nothing of it.
#[tokio::test]
async fn a_restart_goes_on_cancelling() {
    let free = Arc::new(AtomicU64::new(1000 * MIB));
    let disk = filling_up(&free);
    let store = disk.any();
    let (team, webhook) = with_waiting(&store, WAITING).await;
    free.store(60 * MIB, Ordering::Relaxed);
    until("the disk is nearly full", || store.health() == Health::StorageFull).await;
    store.delete_webhook(team, webhook, None, at(1)).await.unwrap();
    drop(store);
    let left = disk.killed().await;
    let rewritten = "SELECT count(*) FROM deliveries WHERE status = 4";
    let before: i64 = disk.stranger().query_row(rewritten, (), |row| row.get(0)).unwrap();
    assert!((1..WAITING as i64).contains(&before), "{before} rows were rewritten before the kill");

    let store = left.any();
    assert_eq!(with_status(&store, team, DeliveryStatus::Cancelled).await, WAITING);
    until("all rows are rewritten", || !cancelling(&left)).await;
    assert_eq!(with_status(&store, team, DeliveryStatus::Cancelled).await, WAITING);
    assert_eq!(store.check().await, Ok(()));
}

/// A server that does nothing else cuts its WAL all the same.
#[tokio::test]
async fn slices_on_a_quiet_store_do_not_lengthen_the_wal() {
    const SLICES: usize = 60;
    // On a disk of 16 MiB a checkpoint is made after each MiB.
    let space = Space { free: 1000 * MIB, total: 16 * MIB, reusable: 0 };
    let disk = OnDisk::with(|options| options.probe = Arc::new(move |_| Ok(space)));
    let store = disk.any();
    let (_, webhook) = with_waiting(&store, SLICES * SLICE_ROWS).await;
    let before = disk.wal_bytes();
    store.disable_webhook(webhook, None, DisabledReason::Gone, at(1)).await.unwrap();
    let mut longest = 0;
    until("all rows are rewritten", || {
        longest = longest.max(disk.wal_bytes());
        !cancelling(&disk)
    })
    .await;
    assert!(longest < before.max(3 * MIB), "{longest} bytes, {before} before");
    until("the WAL is cut when nothing more comes", || disk.wal_bytes() == 0).await;
}

/// A webhook that is damaged, or a piece of work that cannot be stored, keeps no other's rows from being rewritten.
#[tokio::test]
async fn what_is_at_fault_holds_up_no_slice() {
    let free = Arc::new(AtomicU64::new(1000 * MIB));
    let disk = filling_up(&free);
    let store = disk.any();
    let (_, damaged) = with_waiting(&store, WAITING).await;
    let (team, webhook) = with_waiting(&store, WAITING).await;
    free.store(60 * MIB, Ordering::Relaxed);
    until("the disk is nearly full", || store.health() == Health::StorageFull).await;
    for webhook in [damaged, webhook] {
        store.disable_webhook(webhook, None, DisabledReason::Gone, at(1)).await.unwrap();
    }
    on_the_writer(&disk, "UPDATE webhooks SET url = 'https://example.com/other' WHERE number = 1").await;
    let cancelling = "SELECT cancelling FROM webhooks WHERE number = 2";
    let cancelling = || disk.stranger().query_row(cancelling, (), |row| row.get::<_, bool>(0)).unwrap();
    assert!(cancelling());

    free.store(1000 * MIB, Ordering::Relaxed);
    let deadline = Instant::now() + Duration::from_secs(30);
    while cancelling() {
        assert!(Instant::now() < deadline, "its rows are rewritten");
        let fail = move |_: &mut Tx<'_>| -> Result<(), Fault> { Err(Fault::damaged("attempts", 1)) };
        disk.store.shared.write(Class::Vital, Size::default(), fail).await.unwrap_err();
    }
    assert_eq!(with_status(&store, team, DeliveryStatus::Cancelled).await, WAITING);
    assert!(matches!(store.check().await, Err(StoreError::Damaged(_))));
}

async fn on_the_writer(disk: &OnDisk, sql: &'static str) {
    let run = move |tx: &mut Tx<'_>| Ok(tx.conn.execute_batch(sql)?);
    disk.store.shared.write(Class::Vital, Size::default(), run).await.unwrap();
}

/// Rows are rewritten where there is room for everything, and what matters more is never refused because of them.
#[tokio::test]
async fn a_full_disk_is_left_to_what_matters() {
    /// The disk is looked at every second, and a slice is tried then.
    const LOOKS: Duration = Duration::from_millis(2500);
    let free = Arc::new(AtomicU64::new(1000 * MIB));
    let disk = filling_up(&free);
    let store = disk.any();
    let (team, webhook) = with_waiting(&store, WAITING).await;
    let key = given::key(&store, team).await;
    free.store(60 * MIB, Ordering::Relaxed);
    until("the disk is nearly full", || store.health() == Health::StorageFull).await;
    store.disable_webhook(webhook, None, DisabledReason::Gone, at(1)).await.unwrap();
    let commits = store.counts().commits;
    for turn in 2..20 {
        store.rename_team(team, format!("{turn}"), None).await.unwrap();
    }
    assert_eq!(store.counts().commits, commits + 18, "nothing was committed beside them");
    assert!(cancelling(&disk));

    // As much room as events need, and yet a slice finds none: it takes nothing with it.
    limit_pages(&disk, 10_000).await;
    on_the_writer(
        &disk,
        "CREATE TEMP TRIGGER needs_room BEFORE UPDATE ON deliveries BEGIN
             INSERT INTO types (name, checksum) VALUES (hex(zeroblob(25000000)), 0);
         END",
    )
    .await;
    free.store(66 * MIB, Ordering::Relaxed);
    let began = Instant::now();
    while began.elapsed() < LOOKS {
        store.revoke_key(team, key, at(2)).await.unwrap();
    }
    assert!(cancelling(&disk));
    on_the_writer(&disk, "DROP TRIGGER needs_room").await;
    until("all rows are rewritten", || !cancelling(&disk)).await;
    assert_eq!(with_status(&store, team, DeliveryStatus::Cancelled).await, WAITING);
    assert_eq!(store.check().await, Ok(()));
}

/// Switching a webhook off and on, however often, leaves nothing behind where nothing waited.
#[tokio::test]
async fn what_cancels_nothing_is_not_noted() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    let patch = |enabled| crate::WebhookPatch { enabled: Some(enabled), ..crate::WebhookPatch::default() };
    for _ in 0..3 {
        for enabled in [Err(DisabledReason::ByRequest), Err(DisabledReason::ByRequest), Ok(())] {
            store.update_webhook(team, webhook, patch(enabled), None, at(1)).await.unwrap();
        }
    }
    let noted =
        || disk.stranger().query_row("SELECT count(*) FROM cancellations", (), |row| row.get::<_, i64>(0));
    assert_eq!(noted().unwrap(), 0);
    given::one_event(&store, team, "ticket.created").await;
    store.update_webhook(team, webhook, patch(Err(DisabledReason::ByRequest)), None, at(2)).await.unwrap();
    assert_eq!(noted().unwrap(), 1);
}
