//! Erasing what an event said: LOG-2, LOG-3, DLV-2.

use cstar_types::{CancelReason, DeliveryStatus, FailureRule, OperationId, OperationWork, Outcome, Patterns};
use uuid::Uuid;

use super::given::{self, at, keyed, new_event, publishing, recorded};
use super::{Subject, read};
use crate::{Change, NewOperation, Order, SliceLimit, StoreError, Verdict};

const SECRET: &str = r#"{"id":"1","name":"Ada"}"#;

/// LOG-2, LOG-3: an erased event keeps its place, its id, its type and its time, and says nothing more, wherever it is read, after
/// a restart too; a check takes it for no damage. Its neighbours are as they were, and a second time is as good as the first.
pub async fn an_erased_event_keeps_its_place(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let events = (0..3).map(|_| new_event(team, "ticket.created", SECRET, at(1))).collect();
    let stored = given::entries(store.append(publishing(team, events, at(1))).await.unwrap());
    let id = stored[1].event.id;
    let mut tail = store.tail(1 << 20);
    assert_eq!(store.erase(team, id).await, Ok(()));
    let told = read::told(&mut tail).await;
    assert!(matches!(&*told, Change::Erased { seq: 2, webhooks, .. } if webhooks.is_empty()), "{told:?}");
    assert_eq!(store.erase(team, id).await, Ok(()));
    let subject = subject.reopened().await;
    let store = subject.store();
    let log = read::log(&store, team).await;
    assert_eq!((&log[0], &log[2]), (&*stored[0], &*stored[2]));
    assert_eq!((log[1].position, &log[1].event), (stored[1].position, &stored[1].event.erased()));
    assert_eq!(log[1].event.data(), b"{}");
    assert_eq!(store.event(team, id).await.unwrap(), log[1]);
    let listed = read::events(&store, team, read::every_event(Order::Asc, 2)).await.unwrap();
    assert_eq!(listed, log);
    assert_eq!(store.check().await, Ok(()));
}

/// An erased event counts in a read's bound of bytes with what is read of it, not with what is stored of it.
pub async fn an_erased_event_counts_as_it_is_read(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let first = given::one_event(&store, team, "ticket.created").await;
    let second = given::one_event(&store, team, "ticket.created").await;
    store.erase(team, first.event.id).await.unwrap();
    store.erase(team, second.event.id).await.unwrap();
    let both = first.event.erased().body.len() + second.event.erased().body.len();
    for (bytes, read) in [(both - 1, 1), (both, 2)] {
        let slice = store.read(team, 0, SliceLimit { entries: 9, bytes }).await.unwrap();
        assert_eq!((slice.entries.len(), slice.ends.head), (read, 2), "{bytes} bytes");
    }
}

/// T24: an event that is not there, and another team's, are as unknown to it as to all other calls.
pub async fn what_is_not_there_is_not_erased(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let entry = given::one_event(&store, team, "ticket.created").await;
    assert_eq!(store.erase(other, entry.event.id).await, Err(StoreError::NotFound));
    let unknown = new_event(team, "ticket.created", "{}", at(0)).event.id;
    assert_eq!(store.erase(team, unknown).await, Err(StoreError::NotFound));
    assert_eq!(read::log(&store, team).await, [(*entry).clone()]);
}

