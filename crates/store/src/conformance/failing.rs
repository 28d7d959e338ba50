//! Webhooks that only fail: their failures are counted, and they are disabled for them.

use std::time::Duration;

use cstar_types::{
    CancelReason, DeliveryStatus, DisabledReason, FailureRule, TeamId, Timestamp, WebhookId, WebhookStatus,
};

use super::given::{self, at};
use super::{AnyStore, Subject, read};
use crate::{AttemptReport, Change, Cutoffs, Due, StoreError, Told, Verdict, WebhookPatch};

/// A minute and three attempts.
const RULE: FailureRule = FailureRule { after: Duration::from_secs(60), attempts: 3 };

const LATER: Verdict = Verdict::RetryAt(at(100_000));

/// A webhook, and so many deliveries that wait for it.
async fn waiting(store: &AnyStore, count: usize) -> (TeamId, WebhookId, Vec<Due>) {
    let team = given::team(store).await;
    let webhook = given::webhook(store, team, "*").await;
    given::published(store, team, &vec!["ticket.created"; count], at(0)).await;
    (team, webhook, read::due(store, webhook, at(0)).await)
}

async fn record(store: &AnyStore, reports: Vec<AttemptReport>) -> Vec<DeliveryStatus> {
    store.record(reports.into(), RULE).await.expect("results are recorded")
}

/// Records one attempt of each, a second apart from `from` on, in calls of their own.
async fn fail(store: &AnyStore, due: &[Due], from: i64) {
    for (one, second) in due.iter().zip(from..) {
        record(store, vec![given::report(one, LATER, at(second))]).await;
    }
}

/// Since when it fails, and why it is disabled.
async fn shown(
    store: &AnyStore,
    team: TeamId,
    webhook: WebhookId,
) -> (Option<Timestamp>, Option<DisabledReason>) {
    let webhook = store.webhook(team, webhook).await.expect("the webhook is there");
    assert_eq!(webhook.disabled_reason.is_some(), webhook.status == WebhookStatus::Disabled);
    (webhook.failing_since, webhook.disabled_reason)
}

/// A webhook shows its first failure since its last success, in lists too, and over a restart; who sends is not told.
pub async fn failures_are_counted_until_a_success(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = waiting(&store, 4).await;
    assert_eq!(shown(&store, team, webhook).await, (None, None));
    fail(&store, &due[..2], 5).await;
    assert_eq!(shown(&store, team, webhook).await, (Some(at(5)), None));
    let subject = subject.reopened().await;
    let store = subject.store();
    fail(&store, &due[2..3], 20).await;
    assert_eq!(shown(&store, team, webhook).await, (Some(at(5)), None));
    let listed = store.webhooks(team, read::first(9)).await.unwrap().rows;
    assert_eq!(listed[0].failing_since, Some(at(5)));
    assert_eq!(store.webhook_to_send(webhook).await.unwrap().0.failing_since, None);
    record(&store, vec![given::report(&due[3], Verdict::Delivered, at(30))]).await;
    assert_eq!(shown(&store, team, webhook).await, (None, None));
}

/// DLV-1, DLV-2: the attempt that fulfils the rule disables its webhook in the same commit. What waits is cancelled with the
/// cause, the answer says so, the tail is told, and no deliveries are made from then on. Others are left alone.
pub async fn a_webhook_that_only_fails_is_disabled(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = waiting(&store, 4).await;
    let other = given::webhook(&store, team, "*").await;
    fail(&store, &due[..3], 10).await;
    assert_eq!(shown(&store, team, webhook).await, (Some(at(10)), None), "not for long enough");
    let subject = subject.reopened().await;
    let store = subject.store();
    let mut tail = store.tail(1 << 20);
    let last = vec![given::report(&due[3], LATER, at(70)), given::report(&due[0], LATER, at(69))];
    assert_eq!(record(&store, last).await, [DeliveryStatus::Cancelled; 2]);
    assert_eq!(shown(&store, team, webhook).await, (Some(at(10)), Some(DisabledReason::Failing)));
    let Some(Told::Change(told)) = given::soon(tail.next()).await else { panic!("the tail is told") };
    assert!(matches!(*told, Change::WebhookChanged(id) if id == webhook), "{told:?}");
    for row in read::deliveries(&store, team, read::every_delivery(9)).await.unwrap() {
        assert_eq!(row.status, DeliveryStatus::Cancelled);
        assert_eq!(row.cancel_reason, Some(CancelReason::EndpointFailing));
    }
    assert_eq!(store.webhook(team, webhook).await.unwrap().updated_at, at(70));
    given::one_event(&store, team, "ticket.created").await;
    assert!(read::due(&store, webhook, at(100_000)).await.is_empty());
    assert_eq!(read::due(&store, other, at(100_000)).await.len(), 1);
}

