//! Idempotency keys: a repeat finds the first event.

use cstar_types::{Event, EventId};
use tokio::task::JoinSet;

use super::given::{self, at, keyed, new_event, publishing, soon};
use super::{Subject, read};
use crate::{Append, Change, FanOut, StoreError};

/// A repeat with the same key, type and data finds the first event: no position, no delivery, nothing told.
pub async fn a_repeat_finds_the_first_event(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    let event = |second| keyed(new_event(team, "ticket.created", r#"{"id":"1"}"#, at(second)), "order-1");
    let first = store.append(publishing(team, vec![event(0)], at(0))).await.unwrap();
    assert!(!first[0].replayed);
    let mut tail = store.tail(1 << 20);
    let again = store.append(publishing(team, vec![event(9)], at(9))).await.unwrap();
    assert_eq!((&again[0].entry, again[0].replayed), (&first[0].entry, true));
    let next = given::one_event(&store, team, "ticket.closed").await;
    assert_eq!(next.position.seq, 2, "the repeat took no position");
    assert_eq!(read::log(&store, team).await.len(), 2);
    assert_eq!(read::due(&store, webhook, at(99)).await.len(), 2, "the repeat made no delivery");
    match &*read::told(&mut tail).await {
        Change::Appended { entries, .. } => assert_eq!(*entries, [next], "the repeat was told"),
        other => panic!("{other:?}"),
    }
}

/// LOG-1: the first event is still found after a restart.
pub async fn a_repeat_after_a_restart_finds_the_first_event(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let event = || vec![keyed(new_event(team, "ticket.created", r#"{"id":"1"}"#, at(0)), "order-1")];
    let first = store.append(publishing(team, event(), at(0))).await.unwrap();
    drop(store);
    let store = subject.reopened().await.store();
    let again = store.append(publishing(team, event(), at(1))).await.unwrap();
    assert_eq!((&again[0].entry, again[0].replayed), (&first[0].entry, true));
}

/// The same key with another type or other data is refused, with the place in the batch, and nothing is stored.
pub async fn a_key_used_for_something_else_is_refused(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let event = |name: &str, data: &str| new_event(team, name, data, at(0));
    let first = keyed(event("ticket.created", r#"{"id":"1"}"#), "k");
    store.append(publishing(team, vec![first], at(0))).await.unwrap();
    for other in [event("ticket.created", r#"{"id":"2"}"#), event("ticket.closed", r#"{"id":"1"}"#)] {
        let batch =
            vec![event("boss.spawned", "{}"), keyed(event("boss.spawned", "{}"), "new"), keyed(other, "k")];
        let answer = store.append(publishing(team, batch, at(1))).await;
        assert_eq!(answer, Err(StoreError::IdempotencyKeyReused { index: 2 }));
    }
    assert_eq!(store.ends(team).await.unwrap().head, 1, "a refused batch left something");
    let fresh = keyed(event("ticket.closed", "{}"), "new");
    let answer = store.append(publishing(team, vec![fresh], at(2))).await.unwrap();
    assert!(!answer[0].replayed, "a refused batch left its key");
    assert_eq!(answer[0].entry.position.seq, 2, "a refused batch took positions");
}

/// T20: a test, or an event that no webhook gets or one alone, is another event than the real one with the same type and data, and a
/// repeat of each finds itself. The real one would be lost if it were taken for a repeat.
pub async fn a_test_never_stands_for_the_real_event(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    let other = given::webhook(&store, team, "boss.*").await;
    let publish = async |key: &str, test: bool, fan_out: FanOut| {
        let mut new = keyed(new_event(team, "ticket.created", r#"{"id":"1"}"#, at(0)), key);
        let event = new.event;
        let id = EventId::from_bits(event.id.bits(), test);
        new.event = Event::new(id, event.event_type.clone(), team, at(0), event.data());
        store.append(Append { fan_out, ..publishing(team, vec![new], at(0)) }).await
    };
    let reused = Err(StoreError::IdempotencyKeyReused { index: 0 });
    let (all, quiet, only) = (FanOut::Matching, FanOut::Nobody, FanOut::Only(webhook));
    for (key, test, fan_out) in [("test", true, all), ("quiet", false, quiet), ("only", false, only)] {
        publish(key, test, fan_out).await.unwrap();
        assert_eq!(publish(key, false, all).await, reused, "{key}");
        assert!(publish(key, test, fan_out).await.unwrap()[0].replayed, "{key}");
    }
    assert_eq!(publish("only", false, FanOut::Only(other)).await, reused);
    publish("real", false, all).await.unwrap();
    assert_eq!(publish("real", true, all).await, reused);
    assert_eq!(publish("real", false, quiet).await, reused);
    assert_eq!(publish("real", false, only).await, reused);
    assert_eq!(store.ends(team).await.unwrap().head, 4);
    assert_eq!(
        read::due(&store, webhook, at(99)).await.len(),
        3,
        "the test, the one for it alone and the real one"
    );
}

/// Within one batch a key works as between two.
pub async fn a_key_twice_in_one_batch_is_one_event(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let event = |data: &str, key: &str| keyed(new_event(team, "ticket.created", data, at(0)), key);
    let batch = vec![event(r#"{"a":1}"#, "k"), event("{}", "other"), event(r#"{"a":1}"#, "k")];
    let answer = store.append(publishing(team, batch, at(0))).await.unwrap();
    assert_eq!(answer.iter().map(|one| one.replayed).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(answer[0].entry, answer[2].entry);
    assert_eq!(store.ends(team).await.unwrap().head, 2);
    let batch = vec![event(r#"{"a":1}"#, "l"), event(r#"{"a":2}"#, "l")];
    let answer = store.append(publishing(team, batch, at(0))).await;
    assert_eq!(answer, Err(StoreError::IdempotencyKeyReused { index: 1 }));
    assert_eq!(store.ends(team).await.unwrap().head, 2);
}

/// T24: a key of one team means nothing to another.
pub async fn keys_belong_to_their_team(subject: impl Subject) {
    let store = subject.store();
    for data in ["{}", r#"{"a":1}"#] {
        let team = given::team(&store).await;
        let event = keyed(new_event(team, "ticket.created", data, at(0)), "k");
        let answer = store.append(publishing(team, vec![event], at(0))).await.unwrap();
        assert!(!answer[0].replayed);
        assert_eq!(answer[0].entry.event.team, team);
    }
}

/// A hundred at once with one key are one event, and all hear of the same.
pub async fn a_key_raced_by_a_hundred_is_one_event(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    let mut racing = JoinSet::new();
    for second in 0..100 {
        let store = store.clone();
        let event = keyed(new_event(team, "ticket.created", r#"{"id":"1"}"#, at(second)), "order-1");
        racing.spawn(async move { store.append(publishing(team, vec![event], at(second))).await });
    }
    let answers: Vec<_> =
        soon(racing.join_all()).await.into_iter().map(|answer| answer.unwrap().remove(0)).collect();
    assert_eq!(answers.iter().filter(|one| !one.replayed).count(), 1);
    assert!(answers.iter().all(|one| one.entry == answers[0].entry));
    assert_eq!(read::log(&store, team).await.len(), 1);
    assert_eq!(read::due(&store, webhook, at(999)).await.len(), 1);
}

/// Only what was stored whole is a repeat; whoever asks changes nothing.
pub async fn a_repeat_is_told_without_an_append(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let one = |data: &str, key: &str, second| keyed(new_event(team, "ticket.created", data, at(second)), key);
    let both =
        |second| publishing(team, vec![one("{}", "a", second), one(r#"{"a":1}"#, "b", second)], at(second));
    assert_eq!(store.repeated(both(0)).await, Ok(None));
    let first = store.append(both(1)).await.unwrap();
    let repeated = store.repeated(both(2)).await.unwrap().expect("both are stored");
    assert!(repeated.iter().all(|one| one.replayed));
    assert!(repeated.iter().map(|one| &one.entry).eq(first.iter().map(|one| &one.entry)));

    for other in [one("{}", "c", 3), new_event(team, "ticket.created", "{}", at(3))] {
        let in_part = publishing(team, vec![one("{}", "a", 3), other], at(3));
        assert_eq!(store.repeated(in_part).await, Ok(None));
    }
    let twice = publishing(team, vec![one("{}", "d", 3), one("{}", "d", 3)], at(3));
    assert_eq!(store.repeated(twice).await, Ok(None), "a repeat of what is new itself");
    let quiet = Append { fan_out: FanOut::Nobody, ..both(3) };
    assert_eq!(store.repeated(quiet).await, Err(StoreError::IdempotencyKeyReused { index: 0 }));
    let other = given::team(&store).await;
    let elsewhere = keyed(new_event(other, "ticket.created", "{}", at(3)), "a");
    assert_eq!(store.repeated(publishing(other, vec![elsewhere], at(3))).await, Ok(None));
    assert_eq!(store.ends(team).await.unwrap().head, 2);
}
