//! Team keys.

use cstar_store::Directory;
use cstar_types::KeyId;
use cstar_wire::Code;
use serde_json::json;

use crate::world::{World, pointers};

#[tokio::test]
async fn a_key_works_until_it_is_revoked() {
    let world = World::new();
    let team = world.team().await;
    let keys = format!("/v1/teams/{team}/keys");
    let body = json!({"name": "ci", "scopes": ["events:read", "events:write"], "types": ["ticket.*"]});
    let made = world.post(&*keys, body).await.expect(201).value();
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert!(key.starts_with(&format!("csk_{}_", id.strip_prefix("key_").unwrap())));
    assert_eq!(made["scopes"], json!(["events:write", "events:read"]), "in the order of the documents");
    let events = format!("/v1/teams/{team}/events");
    world.get(&*events).key(key).await.expect(200);
    world
        .get(&*events)
        .without("authorization")
        .header("authorization", format!("bEARER {key}"))
        .await
        .expect(200);
    world.delete(format!("{keys}/{id}")).await.expect(204);
    world.get(&*events).key(key).await.refused(Code::KeyRevoked);
    world.delete(format!("{keys}/{id}")).await.expect(204);
    let list = world.get(&*keys).await.expect(200).value();
    assert_eq!(list["data"][0]["revoked_at"], "2025-12-10T14:30:00.000Z");
    assert!(list["data"][0].get("key").is_none());
}

/// A key with a known id and a right checksum, but another secret, opens nothing.
#[tokio::test]
async fn a_forged_secret_opens_nothing() {
    let world = World::new();
    let team = world.team().await;
    let body = json!({"name": "k", "scopes": ["events:read"]});
    let made = world.post(format!("/v1/teams/{team}/keys"), body).await.expect(201).value();
    let id: KeyId = made["id"].as_str().unwrap().parse().unwrap();
    let (row, digest) = world.store.key(id).await.unwrap();

    let forged = World::new();
    forged.post("/v1/teams", json!({"name": "t", "id": team})).await.expect(201);
    let mut other = digest;
    other[31] ^= 1;
    forged.store.create_key(row, other).await.unwrap();
    let events = format!("/v1/teams/{team}/events");
    let key = made["key"].as_str().unwrap();
    world.get(&*events).key(key).await.expect(200);
    forged.get(&*events).key(key).await.refused(Code::Unauthenticated);
}

/// SEC-3: what is stored is a digest that does not hold the key.
#[tokio::test]
async fn only_a_digest_is_stored() {
    let world = World::new();
    let team = world.team().await;
    let body = json!({"name": "k", "scopes": ["events:read"]});
    let made = world.post(format!("/v1/teams/{team}/keys"), body).await.expect(201).value();
    let id: KeyId = made["id"].as_str().unwrap().parse().unwrap();
    let (_, digest) = world.store.key(id).await.unwrap();
    use sha2::Digest;
    assert_eq!(digest[..], sha2::Sha256::digest(made["key"].as_str().unwrap())[..]);
}

#[tokio::test]
async fn an_expired_key_opens_nothing() {
    let world = World::new();
    let team = world.team().await;
    let keys = format!("/v1/teams/{team}/keys");
    let asked = |at: &str| json!({"name": "k", "scopes": ["events:read"], "expires_at": at});
    let made = world.post(&*keys, asked("2025-12-10T15:31:00+01:00")).await.expect(201).value();
    assert_eq!(made["expires_at"], "2025-12-10T14:31:00.000Z");
    let list = || world.get(format!("/v1/teams/{team}/events")).key(made["key"].as_str().unwrap());
    world.wait_s(59);
    list().await.expect(200);
    world.wait_s(1);
    list().await.refused(Code::TokenExpired);
    for past in ["2025-12-10T14:31:00Z", "1970-01-01T00:00:00Z", "soon"] {
        assert_eq!(
            pointers(&world.post(&*keys, asked(past)).await.refused(Code::InvalidField)),
            ["/expires_at"]
        );
    }
}

/// The last use is seen at once, and told to the store once a minute at most.
#[tokio::test]
async fn the_last_use_is_noted() {
    let world = World::new();
    let team = world.team().await;
    let key = world.key(team, &["keys:write"], &["*"]).await;
    let keys = || world.get(format!("/v1/teams/{team}/keys"));
    assert_eq!(keys().await.value()["data"][0]["last_used_at"], json!(null));
    let commits = world.commits();
    for _ in 0..10 {
        world.wait_s(4);
        keys().key(&key).await.expect(200);
    }
    tokio::task::yield_now().await;
    assert_eq!(world.commits(), commits + 1, "ten uses, one note");
    assert_eq!(keys().await.value()["data"][0]["last_used_at"], "2025-12-10T14:30:00.000Z", "to the minute");
}

#[tokio::test]
async fn bad_keys_are_refused_by_field() {
    let world = World::new();
    let team = world.team().await;
    let body = json!({"name": "", "scopes": ["events:read", "events:all"], "types": [], "colour": "red"});
    let problem = world.post(format!("/v1/teams/{team}/keys"), body).await.refused(Code::InvalidField);
    assert_eq!(pointers(&problem), ["/name", "/scopes/1", "/types", "/colour"]);
    let problem = world.post(format!("/v1/teams/{team}/keys"), json!({})).await.refused(Code::InvalidField);
    assert_eq!(pointers(&problem), ["/name", "/scopes"]);
}

/// SEC-2: a key that expires makes none that outlives it; unless said, what it makes expires with it.
#[tokio::test]
async fn a_key_makes_none_that_outlives_it() {
    let world = World::new();
    let team = world.team().await;
    let keys = format!("/v1/teams/{team}/keys");
    let asked = |at: Option<&str>| json!({"name": "k", "scopes": ["keys:write"], "expires_at": at});
    let end = "2025-12-10T14:31:00.000Z";
    let made = world.post(&*keys, asked(Some(end))).await.expect(201).value();
    let make = |at| world.post(&*keys, asked(at)).key(made["key"].as_str().unwrap());
    for (at, expires_at) in
        [(None, end), (Some(end), end), (Some("2025-12-10T14:30:30Z"), "2025-12-10T14:30:30.000Z")]
    {
        assert_eq!(make(at).await.expect(201).value()["expires_at"], expires_at, "{at:?}");
    }
    let problem = make(Some("2025-12-10T14:31:00.001Z")).await.refused(Code::InvalidField);
    assert_eq!(pointers(&problem), ["/expires_at"]);
}
