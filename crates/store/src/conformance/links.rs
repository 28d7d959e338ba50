//! Links to the settings page, and the keys of its sessions.

use cstar_types::{Key, KeyId, Patterns, Scope, TeamId};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::given::{self, at, remove_all_old};
use super::{AnyStore, Subject, read};
use crate::{Cutoffs, LinkDigest, PortalLink, SessionKey, StoreError};

fn new_link(team: TeamId, number: u8) -> PortalLink {
    let scopes = [Scope::WebhooksRead, Scope::WebhooksWrite].into_iter().collect();
    PortalLink { digest: [number; 32], team, scopes, created_at: at(0), expires_at: at(600) }
}

async fn link(store: &AnyStore, team: TeamId, number: u8) -> LinkDigest {
    let link = new_link(team, number);
    let digest = link.digest;
    store.create_link(link).await.expect("a new link is taken");
    digest
}

/// The key of a session that begins at a second of the day, and lasts an hour.
fn session(second: i64) -> SessionKey {
    let id = KeyId::from_uuid(Uuid::now_v7());
    SessionKey { id, digest: [7; 32], name: "settings page", now: at(second), expires_at: at(second + 3600) }
}

/// A link is exchanged for a key of its team, which may do what the link says, and once.
pub async fn a_link_is_good_for_one_session(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let (first, second) = (link(&store, team, 1).await, link(&store, team, 2).await);
    let asked = session(10);
    let key = store.exchange_link(first, asked.clone()).await.unwrap();
    let expected = Key {
        id: asked.id,
        team,
        name: "settings page".to_owned(),
        scopes: new_link(team, 1).scopes,
        types: Patterns::all(),
        maker: None,
        created_at: at(10),
        expires_at: Some(at(3610)),
        revoked_at: None,
        last_used_at: None,
    };
    assert_eq!(key, expected);
    assert_eq!(store.key(key.id).await, Ok((expected.clone(), [7; 32])));
    assert_eq!(store.exchange_link(first, session(11)).await, Err(StoreError::NotFound));
    drop(store);
    let store = subject.reopened().await.store();
    assert_eq!(
        store.exchange_link(first, session(12)).await,
        Err(StoreError::NotFound),
        "a restart changes nothing"
    );
    assert!(store.exchange_link(second, session(12)).await.is_ok());
    assert_eq!(store.check().await, Ok(()));
}

/// Of all who show a link at once, one gets a session, and one key is made.
pub async fn a_link_raced_by_many_is_one_session(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let digest = link(&store, team, 1).await;
    let mut racing = JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        racing.spawn(async move { store.exchange_link(digest, session(1)).await });
    }
    let answers = given::soon(racing.join_all()).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let refused = answers.iter().filter(|answer| **answer == Err(StoreError::NotFound));
    assert_eq!(refused.count(), 19);
    assert_eq!(store.keys(team, read::first(99)).await.unwrap().rows.len(), 1);
}

/// A link ends to the millisecond; what never was, and what belonged to a deleted team, opens nothing either.
pub async fn a_link_that_ended_opens_nothing(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let (early, late) = (link(&store, team, 1).await, link(&store, team, 2).await);
    let of_deleted = link(&store, other, 3).await;
    assert!(matches!(store.create_link(new_link(team, 1)).await, Err(StoreError::Conflict(_))));
    let stray = given::new_team("never stored").id;
    assert_eq!(store.create_link(new_link(stray, 4)).await, Err(StoreError::NotFound));
    store.delete_team(other, None).await.unwrap();
    let refused = Err(StoreError::NotFound);
    for (digest, second) in [(early, 600), ([9; 32], 1), ([4; 32], 1), (of_deleted, 1)] {
        assert_eq!(store.exchange_link(digest, session(second)).await, refused);
    }
    let just = SessionKey { now: cstar_types::Timestamp::from_millis(at(600).as_millis() - 1), ..session(1) };
    assert!(store.exchange_link(late, just).await.is_ok());
}

/// A key whose id is taken leaves the link as it was.
pub async fn a_refused_exchange_keeps_the_link(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let taken = given::key(&store, team).await;
    let digest = link(&store, team, 1).await;
    let clash = store.exchange_link(digest, SessionKey { id: taken, ..session(1) }).await;
    assert!(matches!(clash, Err(StoreError::Conflict(_))), "{clash:?}");
    assert!(store.exchange_link(digest, session(1)).await.is_ok());
}

/// SEC-2: a key that was made with another one dies with it, and is not made with one that is dead, another team's, or
/// unknown.
pub async fn a_session_dies_with_its_key(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let maker = given::key(&store, team).await;
    let of = |maker| {
        let (key, digest) = given::new_key(team);
        (Key { maker: Some(maker), ..key }, digest)
    };
    let (made, digest) = of(maker);
    store.create_key(made.clone(), digest).await.unwrap();
    let bystander = given::key(&store, team).await;
    assert_eq!(store.key(made.id).await, Ok((made.clone(), digest)));
    store.revoke_key(team, maker, at(5)).await.unwrap();
    assert_eq!(store.key(made.id).await.unwrap().0.revoked_at, Some(at(5)));
    assert_eq!(store.key(bystander).await.unwrap().0.revoked_at, None);

    for (maker, case) in [
        (maker, "revoked"),
        (given::key(&store, other).await, "another team's"),
        (KeyId::from_bits(7), "unknown"),
    ] {
        let (key, digest) = of(maker);
        assert_eq!(store.create_key(key, digest).await, Err(StoreError::NotFound), "{case}");
    }
    drop(store);
    let store = subject.reopened().await.store();
    assert_eq!(store.key(made.id).await.unwrap().0, Key { revoked_at: Some(at(5)), ..made });
}

/// Links and keys that have expired go at their cutoffs; what has not, and what never does, stays.
pub async fn expired_links_and_keys_go(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let forever = given::key(&store, team).await;
    let mut sessions = Vec::new();
    for number in 1..=3 {
        let digest = link(&store, team, number).await;
        sessions.push(store.exchange_link(digest, session(i64::from(number))).await.unwrap().id);
    }
    let unused = link(&store, team, 9).await;
    let (none, ended) = (at(0), at(3602));
    let cutoffs = Cutoffs { events: none, deliveries: ended, idempotency_keys: at(600) };
    assert_eq!(remove_all_old(&store, cutoffs, 9).await, 1, "the key of the session that ended first");
    let kept = [sessions[2], sessions[1], forever];
    let rows = store.keys(team, read::first(9)).await.unwrap().rows;
    assert_eq!(rows.iter().map(|key| key.id).collect::<Vec<_>>(), kept);
    assert_eq!(store.key(sessions[0]).await, Err(StoreError::NotFound));
    assert!(store.exchange_link(unused, session(599)).await.is_ok(), "not yet");
    let unused = link(&store, team, 9).await;
    assert_eq!(remove_all_old(&store, Cutoffs { idempotency_keys: at(601), ..cutoffs }, 9).await, 1);
    assert!(store.create_link(new_link(team, 9)).await.is_ok(), "{unused:?} is gone");
}
