//! Team keys.

use cstar_types::{Key, KeyId, Scope};

use super::given::{self, at};
use super::{Subject, read};
use crate::{ListQuery, StoreError};

/// A key and its digest are read as they were stored, from memory and after a restart.
pub async fn a_key_is_read_as_it_was_stored(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let plain = given::new_key(team);
    let (odd, digest) = given::new_key(team);
    let odd = Key {
        name: "žluťoučký '; --".to_owned(),
        scopes: [Scope::EventsRead, Scope::AuditRead].into_iter().collect(),
        types: given::list("ticket.*,*.created"),
        expires_at: Some(at(60)),
        ..odd
    };
    let keys = [plain, (odd, digest)];
    for (key, digest) in &keys {
        store.create_key(key.clone(), *digest).await.unwrap();
        for _ in 0..2 {
            assert_eq!(store.key(key.id).await, Ok((key.clone(), *digest)));
        }
    }
    drop(store);
    let store = subject.reopened().await.store();
    for (key, digest) in keys {
        assert_eq!(store.key(key.id).await, Ok((key, digest)));
    }
}

/// An id is taken once; a key needs a team.
pub async fn a_key_has_an_id_and_a_team_of_its_own(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let (key, digest) = given::new_key(team);
    store.create_key(key.clone(), digest).await.unwrap();
    for team in [team, other] {
        let same = Key { team, name: "another".to_owned(), ..key.clone() };
        assert!(matches!(store.create_key(same, [0; 32]).await, Err(StoreError::Conflict(_))));
    }
    assert_eq!(store.key(key.id).await, Ok((key, digest)));
    let (stray, digest) = given::new_key(given::new_team("never stored").id);
    let id = stray.id;
    assert_eq!(store.create_key(stray, digest).await, Err(StoreError::NotFound));
    assert_eq!(store.key(id).await, Err(StoreError::NotFound));
}

/// A revocation shows at once, whatever was read before, and stays as it was first, after a restart too.
pub async fn a_key_is_revoked_for_good(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let id = given::key(&store, team).await;
    let (key, digest) = store.key(id).await.unwrap();
    let revoked = Key { revoked_at: Some(at(5)), ..key };
    assert_eq!(store.revoke_key(team, id, at(5)).await, Ok(revoked.clone()));
    assert_eq!(store.key(id).await, Ok((revoked.clone(), digest)));
    assert_eq!(store.revoke_key(team, id, at(9)).await, Ok(revoked.clone()));
    drop(store);
    let store = subject.reopened().await.store();
    assert_eq!(store.key(id).await, Ok((revoked.clone(), digest)));
    assert_eq!(store.keys(team, read::first(9)).await.unwrap().rows, [revoked]);
}

/// T24: another team's key is as unknown as one that never was.
pub async fn another_teams_key_is_not_revoked(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let id = given::key(&store, team).await;
    assert_eq!(store.revoke_key(other, id, at(5)).await, Err(StoreError::NotFound));
    assert_eq!(store.revoke_key(team, KeyId::from_bits(7), at(5)).await, Err(StoreError::NotFound));
    assert_eq!(store.key(KeyId::from_bits(7)).await, Err(StoreError::NotFound));
    assert_eq!(store.key(id).await.unwrap().0.revoked_at, None);
}

/// The last use shows to the minute; uses of unknown keys are no error.
pub async fn the_last_use_of_a_key_is_noted(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let id = given::key(&store, team).await;
    for second in [60, 7200] {
        store.touch_keys(vec![(KeyId::from_bits(7), at(1)), (id, at(second))]).await.unwrap();
        let used = store.key(id).await.unwrap().0.last_used_at.expect("a use was noted");
        assert_eq!(used.as_secs() / 60, at(second).as_secs() / 60);
    }
}

/// The keys of a team, newest first, page by page.
pub async fn keys_are_listed_newest_first(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let mut made = Vec::new();
    for _ in 0..7 {
        made.insert(0, given::key(&store, team).await);
        given::key(&store, other).await;
    }
    for limit in [1, 3, 7, 200] {
        let ask = async |from| store.keys(team, ListQuery { from, limit }).await;
        let rows = read::to_the_end(limit, None, ask).await.unwrap();
        assert_eq!(rows.iter().map(|key| key.id).collect::<Vec<_>>(), made);
    }
    let unknown = given::new_team("never stored").id;
    assert_eq!(store.keys(unknown, read::first(9)).await, Err(StoreError::NotFound));
}
