//! Resends: an ended delivery reopened, T8.

use cstar_types::{DeliveryId, DeliveryStatus, DisabledReason};

use super::given::{self, at, only_due, recorded};
use super::{Subject, read};
use crate::{ATTEMPTS_MAX, Cutoffs, Due, StoreError, Verdict};

/// T8: the same delivery is due now with a new schedule, and attempt numbers go on.
pub async fn a_resend_begins_a_schedule_and_goes_on_counting(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, first) = given::one_delivery(&store).await;
    recorded(&store, &first, Verdict::RetryAt(at(60)), at(1)).await;
    recorded(&store, &only_due(&store, webhook).await, Verdict::Failed, at(60)).await;
    for (round, end) in [(1, Verdict::Delivered), (2, Verdict::Failed), (3, Verdict::Delivered)] {
        let now = at(1000 * i64::from(round));
        let resent = store.resend(team, first.id, now).await.unwrap();
        assert_eq!((resent.id, resent.status), (first.id, DeliveryStatus::Pending));
        assert_eq!((resent.created_at, resent.next_attempt_at), (at(0), Some(now)));
        assert_eq!(store.delivery(team, first.id).await.unwrap().0, resent);
        let due = only_due(&store, webhook).await;
        assert_eq!((due.id, due.due_at, due.failed), (first.id, now, 0));
        assert_eq!((due.attempts, resent.attempts), (2 * round, 2 * round));
        assert_eq!(due.entry, first.entry, "LOG-3: a resend carries the same bytes");
        recorded(&store, &due, Verdict::RetryAt(now), now).await;
        let due = only_due(&store, webhook).await;
        assert_eq!((due.attempts, due.failed), (2 * round + 1, 1));
        recorded(&store, &due, end, now).await;
    }
    let (_, attempts) = store.delivery(team, first.id).await.unwrap();
    let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
}

/// What was cancelled can be resent once its webhook is enabled again.
pub async fn a_cancelled_delivery_can_be_resent(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, first) = given::one_delivery(&store).await;
    store.disable_webhook(webhook, None, DisabledReason::ByRequest, at(1)).await.unwrap();
    assert!(matches!(store.resend(team, first.id, at(2)).await, Err(StoreError::Conflict(_))));
    let enable = crate::WebhookPatch { enabled: Some(Ok(())), ..crate::WebhookPatch::default() };
    store.update_webhook(team, webhook, enable, None, at(3)).await.unwrap();
    store.resend(team, first.id, at(4)).await.unwrap();
    assert_eq!(only_due(&store, webhook).await.id, first.id);
}

/// T8: an attempt that was under way when its delivery was resent is on record, and its failure ends nothing: it belongs to
/// the schedule before. Its success counts.
pub async fn a_late_failure_leaves_a_resent_delivery_alone(subject: impl Subject) {
    let store = subject.store();
    for verdict in [Verdict::Failed, Verdict::RetryAt(at(5000))] {
        let (team, webhook, first) = given::one_delivery(&store).await;
        recorded(&store, &first, Verdict::RetryAt(at(60)), at(1)).await;
        let under_way = only_due(&store, webhook).await;
        recorded(&store, &under_way, Verdict::Failed, at(60)).await;
        store.resend(team, first.id, at(100)).await.unwrap();
        let status = recorded(&store, &Due { attempts: 2, ..under_way.clone() }, verdict, at(101)).await;
        assert_eq!(status, DeliveryStatus::Pending, "{verdict:?}");
        let due = only_due(&store, webhook).await;
        assert_eq!((due.due_at, due.failed, due.attempts), (at(100), 0, 3));
        assert_eq!(store.delivery(team, first.id).await.unwrap().1.len(), 3);
        let late = recorded(&store, &Due { attempts: 3, ..under_way }, Verdict::Delivered, at(102)).await;
        assert_eq!(late, DeliveryStatus::Delivered);
    }
}

/// `Conflict` once a delivery has as many attempts as one may have: they are read together.
pub async fn a_delivery_has_so_many_attempts(subject: impl Subject) {
    let store = subject.store();
    let (team, _, first) = given::one_delivery(&store).await;
    let before_the_last = Due { attempts: ATTEMPTS_MAX - 2, ..first.clone() };
    recorded(&store, &before_the_last, Verdict::Failed, at(1)).await;
    store.resend(team, first.id, at(2)).await.unwrap();
    let the_last = Due { attempts: ATTEMPTS_MAX - 1, ..first.clone() };
    recorded(&store, &the_last, Verdict::Failed, at(3)).await;
    assert!(matches!(store.resend(team, first.id, at(4)).await, Err(StoreError::Conflict(_))));
    assert_eq!(store.delivery(team, first.id).await.unwrap().0.status, DeliveryStatus::Failed);
}

/// `Conflict` while it has not ended, and a refused resend changes nothing.
pub async fn what_has_not_ended_is_not_resent(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    assert!(matches!(store.resend(team, due.id, at(1)).await, Err(StoreError::Conflict(_))));
    recorded(&store, &due, Verdict::RetryAt(at(60)), at(2)).await;
    assert!(matches!(store.resend(team, due.id, at(3)).await, Err(StoreError::Conflict(_))));
    let waiting = only_due(&store, webhook).await;
    assert_eq!((waiting.failed, waiting.due_at), (1, at(60)));
}

