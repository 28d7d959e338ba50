//! Realtime tokens (T17): what they open, what they see, and when they end (SEC-2).

use cstar_types::TeamId;
use cstar_wire::Code;
use http::Method;
use serde_json::json;

use crate::streams::{path, three_events, types};
use crate::world::{World, pointers};

fn tokens(team: TeamId) -> String {
    format!("/v1/teams/{team}/realtime/tokens")
}

/// A token that `key` makes.
async fn token(world: &World, team: TeamId, key: &str, asked: serde_json::Value) -> String {
    let made = world.post(tokens(team), asked).key(key).await.expect(201).value();
    made["token"].as_str().unwrap().to_owned()
}

/// T17, SEC-2: a token opens its team's stream, as Bearer or in the URL, and sees what was asked for it.
#[tokio::test]
async fn a_token_opens_the_stream_and_sees_its_types() {
    let world = World::new();
    let team = three_events(&world).await;
    let key = world.key(team, &["events:read"], &["ticket.*"]).await;
    let all = token(&world, team, &key, json!({})).await;
    let narrow = token(&world, team, &key, json!({"types": ["ticket.closed"]})).await;
    for (token, expected) in
        [(&all, vec!["ticket.created", "ticket.closed"]), (&narrow, vec!["ticket.closed"])]
    {
        let bearer = world.get(path(team, "last_event_id=0")).key(token).await.expect(200);
        assert_eq!(types(&bearer.text()), expected);
        let in_url =
            world.get(path(team, &format!("last_event_id=0&token={token}"))).without("authorization");
        assert_eq!(types(&in_url.await.expect(200).text()), expected);
    }
}

/// SEC-2, T24: it opens nothing else.
#[tokio::test]
async fn a_token_opens_nothing_else() {
    let world = World::new();
    let (team, other) = (world.team().await, world.team().await);
    let key = world.key(team, &["events:read"], &["*"]).await;
    let new = || token(&world, team, &key, json!({})); // one may not ask so often
    for (method, rest) in [
        (Method::GET, "events"),
        (Method::POST, "events"),
        (Method::POST, "realtime/tokens"),
        (Method::GET, "webhooks"),
        (Method::GET, "deliveries"),
        (Method::GET, "keys"),
        (Method::GET, ""),
    ] {
        let ask = world.ask(method, format!("/v1/teams/{team}/{rest}")).key(&new().await);
        ask.await.refused(Code::MissingScope);
    }
    world.get("/v1/event-types").key(&new().await).await.refused(Code::MissingScope);
    world.get(path(other, "")).key(&new().await).await.refused(Code::WrongTeam);
}

/// SEC-2: a token sees no more and lives no longer than its maker, and dies with it.
#[tokio::test]
async fn a_token_stays_within_its_maker() {
    let world = World::new();
    let team = world.team().await;
    let narrow = world.key(team, &["events:read"], &["ticket.*"]).await;
    let wide = world.post(tokens(team), json!({"types": ["*"]})).key(&narrow).await;
    assert_eq!(pointers(&wide.refused(Code::OutsidePatterns)), ["/types"]);
    let blind = world.key(team, &["events:write"], &["*"]).await;
    world.post(tokens(team), json!({})).key(&blind).await.refused(Code::MissingScope);

    let asked = json!({"name": "k", "scopes": ["events:read"], "expires_at": "2025-12-10T14:31:00Z"});
    let made = world.post(format!("/v1/teams/{team}/keys"), asked).await.expect(201).value();
    let (id, short_lived) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let made = world.post(tokens(team), json!({})).key(short_lived).await.expect(201).value();
    assert_eq!(made["expires_at"], "2025-12-10T14:31:00.000Z", "with its maker");

    let token = made["token"].as_str().unwrap();
    world.get(path(team, "")).key(token).await.expect(200);
    world.delete(format!("/v1/teams/{team}/keys/{id}")).await.expect(204);
    world.get(path(team, "")).key(token).await.refused(Code::KeyRevoked);
}

/// It is good for ten minutes, or as long as was asked, up to an hour; its end is told as such.
#[tokio::test]
async fn a_token_expires() {
    let world = World::new();
    let team = world.team().await;
    let made = world.post(tokens(team), json!({})).await.expect(201).value();
    assert_eq!(made["expires_at"], "2025-12-10T14:40:00.000Z");
    let (of_platform, short) = (made["token"].as_str().unwrap(), json!({"ttl_seconds": 30}));
    let short = token(&world, team, crate::world::PLATFORM, short).await;
    world.wait_s(30);
    world.get(path(team, "")).key(&short).await.refused(Code::TokenExpired);
    world.get(path(team, "")).key(of_platform).await.expect(200);
    for ttl in [json!(0), json!(3601), json!(-1), json!("60"), json!(1.5)] {
        let refused = world.post(tokens(team), json!({"ttl_seconds": ttl})).await.refused(Code::InvalidField);
        assert_eq!(pointers(&refused), ["/ttl_seconds"]);
    }
    let unknown = tokens("550e8400-e29b-41d4-a716-446655440009".parse().unwrap());
    world.post(unknown, json!({})).await.refused(Code::NotFound);
}

/// SEC-3: a key has no place in a URL, and what this server did not sign opens nothing.
#[tokio::test]
async fn what_is_no_token_is_refused() {
    let world = World::new();
    let team = world.team().await;
    let key = world.key(team, &["events:read"], &["*"]).await;
    let real = token(&world, team, &key, json!({})).await;
    let in_url = |token: &str| world.get(path(team, &format!("token={token}"))).without("authorization");
    in_url(&key).await.refused(Code::Unauthenticated);
    in_url("").await.refused(Code::Unauthenticated);
    in_url("cst_e30.AAAA").await.refused(Code::Unauthenticated);
    in_url(&real[..real.len() - 1]).await.refused(Code::Unauthenticated);
    in_url(&real).key(&key).await.refused(Code::MalformedHeader);
    world
        .get(format!("/v1/teams/{team}/events?token={real}"))
        .without("authorization")
        .await
        .refused(Code::Unauthenticated);
}

/// A token, which a stranger's browser holds, has a number of requests of its own; the keys are not held up by it.
#[tokio::test]
async fn a_token_asks_so_often_and_no_more() {
    let world = World::new();
    let team = world.team().await;
    let key = world.key(team, &["events:read"], &["*"]).await;
    let token = token(&world, team, &key, json!({})).await;
    let mut asked = 0;
    while world.get(path(team, "")).key(&token).await.status == 200 {
        asked += 1;
        assert!(asked < 10_000, "it is never refused");
    }
    world.get(path(team, "")).key(&token).await.refused(Code::RateLimited);
    world.get(path(team, "")).key(&key).await.expect(200);
}
