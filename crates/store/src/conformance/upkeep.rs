//! Health, counts and the end.

use cstar_types::{DisabledReason, FailureRule, Histogram, TeamId};
use tokio::task::JoinSet;

use super::given::{self, at, keyed, new_event, publishing, recorded, soon};
use super::{Subject, read};
use crate::{Append, Cutoffs, Health, Rotation, SecretText, StoreError, Verdict, WebhookPatch};

/// A store is ready, and not poisoned, until it is closed.
pub async fn a_store_is_ready_until_it_closes(subject: impl Subject) {
    let store = subject.store();
    assert_eq!(store.health(), Health::Ready);
    let (_, _, due) = given::one_delivery(&store).await;
    recorded(&store, &due, Verdict::Failed, at(1)).await;
    assert_eq!(store.health(), Health::Ready);
    assert_eq!(store.check().await, Ok(()));
    tokio::select! {
        biased;
        () = store.poisoned() => panic!("no write has failed"),
        () = std::future::ready(()) => {}
    }
    store.close().await;
    assert_eq!(store.health(), Health::ShuttingDown);
    soon(store.close()).await;
}

/// A closed store takes nothing new, of any kind.
pub async fn a_closed_store_takes_nothing(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    let key = given::key(&store, team).await;
    let old = given::team(&store).await;
    given::one_event(&store, old, "ticket.created").await; // something that could be removed
    store.close().await;
    let closed = StoreError::ShuttingDown;
    assert_eq!(store.append(one_publish(team, 0)).await, Err(closed.clone()));
    assert_eq!(store.create_team(given::new_team("late")).await, Err(closed.clone()));
    assert_eq!(store.rename_team(team, "late".to_owned(), None).await, Err(closed.clone()));
    assert_eq!(store.delete_team(team, None).await, Err(closed.clone()));
    let (late, digest) = given::new_key(team);
    assert_eq!(store.create_key(late, digest).await, Err(closed.clone()));
    assert_eq!(store.revoke_key(team, key, at(1)).await, Err(closed.clone()));
    let made = store.create_webhook(given::new_webhook(team, "*"), given::secret(), 9).await;
    assert_eq!(made, Err(closed.clone()));
    let patched = store.update_webhook(team, webhook, WebhookPatch::default(), None, at(1)).await;
    assert_eq!(patched, Err(closed.clone()));
    assert_eq!(store.delete_webhook(team, webhook, None, at(1)).await, Err(closed.clone()));
    let rotation = Rotation { secret: SecretText::new("whsec_late".to_owned()), overlap_until: None };
    let rotated = store.rotate_secret(team, webhook, rotation, None, at(1)).await;
    assert_eq!(rotated, Err(closed.clone()));
    assert_eq!(store.end_overlap(team, webhook, None, at(1)).await, Err(closed.clone()));
    assert_eq!(store.disable_webhook(webhook, None, DisabledReason::Gone, at(1)).await, Err(closed.clone()));
    assert_eq!(store.resend(team, due.id, at(1)).await, Err(closed.clone()));
    let report = given::report(&due, Verdict::Delivered, at(1));
    assert_eq!(store.record([report].into(), FailureRule::NEVER).await, Err(closed.clone()));
    let cutoffs = Cutoffs { events: at(9), deliveries: at(9), idempotency_keys: at(9) };
    assert_eq!(store.remove_old(cutoffs, 9).await, Err(closed));
    drop(store);
    let store = subject.reopened().await.store();
    assert_eq!(read::log(&store, team).await.len(), 1);
}

fn one_publish(team: TeamId, turn: usize) -> Append {
    let event = keyed(new_event(team, "ticket.created", "{}", at(0)), &format!("publish {turn}"));
    publishing(team, vec![event], at(0))
}

/// LOG-1: what was handed over before the close is answered, and what was answered `Ok` is there after a restart.
pub async fn closing_finishes_what_was_handed_over(subject: impl Subject) {
    const APPENDS: usize = 80;
    let store = subject.store();
    let team = given::team(&store).await;
    let mut racing = JoinSet::new();
    for turn in 0..APPENDS {
        let store = store.clone();
        racing.spawn(async move { store.append(one_publish(team, turn)).await });
    }
    let mut answers = vec![soon(racing.join_next()).await.expect("many are under way").unwrap()];
    soon(store.close()).await;
    answers.extend(soon(racing.join_all()).await);
    let mut answered = Vec::new();
    for answer in answers {
        match answer {
            Ok(appended) => answered.extend(given::entries(appended)),
            Err(error) => assert_eq!(error, StoreError::ShuttingDown),
        }
    }
    drop(store);
    let store = subject.reopened().await.store();
    let log = read::log(&store, team).await;
    answered.sort_by_key(|entry| entry.position);
    assert!(
        log.iter().eq(answered.iter().map(|entry| &**entry)),
        "LOG-1: answered and lost, or refused and stored"
    );
}

/// Counts since the start: events, deliveries and attempts, each once; refused and repeated ones not at all.
pub async fn what_was_done_is_counted(subject: impl Subject) {
    let store = subject.store();
    assert_eq!((store.counts().events, store.counts().deliveries, store.counts().attempts), (0, 0, 0));
    let team = given::team(&store).await;
    let first = given::webhook(&store, team, "*").await;
    given::webhook(&store, team, "ticket.*").await;
    let commits = store.counts().commits;
    given::published(&store, team, &["ticket.created", "boss.spawned"], at(0)).await;
    store.append(one_publish(team, 0)).await.unwrap();
    store.append(one_publish(team, 0)).await.unwrap();
    for due in read::due(&store, first, at(0)).await {
        recorded(&store, &due, Verdict::RetryAt(at(60)), at(1)).await;
    }
    let counts = store.counts();
    assert_eq!((counts.events, counts.deliveries, counts.attempts), (3, 5, 3));
    assert!(counts.commits > commits);
    assert_eq!(counts.waiting, 0);
    let sizes = store.commit_sizes();
    let (commits, events): (Vec<u64>, u64) = (counted(&sizes.events), sizes.events.sum());
    assert_eq!((commits, events), (vec![1, 1], 3), "a commit of one event, and one of two");
    assert_eq!((counted(&sizes.deliveries).iter().sum::<u64>(), sizes.deliveries.sum()), (2, 5));
}

/// The counts of a histogram's buckets, up to the last that has any.
fn counted(histogram: &Histogram) -> Vec<u64> {
    let mut counts: Vec<u64> = histogram.buckets().map(|(_, count)| count).collect();
    while counts.pop_if(|count| *count == 0).is_some() {}
    counts
}