/// Both of the rule's numbers must be reached; and a webhook that somebody disabled keeps that reason.
pub async fn too_few_failures_disable_nothing(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = waiting(&store, 2).await;
    fail(&store, &due[..1], 0).await;
    fail(&store, &due[1..], 99_999).await;
    assert_eq!(shown(&store, team, webhook).await, (Some(at(0)), None));
    store.disable_webhook(webhook, None, DisabledReason::ByRequest, at(99_999)).await.unwrap();
    let late = vec![given::report(&due[0], LATER, at(100_000))];
    assert_eq!(record(&store, late).await, [DeliveryStatus::Cancelled]);
    assert_eq!(shown(&store, team, webhook).await, (Some(at(0)), Some(DisabledReason::ByRequest)));
}

/// A success among results that are recorded together counts, whether it stands before the failure that would disable or
/// behind it.
pub async fn a_success_in_the_same_group_counts(subject: impl Subject) {
    let store = subject.store();
    for success_first in [true, false] {
        let (team, webhook, due) = waiting(&store, 4).await;
        fail(&store, &due[..2], 0).await;
        let failure = given::report(&due[2], LATER, at(90));
        let success = given::report(&due[3], Verdict::Delivered, at(89));
        let (reports, expected) = if success_first {
            (vec![success, failure], [DeliveryStatus::Delivered, DeliveryStatus::Retrying])
        } else {
            (vec![failure, success], [DeliveryStatus::Retrying, DeliveryStatus::Delivered])
        };
        assert_eq!(record(&store, reports).await, expected);
        let since = success_first.then_some(at(90));
        assert_eq!(shown(&store, team, webhook).await, (since, None));
    }
}

/// Enabling it again starts the count anew, and so does another URL; enabling what is enabled, or another name, does not.
pub async fn a_change_of_place_begins_anew(subject: impl Subject) {
    let store = subject.store();
    let none = WebhookPatch::default;
    let enable = || WebhookPatch { enabled: Some(Ok(())), ..none() };
    let url = |url: &str| WebhookPatch { url: Some(url.to_owned()), ..none() };
    let (team, webhook, due) = waiting(&store, 4).await;
    let update = async |patch| store.update_webhook(team, webhook, patch, None, at(9)).await.unwrap();
    fail(&store, &due[..2], 0).await;
    let same = store.webhook(team, webhook).await.unwrap().url;
    for patch in [enable(), url(&same), WebhookPatch { description: Some("x".to_owned()), ..none() }] {
        assert_eq!(update(patch).await.failing_since, Some(at(0)));
    }
    assert_eq!(update(url("https://example.com/elsewhere")).await.failing_since, None);
    fail(&store, &due[2..3], 70).await;
    assert_eq!(
        shown(&store, team, webhook).await,
        (Some(at(70)), None),
        "two of the failures were another's"
    );

    fail(&store, &due[..2], 200).await;
    assert_eq!(shown(&store, team, webhook).await, (Some(at(70)), Some(DisabledReason::Failing)));
    assert_eq!(update(enable()).await.failing_since, None);
    given::published(&store, team, &["ticket.created"], at(300)).await;
    fail(&store, &read::due(&store, webhook, at(300)).await, 300).await;
    assert_eq!(shown(&store, team, webhook).await, (Some(at(300)), None));
}

/// An attempt that ends after its webhook was deleted changes nothing; and nothing of a webhook that went, alone or with its
/// team, is left to one that a store numbers as it later.
pub async fn failures_go_with_their_webhook(subject: impl Subject) {
    let store = subject.store();
    for with_team in [false, true] {
        let (team, webhook, due) = waiting(&store, 3).await;
        if with_team {
            fail(&store, &due, 100).await;
            store.delete_team(team, None).await.unwrap();
        } else {
            store.delete_webhook(team, webhook, None, at(1)).await.unwrap();
            fail(&store, &due, 100).await;
        }
        assert_eq!(store.webhook(team, webhook).await, Err(StoreError::NotFound));
        let cutoffs = Cutoffs { events: at(500), deliveries: at(500), idempotency_keys: at(500) };
        given::remove_all_old(&store, cutoffs, 100).await;
        let (team, webhook, due) = waiting(&store, 1).await;
        assert_eq!(shown(&store, team, webhook).await, (None, None), "with its team: {with_team}");
        record(&store, vec![given::report(&due[0], Verdict::Delivered, at(1))]).await;
        store.delete_team(team, None).await.unwrap();
        given::remove_all_old(&store, cutoffs, 100).await;
    }
}
