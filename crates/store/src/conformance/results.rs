//! Results of attempts: DLV-2, DLV-3, T8.

use cstar_types::{
    Attempt, DeliveryId, DeliveryStatus, DisabledReason, FailureRule, Outcome, TeamId, WebhookId,
};

use super::given::{self, at, only_due, recorded};
use super::{AnyStore, Subject, read};
use crate::{AttemptReport, Due, Verdict};

/// A success ends a delivery `delivered`; nothing is due any more.
pub async fn a_success_ends_a_delivery(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    assert_eq!(recorded(&store, &due, Verdict::Delivered, at(1)).await, DeliveryStatus::Delivered);
    assert!(read::due(&store, webhook, at(9999)).await.is_empty());
    assert_eq!(store.lanes().await, Ok(Vec::new()));
    let (delivery, _) = store.delivery(team, due.id).await.unwrap();
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Delivered, 1));
    assert_eq!(delivery.next_attempt_at, None);
}

/// A failure with retries left is due again at the time told, with the same id (T8, DLV-3); the last ends it `failed`.
pub async fn a_failure_is_due_again_until_it_is_the_last(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    for failed in 1..=3 {
        let (now, next) = (at(i64::from(failed) * 100), at(i64::from(failed) * 100 + 60));
        let waiting = only_due(&store, webhook).await;
        assert_eq!((waiting.id, waiting.attempts, waiting.failed), (due.id, failed - 1, failed - 1));
        let verdict = Verdict::RetryAt(next);
        assert_eq!(recorded(&store, &waiting, verdict, now).await, DeliveryStatus::Retrying);
        let slice = store.due(webhook, now, 9).await.unwrap();
        assert_eq!((slice.due, slice.next), (Vec::new(), Some(next)));
        let (delivery, _) = store.delivery(team, due.id).await.unwrap();
        assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Retrying, failed));
        assert_eq!(delivery.next_attempt_at, Some(next));
    }
    let waiting = only_due(&store, webhook).await;
    assert_eq!(recorded(&store, &waiting, Verdict::Failed, at(999)).await, DeliveryStatus::Failed);
    assert_eq!(store.lanes().await, Ok(Vec::new()));
    let (delivery, _) = store.delivery(team, due.id).await.unwrap();
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Failed, 4));
    assert_eq!(delivery.next_attempt_at, None);
}

