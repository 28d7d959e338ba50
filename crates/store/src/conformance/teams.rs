//! Teams, and what they do not see of each other.

use cstar_types::{FailureRule, Team, TeamId};

use super::given::{self, at, new_event, publishing};
use super::{AnyStore, Subject, read};
use crate::{Cutoffs, ListQuery, Order, SliceLimit, StoreError, Verdict, WebhookPatch};

/// A team's id is taken once; its name can change, if it is the version that was seen.
pub async fn a_team_has_an_id_and_a_name(subject: impl Subject) {
    let store = subject.store();
    let team = given::new_team("Acme");
    assert_eq!(store.create_team(team.clone()).await, Ok(team.clone()));
    let same = Team { name: "another".to_owned(), ..team.clone() };
    assert!(matches!(store.create_team(same).await, Err(StoreError::Conflict(_))));
    assert_eq!(store.team(team.id).await, Ok(team.clone()));
    let renamed = Team { name: "Ačme".to_owned(), version: 2, ..team.clone() };
    assert_eq!(store.rename_team(team.id, "Ačme".to_owned(), Some(1)).await, Ok(renamed.clone()));
    let stale = store.rename_team(team.id, "lost".to_owned(), Some(1)).await;
    assert_eq!(stale, Err(StoreError::Changed));
    assert_eq!(store.delete_team(team.id, Some(1)).await, Err(StoreError::Changed));
    assert_eq!(store.team(team.id).await, Ok(renamed));
    assert_eq!(store.rename_team(team.id, "free".to_owned(), None).await.unwrap().version, 3);
    drop(store);
    let store = subject.reopened().await.store();
    let kept = store.team(team.id).await.unwrap();
    assert_eq!((kept.name.as_str(), kept.version, kept.created_at), ("free", 3, at(0)));
}

/// Teams are listed in the order of their making, newest first, page by page.
pub async fn teams_are_listed_in_the_order_of_their_making(subject: impl Subject) {
    let store = subject.store();
    let mut made = Vec::new();
    for _ in 0..9 {
        made.insert(0, given::team(&store).await);
    }
    let gone = made.remove(4);
    store.delete_team(gone, None).await.unwrap();
    for limit in [1, 3, 8, 200] {
        let ask = async |from| store.teams(ListQuery { from, limit }).await;
        let rows = read::to_the_end(limit, None, ask).await.unwrap();
        assert_eq!(rows.iter().map(|team| team.id).collect::<Vec<_>>(), made);
    }
    let ask = async |from| store.teams(ListQuery { from, limit: 3 }).await;
    let rest = read::to_the_end(3, Some(gone), ask).await.unwrap();
    let older: Vec<TeamId> = rest.into_iter().map(|team| team.id).collect();
    assert_eq!(older, made[4..], "a list goes on behind a team that was deleted meanwhile");
}

/// T24, SEC-2: with another team's ids nothing is found, changed or seen; the answer is the same as for unknown ids.
pub async fn a_team_sees_nothing_of_another(subject: impl Subject) {
    let store = subject.store();
    let (_, webhook, due) = given::one_delivery(&store).await;
    let (team, own, _) = given::one_delivery(&store).await;
    let other = given::team(&store).await;
    let gone = StoreError::NotFound;
    assert_eq!(store.event(team, due.entry.event.id).await, Err(gone.clone()));
    assert_eq!(store.delivery(team, due.id).await.unwrap_err(), gone);
    assert_eq!(store.resend(team, due.id, at(1)).await, Err(gone.clone()));
    assert_eq!(store.webhook(team, webhook).await, Err(gone.clone()));
    let patched = store.update_webhook(team, webhook, WebhookPatch::default(), Some(9), at(1)).await;
    assert_eq!(patched, Err(gone.clone()), "not even whether it changed");
    assert_eq!(store.delete_webhook(team, webhook, Some(9), at(1)).await, Err(gone));
    assert_eq!(store.webhooks(team, read::first(9)).await.unwrap().rows.len(), 1);
    assert_eq!(read::log(&store, team).await.len(), 1);
    assert_eq!(read::log(&store, other).await.len(), 0);
    assert_eq!(read::due(&store, own, at(9)).await.len(), 1);
    assert_eq!(read::due(&store, webhook, at(9)).await, [due]);
}

