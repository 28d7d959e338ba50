//! Retention: what is old goes in slices, and nothing else does.

use cstar_types::{FailureRule, Timestamp, WebhookId};

use super::given::{self, at, keyed, new_event, publishing, recorded, remove_all_old};
use super::{AnyStore, Subject, read};
use crate::{Append, Cutoffs, FanOut, SliceLimit, StoreError, Verdict};

/// Long before everything.
const NEVER: Timestamp = at(-1_000_000);

const KEEP_ALL: Cutoffs = Cutoffs { events: NEVER, deliveries: NEVER, idempotency_keys: NEVER };

/// Events before the cutoff go, oldest first; `oldest` moves, and what is left is read without holes (LOG-2, T16).
pub async fn old_events_go_from_the_front(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let mut log = Vec::new();
    for second in 0..12 {
        log.extend(given::published(&store, team, &["ticket.created"], at(second)).await);
        given::published(&store, other, &["ticket.created"], at(second + 6)).await;
    }
    assert_eq!(store.remove_old(KEEP_ALL, 99).await, Ok(0));
    let cutoffs = Cutoffs { events: at(8), ..KEEP_ALL };
    assert_eq!(remove_all_old(&store, cutoffs, 3).await, 8 + 2);
    let ends = store.ends(team).await.unwrap();
    assert_eq!((ends.oldest, ends.head), (9, 12));
    for after in [0, 3, 8] {
        let limit = SliceLimit { entries: 2, bytes: 1 << 20 };
        let (rest, ends) = read::log_behind(&store, team, after, limit).await.unwrap();
        assert_eq!(ends.oldest, 9, "a gap is told");
        assert!(rest.iter().eq(log[8..].iter().map(|entry| &**entry)));
    }
    assert_eq!(store.event(team, log[7].event.id).await, Err(StoreError::NotFound));
    assert!(store.event(team, log[8].event.id).await.is_ok());
    for order in [crate::Order::Asc, crate::Order::Desc] {
        let rows = read::events(&store, team, read::every_event(order, 3)).await.unwrap();
        assert_eq!(rows.len(), 4);
    }
    assert_eq!(store.ends(other).await.unwrap().oldest, 3);
    assert_eq!(store.check().await, Ok(()));
}

/// LOG-2: a position is never given twice, though all before it was removed and the store opened again.
pub async fn positions_go_on_behind_what_was_removed(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    given::published(&store, team, &["ticket.created"; 5], at(0)).await;
    remove_all_old(&store, Cutoffs { events: at(99), ..KEEP_ALL }, 2).await;
    let ends = store.ends(team).await.unwrap();
    assert_eq!((ends.oldest, ends.head), (6, 5), "an empty log has oldest == head + 1");
    drop(store);
    let store = subject.reopened().await.store();
    assert_eq!(store.ends(team).await, Ok(ends));
    let next = given::one_event(&store, team, "ticket.created").await;
    assert_eq!(next.position.seq, 6);
    assert_eq!(read::log(&store, team).await.len(), 1);
}

/// DLV-2, DLV-3: an event with a delivery that has not ended stays, and those behind it, until it has ended.
pub async fn an_event_that_is_still_wanted_stays(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    given::published(&store, team, &["ticket.created"; 5], at(0)).await;
    let due = read::due(&store, webhook, at(0)).await;
    for (place, verdict) in [(0, Verdict::Delivered), (1, Verdict::Failed), (3, Verdict::Delivered)] {
        recorded(&store, &due[place], verdict, at(1)).await;
    }
    recorded(&store, &due[2], Verdict::RetryAt(at(60)), at(1)).await;
    let all = Cutoffs { events: at(99), deliveries: at(99), idempotency_keys: at(99) };
    remove_all_old(&store, all, 2).await;
    assert_eq!(store.ends(team).await.unwrap().oldest, 3, "the third waits for its retry");
    let waiting = read::due(&store, webhook, at(99)).await;
    assert_eq!(waiting.iter().map(|due| due.entry.position.seq).collect::<Vec<_>>(), [5, 3]);
    assert_eq!(waiting[1].entry, due[2].entry);
    for due in waiting {
        recorded(&store, &due, Verdict::Delivered, at(100)).await;
    }
    remove_all_old(&store, all, 2).await;
    assert_eq!(store.ends(team).await.unwrap().oldest, 6);
    assert_eq!(read::deliveries(&store, team, read::every_delivery(9)).await, Ok(Vec::new()));
}

