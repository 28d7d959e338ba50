//! DLV-2: what waits for a webhook when it is disabled or deleted.

use cstar_types::{CancelReason, Delivery, DeliveryStatus, DisabledReason, TeamId, WebhookId, WebhookStatus};
use tokio::task::JoinSet;

use super::given::{self, at, recorded, soon};
use super::{AnyStore, Subject, read};
use crate::{DeliveryQuery, StoreError, Verdict, WebhookPatch};

/// The statuses of a webhook's deliveries, newest first.
async fn statuses(store: &AnyStore, team: TeamId, webhook: WebhookId) -> Vec<DeliveryStatus> {
    let query = DeliveryQuery { webhook: Some(webhook), ..read::every_delivery(9) };
    let rows = read::deliveries(store, team, query).await.unwrap();
    assert!(rows.iter().all(|row| row.next_attempt_at.is_some() != row.status.has_ended()));
    let cancelled = |row: &Delivery| row.status == DeliveryStatus::Cancelled;
    assert!(rows.iter().all(|row| row.cancel_reason.is_some() == cancelled(row)));
    rows.into_iter().map(|row| row.status).collect()
}

/// The reason of each that was cancelled, newest first.
async fn reasons(store: &AnyStore, team: TeamId, webhook: WebhookId) -> Vec<CancelReason> {
    let query = DeliveryQuery { webhook: Some(webhook), ..read::every_delivery(99) };
    let rows = read::deliveries(store, team, query).await.unwrap();
    rows.into_iter().filter_map(|row| row.cancel_reason).collect()
}

/// DLV-2: each that was cancelled says why for as long as it stays so, whatever becomes of its webhook later.
pub async fn what_was_cancelled_says_why(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    let patch = |enabled| WebhookPatch { enabled: Some(enabled), ..WebhookPatch::default() };
    let by_request = patch(Err(DisabledReason::ByRequest));
    given::one_event(&store, team, "ticket.created").await;
    store.update_webhook(team, webhook, by_request, None, at(1)).await.unwrap();
    store.update_webhook(team, webhook, patch(Ok(())), None, at(2)).await.unwrap();
    given::one_event(&store, team, "ticket.created").await;
    store.disable_webhook(webhook, None, DisabledReason::Gone, at(3)).await.unwrap();
    store.update_webhook(team, webhook, patch(Ok(())), None, at(4)).await.unwrap();
    given::one_event(&store, team, "ticket.created").await;
    store.delete_webhook(team, webhook, None, at(5)).await.unwrap();
    let all = [CancelReason::WebhookDeleted, CancelReason::EndpointGone, CancelReason::WebhookDisabled];
    assert_eq!(reasons(&store, team, webhook).await, all);
}

/// DLV-2: disabling, by a patch or by the sender, cancels what waits and leaves what ended; enabling revives nothing.
pub async fn disabling_cancels_what_waits(subject: impl Subject) {
    let store = subject.store();
    for by_patch in [true, false] {
        let (team, webhook, due) = given::one_delivery(&store).await;
        let other = given::webhook(&store, team, "*").await;
        recorded(&store, &due, Verdict::Delivered, at(1)).await;
        given::published(&store, team, &["ticket.created"; 2], at(2)).await;
        recorded(&store, &read::due(&store, webhook, at(2)).await[0], Verdict::RetryAt(at(60)), at(2)).await;
        let enabled = Some(Err(DisabledReason::Gone));
        if by_patch {
            let patch = WebhookPatch { enabled, ..WebhookPatch::default() };
            store.update_webhook(team, webhook, patch, None, at(3)).await.unwrap();
        } else {
            store.disable_webhook(webhook, None, DisabledReason::Gone, at(3)).await.unwrap();
        }
        let disabled = store.webhook(team, webhook).await.unwrap();
        assert_eq!(
            (disabled.status, disabled.disabled_reason),
            (WebhookStatus::Disabled, Some(DisabledReason::Gone))
        );
        assert_eq!((disabled.version, disabled.updated_at), (2, at(3)));
        let expected = [DeliveryStatus::Cancelled, DeliveryStatus::Cancelled, DeliveryStatus::Delivered];
        assert_eq!(statuses(&store, team, webhook).await, expected);
        let enable = WebhookPatch { enabled: Some(Ok(())), ..WebhookPatch::default() };
        store.update_webhook(team, webhook, enable, None, at(4)).await.unwrap();
        assert_eq!(statuses(&store, team, webhook).await, expected);
        assert!(read::due(&store, webhook, at(99)).await.is_empty());
        assert_eq!(read::due(&store, other, at(99)).await.len(), 2, "another lane was touched");
    }
    let unknown = store.disable_webhook(WebhookId::from_bits(7), None, DisabledReason::Gone, at(0)).await;
    assert_eq!(unknown, Err(StoreError::NotFound));
}