/// A deleted team is gone at once, with its keys, streams' source and waiting deliveries; others are as they were.
pub async fn a_deleted_team_is_gone_at_once(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    let (kept, kept_webhook, _) = given::one_delivery(&store).await;
    let key = given::key(&store, team).await;
    store.key(key).await.expect("read once, so that it is in memory");
    store.delete_team(team, Some(1)).await.unwrap();
    assert_gone(&store, team).await;
    assert_eq!(store.key(key).await, Err(StoreError::NotFound));
    assert_eq!(store.revoke_key(team, key, at(1)).await, Err(StoreError::NotFound));
    assert_eq!(store.webhook(team, webhook).await, Err(StoreError::NotFound));
    assert_eq!(store.webhook_to_send(webhook).await.unwrap_err(), StoreError::NotFound);
    assert_eq!(store.event(team, due.entry.event.id).await, Err(StoreError::NotFound));
    assert_eq!(store.delivery(team, due.id).await.unwrap_err(), StoreError::NotFound);
    assert_eq!(store.resend(team, due.id, at(1)).await, Err(StoreError::NotFound));
    assert!(read::due(&store, webhook, at(99)).await.is_empty());
    assert_eq!(store.lanes().await, Ok(vec![(kept_webhook, at(0))]));
    assert_eq!(read::log(&store, kept).await.len(), 1);
}

async fn assert_gone(store: &AnyStore, team: TeamId) {
    let gone = StoreError::NotFound;
    assert_eq!(store.team(team).await, Err(gone.clone()));
    assert_eq!(store.rename_team(team, "again".to_owned(), None).await, Err(gone.clone()));
    assert_eq!(store.delete_team(team, None).await, Err(gone.clone()));
    assert_eq!(store.ends(team).await, Err(gone.clone()));
    let limit = SliceLimit { entries: 9, bytes: 1 << 20 };
    assert_eq!(store.read(team, 0, limit).await.unwrap_err(), gone);
    assert_eq!(store.events(team, read::every_event(Order::Asc, 9)).await, Err(gone.clone()));
    assert_eq!(store.deliveries(team, read::every_delivery(9)).await, Err(gone.clone()));
    assert_eq!(store.keys(team, read::first(9)).await, Err(gone.clone()));
    assert_eq!(store.webhooks(team, read::first(9)).await, Err(gone.clone()));
    let events = vec![new_event(team, "ticket.created", "{}", at(0))];
    assert_eq!(store.append(publishing(team, events, at(0))).await, Err(gone.clone()));
    let (key, digest) = given::new_key(team);
    assert_eq!(store.create_key(key, digest).await, Err(gone.clone()));
    let stored = store.create_webhook(given::new_webhook(team, "*"), given::secret(), 9).await;
    assert_eq!(stored, Err(gone));
    assert!(store.teams(read::first(99)).await.unwrap().rows.iter().all(|row| row.id != team));
}

/// What is left of a deleted team is erased in slices, whatever the cutoffs; it stays gone, and others stay.
pub async fn a_deleted_team_is_erased_in_slices(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    given::published(&store, team, &["ticket.created"; 30], at(5)).await;
    given::recorded(&store, &due, Verdict::RetryAt(at(60)), at(6)).await;
    given::key(&store, team).await;
    let (kept, kept_webhook, _) = given::one_delivery(&store).await;
    store.delete_team(team, None).await.unwrap();
    let keep_all = Cutoffs { events: at(-9), deliveries: at(-9), idempotency_keys: at(-9) };
    given::remove_all_old(&store, keep_all, 7).await;
    drop(store);
    let store = subject.reopened().await.store();
    assert_gone(&store, team).await;
    let late = given::report(&due, Verdict::Delivered, at(9));
    assert_eq!(
        store.record([late].into(), FailureRule::NEVER).await,
        Ok(vec![cstar_types::DeliveryStatus::Cancelled])
    );
    assert!(read::due(&store, webhook, at(99)).await.is_empty());
    assert_eq!(read::log(&store, kept).await.len(), 1);
    assert_eq!(read::due(&store, kept_webhook, at(99)).await.len(), 1);
    assert_eq!(store.check().await, Ok(()));
}

/// SEC-2: whoever takes the id of a deleted team, if a store lets them, finds nothing of the one before.
pub async fn a_deleted_teams_id_leads_to_nothing_old(subject: impl Subject) {
    let store = subject.store();
    let (team, _, due) = given::one_delivery(&store).await;
    given::key(&store, team).await;
    store.delete_team(team, None).await.unwrap();
    match store.create_team(Team { id: team, ..given::new_team("heir") }).await {
        Err(StoreError::Conflict(_)) => assert_gone(&store, team).await,
        Ok(_) => {
            assert_eq!(read::log(&store, team).await, []);
            assert_eq!(read::deliveries(&store, team, read::every_delivery(9)).await, Ok(Vec::new()));
            assert_eq!(store.event(team, due.entry.event.id).await, Err(StoreError::NotFound));
            assert_eq!(store.webhooks(team, read::first(9)).await.unwrap().rows, []);
            assert_eq!(store.keys(team, read::first(9)).await.unwrap().rows, []);
        }
        Err(other) => panic!("{other}"),
    }
}
