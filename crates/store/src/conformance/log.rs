//! Appending and reading: LOG-1, LOG-2, LOG-3.

use std::collections::BTreeMap;

use cstar_types::limits::ENVELOPE_CEILING_BYTES;
use cstar_types::{Event, EventId, TeamId};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::given::{self, at, publishing, soon};
use super::{Subject, read};
use crate::{NewEvent, SliceLimit, StoreError};

/// LOG-2: positions count 1, 2, 3 … for each team, however the appends of teams are mixed.
pub async fn positions_count_from_1_for_each_team(subject: impl Subject) {
    let store = subject.store();
    let teams = [given::team(&store).await, given::team(&store).await, given::team(&store).await];
    let mut heads = BTreeMap::<TeamId, u64>::new();
    for (turn, size) in [1, 3, 1, 5, 2, 1, 1, 4, 2].into_iter().enumerate() {
        let team = teams[turn * 7 % 3];
        let entries = given::published(&store, team, &vec!["ticket.created"; size], at(0)).await;
        for entry in entries {
            let head = heads.entry(team).or_default();
            *head += 1;
            assert_eq!(entry.position.seq, *head, "LOG-2: a hole or a repeat");
        }
    }
    for team in teams {
        let ends = store.ends(team).await.unwrap();
        assert_eq!((ends.oldest, ends.head), (1, heads[&team]));
        assert!(ends.epoch >= 1);
        assert_eq!(read::log(&store, team).await.len() as u64, heads[&team]);
    }
}

