//! Recoveries: what a webhook did not get is made pending.

use cstar_types::{
    DeliveryStatus, DisabledReason, EventId, OperationFailure, OperationStatus, OperationWork, TeamId,
    Timestamp, WebhookId,
};

use super::given::{self, at, recorded};
use super::operations::{done, finish, new_operation};
use super::{AnyStore, Subject, read};
use crate::{Append, FanOut, NewOperation, Verdict, WebhookPatch};

fn recovering(team: TeamId, webhook: WebhookId, since: Timestamp, until: Option<Timestamp>) -> NewOperation {
    new_operation(team, OperationWork::Recover { webhook, since, until })
}

async fn enable(store: &AnyStore, team: TeamId, webhook: WebhookId, now: Timestamp) {
    let enable = WebhookPatch { enabled: Some(Ok(())), ..WebhookPatch::default() };
    store.update_webhook(team, webhook, enable, None, now).await.expect("a webhook is enabled");
}

async fn waiting(store: &AnyStore, webhook: WebhookId) -> Vec<EventId> {
    read::due(store, webhook, at(9999)).await.iter().map(|due| due.entry.event.id).collect()
}

/// DLV-1: what failed or was cancelled waits again, and each event that was missed while the webhook was disabled gets the one
/// delivery that it would have had; what was delivered or waits is left alone. A second recovery finds nothing.
pub async fn what_a_webhook_missed_is_made_pending(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let (webhook, other) =
        (given::webhook(&store, team, "ticket.*").await, given::webhook(&store, team, "*").await);
    let names = ["ticket.created", "ticket.closed", "ticket.updated"];
    let [delivered, failed, cancelled]: [_; 3] =
        given::published(&store, team, &names, at(0)).await.try_into().unwrap();
    let due = read::due(&store, webhook, at(0)).await;
    recorded(&store, &due[0], Verdict::Delivered, at(1)).await;
    recorded(&store, &due[1], Verdict::Failed, at(1)).await;
    store.disable_webhook(webhook, None, DisabledReason::ByRequest, at(2)).await.unwrap();
    let missed = given::published(&store, team, &["ticket.created", "boss.spawned"], at(3)).await;
    enable(&store, team, webhook, at(4)).await;
    let fresh = given::published(&store, team, &["ticket.closed"], at(5)).await;
    let before = waiting(&store, other).await;

    let ended = done(&store, recovering(team, webhook, at(0), None), at(10)).await;
    assert_eq!((ended.status, ended.done, ended.skipped), (OperationStatus::Done, 3, 0));
    let expected = [fresh[0].event.id, failed.event.id, cancelled.event.id, missed[0].event.id];
    assert_eq!(waiting(&store, webhook).await, expected);
    let made = read::delivery_of(&store, team, missed[0].event.id, webhook).await;
    assert_eq!((made.created_at, made.next_attempt_at, made.attempts), (at(10), Some(at(10)), 0));
    let kept = read::delivery_of(&store, team, delivered.event.id, webhook).await;
    assert_eq!(kept.status, DeliveryStatus::Delivered);
    assert_eq!(waiting(&store, other).await, before, "the other webhook is left alone");

    let again = done(&store, recovering(team, webhook, at(0), None), at(11)).await;
    assert_eq!((again.done, again.skipped), (0, 0));
    assert_eq!(waiting(&store, webhook).await, expected);
    store.check().await.unwrap();
}

/// Its range is of commit times, and ends with what was committed when it began.
pub async fn a_recovery_keeps_to_its_range(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "boss.*").await;
    let mut events = Vec::new();
    for second in [0, 10, 20, 30] {
        events.extend(given::published(&store, team, &["ticket.created"], at(second)).await);
    }
    store.update_webhook(team, webhook, given::wanting("*"), None, at(31)).await.unwrap();
    let ended = done(&store, recovering(team, webhook, at(10), Some(at(30))), at(40)).await;
    assert_eq!((ended.done, ended.skipped), (2, 0));
    assert_eq!(waiting(&store, webhook).await, [events[1].event.id, events[2].event.id]);

    store.update_webhook(team, webhook, given::wanting("boss.*"), None, at(41)).await.unwrap();
    let begun = store.begin(recovering(team, webhook, at(0), None), at(50)).await.unwrap();
    given::published(&store, team, &["ticket.closed"], at(51)).await;
    store.update_webhook(team, webhook, given::wanting("*"), None, at(52)).await.unwrap();
    finish(&store, 2, at(53)).await;
    assert_eq!(store.operation(team, begun.id).await.unwrap().done, 2, "the first and the fourth");
    assert_eq!(waiting(&store, webhook).await.len(), 4);
}