/// Deliveries that have ended go by their own cutoff, with their attempts; those that wait stay however old.
pub async fn old_deliveries_go_once_they_have_ended(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    for second in 0..6 {
        given::published(&store, team, &["ticket.created"], at(second)).await;
    }
    let due = read::due(&store, webhook, at(9)).await;
    for ended in [0, 1, 3, 5] {
        recorded(&store, &due[ended], Verdict::Delivered, at(50)).await;
    }
    remove_all_old(&store, Cutoffs { deliveries: at(5), ..KEEP_ALL }, 1).await;
    let rows = read::deliveries(&store, team, read::every_delivery(9)).await.unwrap();
    let expected: Vec<_> = [5, 4, 2].map(|place: usize| due[place].id).to_vec();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), expected);
    for gone in [0, 1, 3] {
        let gone = due[gone].id;
        assert_eq!(store.delivery(team, gone).await.unwrap_err(), StoreError::NotFound);
        assert_eq!(store.resend(team, gone, at(99)).await, Err(StoreError::NotFound));
    }
    assert_eq!(store.delivery(team, due[5].id).await.unwrap().1.len(), 1);
    assert_eq!(store.ends(team).await.unwrap().oldest, 1, "events have a cutoff of their own");
    assert_eq!(read::due(&store, webhook, at(99)).await.len(), 2);
}

/// DLV-1: nothing that was removed is made again.
pub async fn a_removed_delivery_does_not_come_back(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    recorded(&store, &due, Verdict::Delivered, at(1)).await;
    remove_all_old(&store, Cutoffs { deliveries: at(9), ..KEEP_ALL }, 9).await;
    store.update_webhook(team, webhook, given::wanting("ticket.*"), None, at(9)).await.unwrap();
    let late = given::report(&due, Verdict::RetryAt(at(60)), at(10));
    assert_eq!(
        store.record([late].into(), FailureRule::NEVER).await,
        Ok(vec![cstar_types::DeliveryStatus::Cancelled])
    );
    assert_nothing_waits(&store, webhook).await;
}

async fn assert_nothing_waits(store: &AnyStore, webhook: WebhookId) {
    assert!(read::due(store, webhook, at(9999)).await.is_empty());
    assert_eq!(store.lanes().await, Ok(Vec::new()));
}

/// An idempotency key is remembered up to its cutoff, by the time of its first use.
pub async fn old_idempotency_keys_are_forgotten(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let append = |key: &str, second| {
        let events = vec![keyed(new_event(team, "ticket.created", "{}", at(second)), key)];
        Append { fan_out: FanOut::Nobody, ..publishing(team, events, at(second)) }
    };
    store.append(append("old", 0)).await.unwrap();
    store.append(append("young", 10)).await.unwrap();
    assert!(store.append(append("old", 20)).await.unwrap()[0].replayed, "nothing was removed yet");
    remove_all_old(&store, Cutoffs { idempotency_keys: at(10), ..KEEP_ALL }, 9).await;
    assert!(store.append(append("young", 21)).await.unwrap()[0].replayed);
    let again = store.append(append("old", 22)).await.unwrap();
    assert_eq!((again[0].replayed, again[0].entry.position.seq), (false, 3));
    assert_eq!(store.ends(team).await.unwrap().oldest, 1, "the events stay");
}
