//! The tail: told after the sync, in the order of commits.

use std::collections::BTreeMap;

use cstar_types::{DisabledReason, TeamId};
use tokio::task::JoinSet;

use super::given::{self, at, keyed, new_event, publishing, recorded, soon};
use super::{Subject, read};
use crate::{Append, Change, FanOut, Rotation, SecretText, Verdict};

/// Room for everything that a rule commits.
const BUDGET_BYTES: usize = 16 << 20;

/// LOG-1: what is told can be read already, with what it brings along: the entries, and the deliveries as they are due.
pub async fn what_is_told_is_stored(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "ticket.*").await;
    let mut tail = store.tail(BUDGET_BYTES);
    let publishing = {
        let store = store.clone();
        tokio::spawn(async move {
            given::published(&store, team, &["ticket.created", "boss.spawned", "ticket.closed"], at(3)).await
        })
    };
    let change = read::told(&mut tail).await;
    let Change::Appended { team: of, entries, deliveries } = &*change else { panic!("{change:?}") };
    let log = read::log(&store, team).await;
    assert_eq!(*of, team);
    assert!(entries.iter().map(|entry| &**entry).eq(&log), "told before it could be read");
    assert_eq!(*deliveries, read::due(&store, webhook, at(3)).await);
    assert_eq!(deliveries.iter().map(|due| due.entry.position.seq).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(soon(publishing).await.unwrap(), *entries);
}

/// Each kind of change is told, in the order of commits, and what commits nothing tells nothing.
pub async fn changes_are_told_in_the_order_of_commits(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    let key = given::key(&store, team).await;
    let mut tail = store.tail(BUDGET_BYTES);
    let mut expected = Vec::new();
    let made = given::webhook(&store, team, "boss.*").await;
    expected.push(format!("webhook {made}"));
    recorded(&store, &due, Verdict::Failed, at(1)).await;
    store.resend(team, due.id, at(2)).await.unwrap();
    expected.push(format!("reopened {} {webhook}", due.id));
    store.resend(team, due.id, at(2)).await.expect_err("it has not ended");
    let alone = store.deliver(team, due.entry.event.id, made, at(2)).await.unwrap();
    expected.push(format!("reopened {} {made}", alone.id));
    store.update_webhook(team, made, given::wanting("*"), None, at(3)).await.unwrap();
    expected.push(format!("webhook {made}"));
    store.update_webhook(team, made, given::wanting("*"), Some(9), at(3)).await.expect_err("it changed");
    store.end_overlap(team, made, None, at(3)).await.expect("there is none");
    let rotation = Rotation { secret: SecretText::new("whsec_new".to_owned()), overlap_until: Some(at(9)) };
    store.rotate_secret(team, made, rotation.clone(), None, at(3)).await.unwrap();
    expected.push(format!("webhook {made}"));
    store.rotate_secret(team, made, rotation, None, at(3)).await.expect_err("it has this one");
    store.end_overlap(team, made, None, at(3)).await.unwrap();
    expected.push(format!("webhook {made}"));
    let entry = given::one_event(&store, team, "boss.spawned").await;
    expected.push(format!("appended {} with 2", entry.position));
    store.disable_webhook(webhook, None, DisabledReason::Gone, at(4)).await.unwrap();
    expected.push(format!("webhook {webhook}"));
    let events = vec![new_event(team, "boss.spawned", "{}", at(5))];
    store.append(Append { fan_out: FanOut::Nobody, ..publishing(team, events, at(5)) }).await.unwrap();
    expected.push("appended 1.3 with 0".to_owned());
    store.revoke_key(team, key, at(6)).await.unwrap();
    expected.push(format!("key {key}"));
    store.delete_webhook(team, made, None, at(7)).await.unwrap();
    expected.push(format!("webhook {made}"));
    store.delete_team(team, None).await.unwrap();
    expected.push(format!("team {team}"));
    store.close().await;
    let mut told = Vec::new();
    while let Some(next) = soon(tail.next()).await {
        let crate::Told::Change(change) = next else { panic!("the budget is wide enough") };
        told.push(in_words(&change));
    }
    assert_eq!(told, expected);
}

fn in_words(change: &Change) -> String {
    match change {
        Change::Appended { entries, deliveries, .. } => {
            let positions: Vec<String> = entries.iter().map(|entry| entry.position.to_string()).collect();
            format!("appended {} with {}", positions.join(" "), deliveries.len())
        }
        Change::Reopened { delivery, webhook } => format!("reopened {delivery} {webhook}"),
        Change::Due(webhook) => format!("due {webhook:?}"),
        Change::WebhookChanged(webhook) => format!("webhook {webhook}"),
        Change::Erased { team, seq, webhooks } => format!("erased {seq} of {team} for {}", webhooks.len()),
        Change::KeyRevoked(key) => format!("key {key}"),
        Change::TeamDeleted(team) => format!("team {team}"),
    }
}

/// LOG-2: for each team the tail tells every entry once, in order, however appends race; refused ones are not told.
pub async fn every_entry_is_told_once_and_in_order(subject: impl Subject) {
    const APPENDS: usize = 60;
    let store = subject.store();
    let teams = [given::team(&store).await, given::team(&store).await];
    for team in teams {
        given::webhook(&store, team, "ticket.*").await;
    }
    let mut tail = store.tail(BUDGET_BYTES);
    let mut racing = JoinSet::new();
    for turn in 0..APPENDS {
        let (store, team) = (store.clone(), teams[turn % 2]);
        racing.spawn(async move {
            let event = |data: &str, key: &str| keyed(new_event(team, "ticket.created", data, at(0)), key);
            let (one, two) = (format!("{turn}-1"), format!("{turn}-2"));
            let taken = publishing(team, vec![event("{}", &one), event("{}", &two)], at(0));
            store.append(taken.clone()).await.unwrap();
            store.append(taken).await.unwrap();
            let reused = publishing(team, vec![event(r#"{"a":1}"#, &one)], at(0));
            store.append(reused).await.unwrap_err();
        });
    }
    soon(racing.join_all()).await;
    let mut heads = BTreeMap::<TeamId, u64>::new();
    while heads.values().sum::<u64>() < 2 * APPENDS as u64 {
        let change = read::told(&mut tail).await;
        let Change::Appended { team, entries, deliveries } = &*change else { panic!("{change:?}") };
        assert!(entries.iter().eq(deliveries.iter().map(|due| &due.entry)), "DLV-1");
        for entry in entries {
            let head = heads.entry(*team).or_default();
            *head += 1;
            assert_eq!((entry.position.seq, entry.event.team), (*head, *team), "LOG-2");
        }
    }
    assert!(tail.try_next().is_none(), "a repeat or a refused append was told");
}

/// A reader is told what is committed from now on, nothing before; the end comes when the store closes.
pub async fn a_reader_is_told_from_now_on_to_the_end(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    given::one_event(&store, team, "ticket.created").await;
    let mut early = store.tail(BUDGET_BYTES);
    let first = given::one_event(&store, team, "ticket.created").await;
    read::told(&mut early).await;
    let mut late = store.tail(BUDGET_BYTES);
    let second = given::one_event(&store, team, "ticket.created").await;
    assert_eq!((first.position.seq, second.position.seq), (2, 3));
    for reader in [&mut early, &mut late] {
        assert_eq!(in_words(&*read::told(reader).await), "appended 1.3 with 0");
    }
    store.close().await;
    assert!(soon(early.next()).await.is_none());
    assert!(soon(late.next()).await.is_none());
}