/// DLV-3: who starts nothing any more still records what is on its way, and what waits is there for whoever comes.
pub async fn what_is_on_its_way_is_recorded_after_the_rest_was_left(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, first) = given::one_delivery(&store).await;
    given::one_event(&store, team, "ticket.created").await;
    let second = read::due(&store, webhook, at(9)).await.remove(1);
    store.leave(&[first.id]).await.unwrap();
    assert_eq!(recorded(&store, &first, Verdict::Delivered, at(1)).await, DeliveryStatus::Delivered);
    given::one_event(&store, team, "ticket.created").await;
    drop(store);
    let subject = subject.reopened().await;
    let due = read::due(&subject.store(), webhook, at(9)).await;
    assert_eq!(due.iter().map(|due| due.entry.position.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(due[0].id, second.id);
}

/// W54: each attempt is read as it was reported, the last one in short in lists, after a restart too.
pub async fn attempts_are_read_as_they_were_reported(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    let mut reported: Vec<Attempt> = Vec::new();
    for (number, outcome) in (1..).zip(Outcome::ALL.into_iter().rev()) {
        let success = outcome == Outcome::Success;
        let verdict = if success { Verdict::Delivered } else { Verdict::RetryAt(at(0)) };
        let attempt = given::attempt(number, outcome, at(i64::from(number)));
        reported.push(attempt.clone());
        let failed_before = number - 1;
        let report = AttemptReport { delivery: due.id, webhook, failed_before, attempt, verdict };
        store.record([report].into(), FailureRule::NEVER).await.unwrap();
    }
    drop(store);
    let store = subject.reopened().await.store();
    let (delivery, attempts) = store.delivery(team, due.id).await.unwrap();
    assert_eq!(attempts, reported);
    let (last, listed) = (reported.last().unwrap(), delivery.last_attempt.clone().unwrap());
    assert_eq!((listed.number, listed.started_at), (last.number, last.started_at));
    assert_eq!((listed.duration_ms, listed.outcome), (last.duration_ms, last.outcome));
    assert_eq!((listed.status_code, &listed.detail), (last.status_code, &last.detail));
    let rows = read::deliveries(&store, team, read::every_delivery(9)).await.unwrap();
    assert_eq!(rows, [delivery]);
}

/// One call records many, and answers how each stands, in order; one that is unknown answers `cancelled`.
pub async fn many_results_are_answered_in_order(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    given::published(&store, team, &["ticket.created"; 4], at(0)).await;
    let due = read::due(&store, webhook, at(0)).await;
    let unknown = Due { id: DeliveryId::from_bits(7), ..due[0].clone() };
    let verdicts = [
        (&due[2], Verdict::Failed, DeliveryStatus::Failed),
        (&unknown, Verdict::Delivered, DeliveryStatus::Cancelled),
        (&due[0], Verdict::Delivered, DeliveryStatus::Delivered),
        (&due[3], Verdict::RetryAt(at(60)), DeliveryStatus::Retrying),
    ];
    let reports = verdicts.iter().map(|(due, verdict, _)| given::report(due, *verdict, at(1))).collect();
    assert_eq!(
        store.record(reports, FailureRule::NEVER).await.unwrap(),
        verdicts.map(|(_, _, status)| status)
    );
    let slice = store.due(webhook, at(1), 9).await.unwrap();
    assert_eq!(slice.due, [due[1].clone()]);
    assert_eq!(slice.next, Some(at(60)));
    assert_eq!(store.record([].into(), FailureRule::NEVER).await, Ok(Vec::new()));
    let rows = read::deliveries(&store, team, read::every_delivery(9)).await.unwrap();
    assert_eq!(rows.len(), 4, "a report of something unknown made a delivery");
}

/// Ends a delivery in one way, while another attempt of it is still under way.
async fn ended(store: &AnyStore, how: DeliveryStatus) -> (TeamId, WebhookId, Due) {
    let (team, webhook, mut due) = given::one_delivery(store).await;
    match how {
        DeliveryStatus::Cancelled => {
            store.disable_webhook(webhook, None, DisabledReason::Gone, at(1)).await.unwrap();
        }
        DeliveryStatus::Failed => drop(recorded(store, &due, Verdict::Failed, at(1)).await),
        _ => drop(recorded(store, &due, Verdict::Delivered, at(1)).await),
    }
    let (delivery, _) = store.delivery(team, due.id).await.unwrap();
    assert_eq!(delivery.status, how);
    due.attempts = delivery.attempts;
    (team, webhook, due)
}

const ENDS: [DeliveryStatus; 3] =
    [DeliveryStatus::Delivered, DeliveryStatus::Failed, DeliveryStatus::Cancelled];

/// DLV-2: a success that comes late still ends it `delivered`, whatever came before.
pub async fn a_late_success_counts(subject: impl Subject) {
    let store = subject.store();
    for how in ENDS {
        let (team, _, due) = ended(&store, how).await;
        let status = recorded(&store, &due, Verdict::Delivered, at(2)).await;
        assert_eq!(status, DeliveryStatus::Delivered, "a success after {how}");
        assert_stands(&store, team, &due, DeliveryStatus::Delivered).await;
    }
}

/// DLV-2: a failure that comes late leaves it as it ended, and makes nothing due; its attempt is on record.
pub async fn a_late_failure_changes_no_end(subject: impl Subject) {
    let store = subject.store();
    for how in ENDS {
        for verdict in [Verdict::RetryAt(at(60)), Verdict::Failed] {
            let (team, _, due) = ended(&store, how).await;
            assert_eq!(recorded(&store, &due, verdict, at(2)).await, how, "{verdict:?} after {how}");
            assert_stands(&store, team, &due, how).await;
        }
    }
    assert_eq!(store.lanes().await, Ok(Vec::new()));
}

async fn assert_stands(store: &AnyStore, team: TeamId, due: &Due, status: DeliveryStatus) {
    let (delivery, attempts) = store.delivery(team, due.id).await.unwrap();
    assert_eq!((delivery.status, delivery.next_attempt_at), (status, None));
    assert_eq!((delivery.attempts, attempts.len()), (due.attempts + 1, due.attempts as usize + 1));
}

/// DLV-3: what was not recorded is due again after a restart, as the same delivery; what was recorded is not.
pub async fn after_a_restart_the_unrecorded_is_due_again(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    given::published(&store, team, &["ticket.created"; 3], at(0)).await;
    let due = read::due(&store, webhook, at(0)).await;
    recorded(&store, &due[0], Verdict::Delivered, at(1)).await;
    recorded(&store, &due[1], Verdict::RetryAt(at(60)), at(1)).await;
    drop(store);
    let store = subject.reopened().await.store();
    let again = read::due(&store, webhook, at(60)).await;
    let retried = Due { attempts: 1, failed: 1, due_at: at(60), ..due[1].clone() };
    assert_eq!(again, [due[2].clone(), retried]);
    assert_eq!(store.lanes().await, Ok(vec![(webhook, at(0))]));
}