/// What its publisher kept from webhooks stays so, test events stay where they went (T20), and nothing goes out that the
/// maker does not see (SEC-2).
pub async fn a_recovery_brings_nothing_that_was_kept_away(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    given::published(&store, team, &["boss.spawned"], at(0)).await;
    recorded(&store, &given::only_due(&store, webhook).await, Verdict::Failed, at(1)).await;
    let kept_away = vec![given::new_event(team, "ticket.created", "{}", at(2))];
    let append = Append { fan_out: FanOut::Nobody, ..given::publishing(team, kept_away, at(2)) };
    store.append(append).await.unwrap();
    store.disable_webhook(webhook, None, DisabledReason::ByRequest, at(3)).await.unwrap();
    let mut test = given::new_event(team, "ticket.created", "{}", at(4));
    test.event.id = EventId::from_bits(test.event.id.bits(), true);
    store.append(given::publishing(team, vec![test], at(4))).await.unwrap();
    given::published(&store, team, &["boss.defeated"], at(5)).await;
    enable(&store, team, webhook, at(6)).await;
    let cut = NewOperation { visible: given::list("ticket.*"), ..recovering(team, webhook, at(0), None) };
    let ended = done(&store, cut, at(10)).await;
    assert_eq!((ended.done, ended.skipped), (0, 0));
    assert_eq!(waiting(&store, webhook).await, []);
    let ended = done(&store, recovering(team, webhook, at(0), None), at(11)).await;
    assert_eq!((ended.done, ended.skipped), (2, 0), "the two bosses");
}

/// A webhook that is disabled or deleted meanwhile ends it, and says so; what was done stays.
pub async fn a_recovery_of_a_webhook_that_goes_fails(subject: impl Subject) {
    let store = subject.store();
    for deleted in [false, true] {
        let team = given::team(&store).await;
        let webhook = given::webhook(&store, team, "boss.*").await;
        given::published(&store, team, &["ticket.created"; 4], at(0)).await;
        store.update_webhook(team, webhook, given::wanting("*"), None, at(1)).await.unwrap();
        let begun = store.begin(recovering(team, webhook, at(0), None), at(2)).await.unwrap();
        assert!(store.go_on(3, at(3)).await.unwrap());
        if deleted {
            store.delete_webhook(team, webhook, None, at(4)).await.unwrap();
        } else {
            store.disable_webhook(webhook, None, DisabledReason::ByRequest, at(4)).await.unwrap();
        }
        finish(&store, 3, at(5)).await;
        let ended = store.operation(team, begun.id).await.unwrap();
        let why = if deleted { OperationFailure::WebhookDeleted } else { OperationFailure::WebhookDisabled };
        assert_eq!((ended.status, ended.failure), (OperationStatus::Failed, Some(why)));
        assert_eq!((ended.done, ended.ended_at), (3, Some(at(5))));
    }
}

/// LOG-1, T8: a restart in the middle neither repeats nor leaves out an event.
pub async fn a_recovery_outlives_a_restart(subject: impl Subject) {
    const COUNT: usize = 50;
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "boss.*").await;
    given::published(&store, team, &["ticket.created"; COUNT], at(0)).await;
    store.update_webhook(team, webhook, given::wanting("*"), None, at(1)).await.unwrap();
    let begun = store.begin(recovering(team, webhook, at(0), None), at(2)).await.unwrap();
    for second in [3, 4] {
        assert!(store.go_on(9, at(second)).await.unwrap());
    }
    assert_eq!(store.operation(team, begun.id).await.unwrap().done, 18);
    drop(store);
    let subject = subject.reopened().await;
    let store = subject.store();
    finish(&store, 9, at(5)).await;
    assert_eq!(store.operation(team, begun.id).await.unwrap().done, COUNT as u64);
    let mut events = waiting(&store, webhook).await;
    events.sort();
    events.dedup();
    assert_eq!(events.len(), COUNT);
    assert_eq!(read::deliveries(&store, team, read::every_delivery(50)).await.unwrap().len(), COUNT);
    store.check().await.unwrap();
}