/// DLV-2: what an endpoint answered says nothing of the one that the webhook points to since.
pub async fn a_webhook_that_changed_is_not_disabled(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, _) = given::one_delivery(&store).await;
    let patch = WebhookPatch { url: Some("https://example.com/new".to_owned()), ..WebhookPatch::default() };
    store.update_webhook(team, webhook, patch, None, at(1)).await.unwrap();
    store.disable_webhook(webhook, Some(1), DisabledReason::Gone, at(2)).await.unwrap();
    assert_eq!(store.webhook(team, webhook).await.unwrap().status, WebhookStatus::Enabled);
    assert_eq!(read::due(&store, webhook, at(9)).await.len(), 1);
    store.disable_webhook(webhook, Some(2), DisabledReason::Gone, at(3)).await.unwrap();
    assert_eq!(store.webhook(team, webhook).await.unwrap().status, WebhookStatus::Disabled);
}

/// DLV-2: disabled or deleted while appends race, a webhook is left with nothing that waits.
pub async fn what_is_disabled_in_a_race_has_nothing_waiting(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    for delete in [false, true] {
        let webhook = given::webhook(&store, team, "*").await;
        let mut racing = JoinSet::new();
        for turn in 0..60 {
            let store = store.clone();
            racing.spawn(async move {
                match turn {
                    30 if delete => store.delete_webhook(team, webhook, None, at(1)).await.unwrap(),
                    30 => store.disable_webhook(webhook, None, DisabledReason::Gone, at(1)).await.unwrap(),
                    _ => drop(given::one_event(&store, team, "ticket.created").await),
                }
            });
        }
        soon(racing.join_all()).await;
        let query = DeliveryQuery { webhook: Some(webhook), ..read::every_delivery(9) };
        let rows = read::deliveries(&store, team, query).await.unwrap();
        assert!(
            rows.iter().all(|row| row.status == DeliveryStatus::Cancelled && row.next_attempt_at.is_none())
        );
        assert!(read::due(&store, webhook, at(99)).await.is_empty());
        assert_eq!(store.lanes().await, Ok(Vec::new()));
    }
}

/// DLV-2: a deleted webhook is gone, what waited for it is cancelled, and its deliveries stay in the logs.
pub async fn deleting_cancels_what_waits_and_keeps_the_logs(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    recorded(&store, &due, Verdict::Failed, at(1)).await;
    given::published(&store, team, &["ticket.created"], at(2)).await;
    store.delete_webhook(team, webhook, None, at(3)).await.unwrap();
    let gone = StoreError::NotFound;
    assert_eq!(store.webhook(team, webhook).await, Err(gone.clone()));
    assert_eq!(store.webhook_to_send(webhook).await.unwrap_err(), gone);
    assert_eq!(store.delete_webhook(team, webhook, None, at(4)).await, Err(gone.clone()));
    assert_eq!(store.disable_webhook(webhook, None, DisabledReason::Gone, at(4)).await, Err(gone.clone()));
    let patched = store.update_webhook(team, webhook, WebhookPatch::default(), None, at(4)).await;
    assert_eq!(patched, Err(gone));
    assert_eq!(store.webhooks(team, read::first(9)).await.unwrap().rows, []);
    assert_eq!(statuses(&store, team, webhook).await, [DeliveryStatus::Cancelled, DeliveryStatus::Failed]);
    assert_eq!(store.delivery(team, due.id).await.unwrap().1.len(), 1);
    assert!(read::due(&store, webhook, at(99)).await.is_empty());
    assert_eq!(store.lanes().await, Ok(Vec::new()));
}