/// `NotFound` if the delivery, its webhook or its event is gone, or another team's (T24).
pub async fn what_is_gone_is_not_resent(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    let other = given::team(&store).await;
    recorded(&store, &due, Verdict::Delivered, at(1)).await;
    let gone = Err(StoreError::NotFound);
    assert_eq!(store.resend(team, DeliveryId::from_bits(7), at(2)).await, gone);
    assert_eq!(store.resend(other, due.id, at(2)).await, gone, "T24");
    assert!(read::due(&store, webhook, at(99)).await.is_empty());
    store.delete_webhook(team, webhook, None, at(3)).await.unwrap();
    assert_eq!(store.resend(team, due.id, at(4)).await, gone, "its webhook is gone");

    let (team, webhook, due) = given::one_delivery(&store).await;
    recorded(&store, &due, Verdict::Delivered, at(1)).await;
    let cutoffs = Cutoffs { events: at(9), deliveries: at(0), idempotency_keys: at(9) };
    given::remove_all_old(&store, cutoffs, 100).await;
    assert_eq!(store.event(team, due.entry.event.id).await, Err(StoreError::NotFound));
    assert!(store.delivery(team, due.id).await.is_ok(), "the delivery outlives its event");
    assert_eq!(store.resend(team, due.id, at(10)).await, gone, "its event is gone");
    assert!(read::due(&store, webhook, at(99)).await.is_empty());
}

/// DLV-1: an event that is kept goes to a webhook that did not want it, or was not there yet, by a call that says so; it is a
/// delivery like any other from then on.
pub async fn an_event_is_delivered_to_who_did_not_get_it(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let entry = given::one_event(&store, team, "ticket.created").await;
    let webhook = given::webhook(&store, team, "boss.*").await;
    let made = store.deliver(team, entry.event.id, webhook, at(50)).await.unwrap();
    assert_eq!((made.event, made.webhook, made.status), (entry.event.id, webhook, DeliveryStatus::Pending));
    assert_eq!((made.attempts, made.created_at, made.next_attempt_at), (0, at(50), Some(at(50))));
    assert_eq!(store.delivery(team, made.id).await.unwrap(), (made.clone(), Vec::new()));
    let due = only_due(&store, webhook).await;
    assert_eq!((due.id, due.due_at, due.attempts, due.failed), (made.id, at(50), 0, 0));
    assert_eq!(due.entry, entry, "LOG-3: it carries the same bytes");
    assert_eq!(recorded(&store, &due, Verdict::Delivered, at(51)).await, DeliveryStatus::Delivered);

    let store = subject.reopened().await.store();
    let later = given::published(&store, team, &["boss.spawned"], at(20)).await.remove(0);
    let rows = read::deliveries(&store, team, read::every_delivery(9)).await.unwrap();
    let events: Vec<_> = rows.iter().map(|row| (row.event, row.created_at)).collect();
    assert_eq!(events, [(later.event.id, at(50)), (entry.event.id, at(50))], "times of a team do not fall");
}

/// T8: a webhook that got the event gets it again under the same delivery; `Conflict` while it waits.
pub async fn a_known_delivery_is_reopened(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, first) = given::one_delivery(&store).await;
    let event = first.entry.event.id;
    assert!(matches!(store.deliver(team, event, webhook, at(1)).await, Err(StoreError::Conflict(_))));
    recorded(&store, &first, Verdict::Failed, at(2)).await;
    let again = store.deliver(team, event, webhook, at(3)).await.unwrap();
    assert_eq!((again.id, again.attempts, again.next_attempt_at), (first.id, 1, Some(at(3))));
    assert_eq!(only_due(&store, webhook).await.id, first.id);
    assert_eq!(read::receivers(&store, team, event).await, [webhook], "T8: one for each event and webhook");
    let made = given::webhook(&store, team, "boss.*").await;
    let other = store.deliver(team, event, made, at(4)).await.unwrap();
    assert_ne!(other.id, first.id);
    assert!(matches!(store.deliver(team, event, made, at(5)).await, Err(StoreError::Conflict(_))));
}

/// `NotFound` if the event or the webhook is gone or another team's (T24), `Conflict` if the webhook is disabled; nothing is
/// made then.
pub async fn what_is_gone_or_disabled_is_not_delivered_to(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let webhook = given::webhook(&store, team, "boss.*").await;
    let theirs = given::webhook(&store, other, "*").await;
    let event = given::one_event(&store, team, "ticket.created").await.event.id;
    let gone = Err(StoreError::NotFound);
    let unknown = cstar_types::EventId::from_bits(7, false);
    assert_eq!(store.deliver(team, unknown, webhook, at(1)).await, gone);
    assert_eq!(store.deliver(team, event, theirs, at(1)).await, gone, "T24");
    assert_eq!(store.deliver(other, event, theirs, at(1)).await, gone, "T24");
    store.disable_webhook(webhook, None, DisabledReason::ByRequest, at(2)).await.unwrap();
    assert!(matches!(store.deliver(team, event, webhook, at(3)).await, Err(StoreError::Conflict(_))));
    store.delete_webhook(team, webhook, None, at(4)).await.unwrap();
    assert_eq!(store.deliver(team, event, webhook, at(5)).await, gone, "the webhook is gone");
    assert_eq!(read::receivers(&store, team, event).await, []);

    let late = given::webhook(&store, team, "*").await;
    let cutoffs = Cutoffs { events: at(9), deliveries: at(0), idempotency_keys: at(0) };
    given::remove_all_old(&store, cutoffs, 100).await;
    assert_eq!(store.deliver(team, event, late, at(10)).await, gone, "the event is gone");
    assert!(read::due(&store, late, at(99)).await.is_empty());
}
