//! Cancelling more than one slice (DLV-2).

use cstar_types::{DeliveryStatus, DisabledReason};

use super::{OnDisk, until};
use crate::conformance::given::{self, at, published};
use crate::conformance::read;
use crate::sqlite::cancel::SLICE_ROWS;
use crate::{DeliveryQuery, StoreError, WebhookPatch};

const WAITING: usize = SLICE_ROWS * 5 / 2;

async fn with_status(
    store: &crate::conformance::AnyStore,
    team: cstar_types::TeamId,
    status: DeliveryStatus,
) -> usize {
    let query = DeliveryQuery { status: Some(status), ..read::every_delivery(200) };
    read::deliveries(store, team, query).await.unwrap().len()
}

fn cancelling(disk: &OnDisk) -> bool {
    disk.stranger().query_row("SELECT max(cancelling) FROM webhooks", (), |row| row.get(0)).unwrap()
}

/// DLV-2: all that waited is cancelled at once for everybody who looks, and what follows is not.
#[tokio::test]
async fn all_is_cancelled_at_once_and_rewritten_in_time() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    for chunk in vec!["ticket.created"; WAITING].chunks(500) {
        published(&store, team, chunk, at(0)).await;
    }

    store.disable_webhook(webhook, DisabledReason::Gone, at(1)).await.unwrap();
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

/// DLV-2: a restart in the middle loses nothing of it.
#[tokio::test]
async fn a_restart_goes_on_cancelling() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    for chunk in vec!["ticket.created"; WAITING].chunks(500) {
        published(&store, team, chunk, at(0)).await;
    }
    store.delete_webhook(team, webhook, None, at(1)).await.unwrap();
    drop(store);

    let disk = disk.killed();
    let store = disk.any();
    assert_eq!(with_status(&store, team, DeliveryStatus::Cancelled).await, WAITING);
    until("all rows are rewritten", || !cancelling(&disk)).await;
    assert_eq!(with_status(&store, team, DeliveryStatus::Cancelled).await, WAITING);
    assert_eq!(store.check().await, Ok(()));
}
