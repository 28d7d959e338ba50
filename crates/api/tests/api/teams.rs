//! Teams.

use cstar_wire::Code;
use serde_json::json;

use crate::world::{TICKET, World, pointers};

#[tokio::test]
async fn a_team_can_have_the_applications_own_id() {
    let world = World::new();
    let id = "550e8400-e29b-41d4-a716-446655440000";
    let made = world.post("/v1/teams", json!({"name": "Köln", "id": id})).await.expect(201);
    assert_eq!(made.header("etag"), Some("\"1\""));
    let expected = json!({"id": id, "name": "Köln", "created_at": "2025-12-10T14:30:00.000Z"});
    assert_eq!(made.value(), expected);
    assert_eq!(world.get(format!("/v1/teams/{id}")).await.expect(200).value(), expected);
    for id in ["550e8400e29b41d4a716446655440000", "x", ""] {
        let problem =
            world.post("/v1/teams", json!({"name": "n", "id": id})).await.refused(Code::InvalidField);
        assert_eq!(pointers(&problem), ["/id"]);
    }
    let problem = world.post("/v1/teams", json!({"name": "", "x": 1})).await.refused(Code::InvalidField);
    assert_eq!(pointers(&problem), ["/name", "/x"]);
}

#[tokio::test]
async fn a_change_is_made_to_the_version_that_was_seen() {
    let world = World::new();
    let team = format!("/v1/teams/{}", world.team().await);
    let seen = world.get(&*team).await.expect(200).header("etag").unwrap().to_owned();
    let rename = |name: &str| world.patch(&*team, json!({"name": name}));
    let renamed = rename("second").header("if-match", &*seen).await.expect(200);
    assert_ne!(renamed.header("etag"), Some(&*seen));
    rename("third").header("if-match", &*seen).await.refused(Code::Changed);
    rename("third").header("if-match", "W/\"2\"").await.refused(Code::Changed);
    world.delete(&*team).header("if-match", &*seen).await.refused(Code::Changed);
    assert_eq!(world.get(&*team).await.value()["name"], "second");
    rename("third").header("if-match", "\"9\", \"2\"").await.expect(200);
    rename("fourth").header("if-match", "*").await.expect(200);
    rename("fifth").await.expect(200);
    world.patch(&*team, json!({})).await.expect(200);
    world.delete(&*team).await.expect(204);
    world.get(&*team).await.refused(Code::NotFound);
    world.delete(&*team).header("if-match", "*").await.refused(Code::NotFound);
}

/// A deleted team's keys open nothing, and nothing of it is found.
#[tokio::test]
async fn a_deleted_team_is_gone() {
    let world = World::new();
    let team = world.team().await;
    let key = world.key(team, &["events:read"], &["*"]).await;
    world.publish(team, "ticket.created", TICKET).await;
    let events = format!("/v1/teams/{team}/events");
    world.get(&*events).key(&key).await.expect(200);
    world.delete(format!("/v1/teams/{team}")).await.expect(204);
    world.get(&*events).key(&key).await.refused(Code::Unauthenticated);
    for rest in ["events", "webhooks", "keys", "deliveries"] {
        world.get(format!("/v1/teams/{team}/{rest}")).await.refused(Code::NotFound);
    }
}