/// DLV-2: what waits of it is cancelled with the cause, what has ended stays as it ended, and neither is sent again, by whatever
/// call. The tail is told whose lanes it concerns.
pub async fn an_erased_event_is_not_delivered(subject: impl Subject) {
    let store = subject.store();
    let (team, first, due) = given::one_delivery(&store).await;
    let event = due.entry.event.id;
    recorded(&store, &due, Verdict::Failed, at(1)).await;
    let second = given::webhook(&store, team, "*").await;
    let waiting = store.deliver(team, event, second, at(2)).await.unwrap();
    let late = given::webhook(&store, team, "*").await;
    let mut tail = store.tail(1 << 20);
    store.erase(team, event).await.unwrap();
    let told = read::told(&mut tail).await;
    assert!(matches!(&*told, Change::Erased { webhooks, .. } if *webhooks == [second]), "{told:?}");
    assert!(read::due(&store, second, at(99)).await.is_empty());
    assert_eq!(store.lanes().await, Ok(Vec::new()));
    let (row, _) = store.delivery(team, waiting.id).await.unwrap();
    assert_eq!((row.status, row.cancel_reason), (DeliveryStatus::Cancelled, Some(CancelReason::EventErased)));
    assert_eq!(store.delivery(team, due.id).await.unwrap().0.status, DeliveryStatus::Failed);

    let refused = Err(StoreError::Conflict("the event's data was erased"));
    for id in [waiting.id, due.id] {
        assert_eq!(store.resend(team, id, at(3)).await.map(drop), refused);
    }
    for webhook in [first, second, late] {
        assert_eq!(store.deliver(team, event, webhook, at(3)).await.map(drop), refused);
        let work = OperationWork::Recover { webhook, since: at(0), until: None };
        let id = OperationId::from_uuid(Uuid::now_v7());
        store.begin(NewOperation { id, team, work, visible: Patterns::all() }, at(4)).await.unwrap();
        while store.go_on(9, at(4)).await.unwrap() {}
        let ended = store.operation(team, id).await.unwrap();
        assert_eq!((ended.done, ended.ended_at.is_some()), (0, true));
    }
    store.disable_webhook(second, None, cstar_types::DisabledReason::Gone, at(5)).await.unwrap();
    let (row, _) = store.delivery(team, waiting.id).await.unwrap();
    assert_eq!(row.cancel_reason, Some(CancelReason::EventErased), "whatever becomes of its webhook");
    assert_eq!(store.check().await, Ok(()));
}

/// An endpoint may answer with what it was sent: that goes too, of attempts before and of one that was in flight, whose success
/// counts.
pub async fn what_was_answered_is_erased(subject: impl Subject) {
    let store = subject.store();
    let (team, _, due) = given::one_delivery(&store).await;
    recorded(&store, &due, Verdict::RetryAt(at(9)), at(1)).await;
    store.erase(team, due.entry.event.id).await.unwrap();
    let mut late = given::report(&due, Verdict::Delivered, at(2));
    late.attempt.number = 2;
    assert_eq!(store.record([late].into(), FailureRule::NEVER).await, Ok(vec![DeliveryStatus::Delivered]));
    let (row, attempts) = store.delivery(team, due.id).await.unwrap();
    assert_eq!((row.status, row.cancel_reason), (DeliveryStatus::Delivered, None));
    for (attempt, outcome) in attempts.iter().zip([Outcome::HttpStatus, Outcome::Success]) {
        assert!(attempt.response_headers.is_empty() && attempt.response_body.is_empty(), "{attempt:?}");
        assert_eq!((attempt.outcome, attempt.status_code.is_some()), (outcome, true), "the rest stays");
    }
    assert_eq!(attempts.len(), 2);
    assert_eq!(store.check().await, Ok(()));
}

/// A repeat with the same idempotency key finds the erased event, with what is left of it; with other data it is refused as before.
pub async fn a_repeat_finds_what_is_left(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let publish = async |data: &str| {
        let event = keyed(new_event(team, "ticket.created", data, at(1)), "key");
        store.append(publishing(team, vec![event], at(1))).await.map(|mut answers| answers.remove(0))
    };
    let first = publish(SECRET).await.unwrap().entry;
    store.erase(team, first.event.id).await.unwrap();
    let again = publish(SECRET).await.unwrap();
    assert!(again.replayed);
    assert_eq!((again.entry.position, &again.entry.event), (first.position, &first.event.erased()));
    assert_eq!(publish("{}").await.map(drop), Err(StoreError::IdempotencyKeyReused { index: 0 }));
}