/// An id names one event, whatever its team and whether it is a test event: nothing of a publish that gives it to
/// another is stored.
pub async fn an_event_id_is_given_once(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let with_id = |team, id, data: &str| {
        let event = Event::new(id, given::event_type("ticket.closed"), team, at(1), data.as_bytes());
        NewEvent { event, idempotency_key: None }
    };
    let first = given::keyed(given::new_event(team, "ticket.created", "{}", at(0)), "key");
    let id = first.event.id;
    store.append(publishing(team, vec![first.clone()], at(0))).await.unwrap();
    let as_test = EventId::from_bits(id.bits(), true);
    let new = given::new_event(team, "ticket.closed", "{}", at(1));
    for (of, events) in [
        (team, vec![new.clone(), with_id(team, id, r#"{"other":1}"#)]),
        (other, vec![with_id(other, id, "{}")]),
        (team, vec![with_id(team, as_test, "{}")]),
        (team, vec![new.clone(), new]),
    ] {
        let refused = store.append(publishing(of, events, at(1))).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    let repeated = store.append(publishing(team, vec![first], at(2))).await.unwrap();
    assert!(repeated[0].replayed, "a repeat brings nothing new");
    assert_eq!(read::log(&store, team).await.len(), 1);
    assert_eq!(store.ends(other).await.unwrap().head, 0);
}

/// LOG-2: appends that race leave no hole, and the events of one stand together, in order.
pub async fn racing_appends_leave_no_hole(subject: impl Subject) {
    const APPENDS: usize = 60;
    const EVENTS: usize = 3;
    let store = subject.store();
    let teams = [given::team(&store).await, given::team(&store).await];
    let mut racing = JoinSet::new();
    for turn in 0..APPENDS {
        let (store, team) = (store.clone(), teams[turn % teams.len()]);
        racing.spawn(async move { given::published(&store, team, &["ticket.created"; EVENTS], at(0)).await });
    }
    while let Some(entries) = soon(racing.join_next()).await {
        let entries = entries.expect("no append panics");
        let first = entries[0].position.seq;
        let seqs: Vec<u64> = entries.iter().map(|entry| entry.position.seq).collect();
        assert_eq!(seqs, (first..first + EVENTS as u64).collect::<Vec<_>>());
    }
    for team in teams {
        let log = read::log(&store, team).await; // which looks for holes
        assert_eq!(log.len(), APPENDS * EVENTS / teams.len());
    }
}

/// LOG-2: who has read n never sees something new at or below n, read as often as you like.
pub async fn who_has_read_n_sees_only_what_is_behind_it(subject: impl Subject) {
    const EVENTS: u64 = 40;
    let store = subject.store();
    let team = given::team(&store).await;
    let mut racing = JoinSet::new();
    for _ in 0..EVENTS {
        let store = store.clone();
        racing.spawn(async move { given::one_event(&store, team, "ticket.created").await });
    }
    let mut seen = Vec::new();
    soon(async {
        while seen.len() < EVENTS as usize {
            let limit = SliceLimit { entries: 3, bytes: 1 << 20 };
            for entry in store.read(team, seen.len() as u64, limit).await.unwrap().entries {
                assert_eq!(entry.position.seq, seen.len() as u64 + 1, "LOG-2: a hole or a repeat");
                seen.push(entry);
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    soon(racing.join_all()).await;
    assert_eq!(read::log(&store, team).await, seen);
}

/// If the caller stops waiting the append may still happen, and leaves no hole and no half either way (LOG-2, DLV-1).
pub async fn an_append_that_nobody_awaits_is_whole_or_nothing(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    for _ in 0..20 {
        let abandoned = given::published(&store, team, &["ticket.created"; 3], at(0));
        tokio::select! {
            biased;
            _ = abandoned => {}
            () = std::future::ready(()) => {}
        }
        given::one_event(&store, team, "boss.spawned").await;
    }
    let log = read::log(&store, team).await; // which looks for holes
    let tickets = log.iter().filter(|entry| entry.event.event_type == given::event_type("ticket.created"));
    assert_eq!(tickets.count() % 3, 0, "half an append is stored");
    let due = read::due(&store, webhook, at(0)).await;
    assert!(due.iter().map(|due| &*due.entry).eq(&log), "DLV-1");
}

/// LOG-1, LOG-3: what was answered is found byte for byte in every way of reading, after a restart too.
pub async fn what_was_answered_is_read_byte_for_byte(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let answered = given::entries(store.append(publishing(team, odd_events(team), at(7))).await.unwrap());
    for (entry, sent) in answered.iter().zip(odd_events(team)) {
        assert_eq!(entry.event.data(), sent.event.data());
        assert_eq!(entry.event.id.is_test(), sent.event.id.is_test());
    }
    drop(store);
    let store = subject.reopened().await.store();
    let expected: Vec<_> = answered.iter().map(|entry| (**entry).clone()).collect();
    assert_eq!(read::log(&store, team).await, expected);
    assert_eq!(read::events(&store, team, read::every_event(crate::Order::Asc, 2)).await.unwrap(), expected);
    for entry in expected {
        assert_eq!(store.event(team, entry.event.id).await.unwrap(), entry);
    }
    assert_eq!(store.check().await, Ok(()));
}

/// Bodies that a careless store would change: empty, long, beyond ASCII, with all escapes; and a test event.
fn odd_events(team: TeamId) -> Vec<NewEvent> {
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(ENVELOPE_CEILING_BYTES - 300));
    let data = ["{}", r#"{"text":"žluťoučký 🐎 \u0000\u001f\"\\ '; --"}"#, &long, r#"{"1":1e+21,"a":null}"#];
    let event = |data: &&str| given::new_event(team, "ticket.message_added", data, at(7));
    let mut events: Vec<NewEvent> = data.iter().map(event).collect();
    let id = EventId::from_uuid(Uuid::now_v7(), true);
    let test = Event::new(id, given::event_type("ticket.created"), team, at(7), b"{}");
    events.push(NewEvent { event: test, idempotency_key: None });
    events
}

/// LOG-1, LOG-2: after a restart positions go on where they were.
pub async fn positions_go_on_after_a_restart(mut subject: impl Subject) {
    let team = given::team(&subject.store()).await;
    for seq in 1..=4 {
        let entry = given::one_event(&subject.store(), team, "ticket.created").await;
        assert_eq!(entry.position.seq, seq);
        subject = subject.reopened().await;
    }
    assert_eq!(read::log(&subject.store(), team).await.len(), 4);
}

/// A team that is not there has no log.
pub async fn an_unknown_team_is_not_found(subject: impl Subject) {
    let store = subject.store();
    let team = given::new_team("never stored").id;
    let event = given::new_event(team, "ticket.created", "{}", at(0));
    let id = event.event.id;
    assert_eq!(store.append(publishing(team, vec![event], at(0))).await, Err(StoreError::NotFound));
    assert_eq!(store.ends(team).await, Err(StoreError::NotFound));
    let limit = SliceLimit { entries: 1, bytes: 1 };
    assert_eq!(store.read(team, 0, limit).await.unwrap_err(), StoreError::NotFound);
    assert_eq!(store.event(team, id).await, Err(StoreError::NotFound));
    let list = store.events(team, read::every_event(crate::Order::Desc, 1)).await;
    assert_eq!(list, Err(StoreError::NotFound));
}

/// An empty log has `oldest == head + 1`, and nothing to read.
pub async fn an_empty_log_has_ends_too(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let ends = store.ends(team).await.unwrap();
    assert_eq!((ends.oldest, ends.head), (1, 0));
    let slice = store.read(team, 0, SliceLimit { entries: 9, bytes: 9 }).await.unwrap();
    assert!(slice.entries.is_empty());
    assert_eq!(slice.ends, ends);
    assert_eq!(store.append(publishing(team, Vec::new(), at(0))).await, Ok(Vec::new()));
    assert_eq!(store.ends(team).await, Ok(ends));
}

/// A read ends at the first bound reached, brings at least one entry if there is one, and says where the ends are.
pub async fn a_read_keeps_its_limits(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let all = given::published(&store, team, &["ticket.created"; 9], at(0)).await;
    let body = all[0].event.body.len();
    let cases = [
        (0, 9, usize::MAX, 1..=9),
        (0, 4, usize::MAX, 1..=4),
        (4, 4, usize::MAX, 5..=8),
        (8, 4, usize::MAX, 9..=9),
        (0, 9, body * 3, 1..=3),
        (0, 9, body * 3 + body - 1, 1..=3),
        (0, 2, body * 3, 1..=2),
        (6, 9, 1, 7..=7),
    ];
    for (after, entries, bytes, expected) in cases {
        let slice = store.read(team, after, SliceLimit { entries, bytes }).await.unwrap();
        let seqs: Vec<u64> = slice.entries.iter().map(|entry| entry.position.seq).collect();
        assert_eq!(seqs, expected.collect::<Vec<_>>(), "after {after}, {entries} entries, {bytes} bytes");
        assert_eq!((slice.ends.oldest, slice.ends.head), (1, 9));
    }
    for beyond in [9, 10, i64::MAX as u64, u64::MAX] {
        let slice = store.read(team, beyond, SliceLimit { entries: 9, bytes: 1 << 20 }).await.unwrap();
        assert!(slice.entries.is_empty(), "nothing is after {beyond}");
        assert_eq!(slice.ends.head, 9);
    }
}
