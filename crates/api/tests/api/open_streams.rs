//! Open streams: listed, and ended.

use axum::body::Body;
use cstar_types::TeamId;
use cstar_wire::Code;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use crate::world::{PLATFORM, TICKET, World, ids};

fn streams(team: TeamId) -> String {
    format!("/v1/teams/{team}/realtime/streams")
}

/// A stream that stays open for as long as its answer is held.
async fn open(world: &World, team: TeamId, key: &str, query: &str) -> Response<Body> {
    let request = Request::get(format!("/v1/teams/{team}/realtime?{query}"))
        .header("authorization", format!("Bearer {key}"))
        .body(Body::empty());
    let response = world.raw(request.unwrap()).await;
    assert_eq!(response.status(), 200);
    response
}

#[tokio::test]
async fn open_streams_are_listed_with_what_they_have_still_to_pass() {
    let world = World::new();
    let (team, other) = (world.team().await, world.team().await);
    world.publish(team, "ticket.created", TICKET).await;
    let key = world.key(team, &["events:read"], &["*"]).await;
    let _behind = open(&world, team, &key, "types=ticket.*&last_event_id=0").await;
    let _theirs = open(&world, other, PLATFORM, "").await;
    let listed = world.get(streams(team)).await.expect(200).value();
    let [row] = listed["data"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!(row["types"], json!(["ticket.*"]));
    assert!(row["key_id"].as_str().unwrap().starts_with("key_"));
    assert_eq!((&row["position"], &row["lag"]), (&json!("1.0"), &json!(1)));
    assert_eq!(row["opened_at"], "2025-12-10T14:30:00.000Z");

    let _of_platform = open(&world, team, PLATFORM, "").await;
    let first = world.get(format!("{}?limit=1", streams(team))).await.expect(200);
    let next = first.value()["next"].as_str().unwrap().to_owned();
    let second = world.get(format!("{}?limit=1&after={next}", streams(team))).await.expect(200);
    assert_eq!(second.value()["next"], Value::Null);
    assert_ne!(ids(&first), ids(&second));
}

/// T24: a stream is ended by its own team, and is then gone.
#[tokio::test]
async fn an_open_stream_is_ended() {
    let world = World::new();
    let (team, other) = (world.team().await, world.team().await);
    let open = open(&world, team, PLATFORM, "").await;
    let id = ids(&world.get(streams(team)).await.expect(200)).remove(0);
    world.delete(format!("{}/{id}", streams(other))).await.refused(Code::NotFound);
    world.delete(format!("{}/{id}", streams(team))).await.expect(204);
    let told = http_body_util::BodyExt::collect(open.into_body()).await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&told).contains("event: cstar.reconnect"));
    assert!(ids(&world.get(streams(team)).await.expect(200)).is_empty());
    world.delete(format!("{}/{id}", streams(team))).await.refused(Code::NotFound);
    world.ask(Method::GET, format!("{}/{id}", streams(team))).await.refused(Code::MethodNotAllowed);
    world.get(streams("550e8400-e29b-41d4-a716-446655440009".parse().unwrap())).await.refused(Code::NotFound);
}

/// SEC-2: a key sees and ends no stream that sees more than itself.
#[tokio::test]
async fn a_narrow_key_knows_of_no_wider_stream() {
    let world = World::new();
    let team = world.team().await;
    let narrow = world.key(team, &["keys:write", "events:read"], &["ticket.*"]).await;
    let _own = open(&world, team, &narrow, "").await;
    let _of_platform = open(&world, team, PLATFORM, "types=ticket.created").await;
    let own = ids(&world.get(streams(team)).key(&narrow).await.expect(200));
    let all = ids(&world.get(streams(team)).await.expect(200));
    assert_eq!((own.len(), all.len()), (1, 2));
    let wider = all.iter().find(|id| !own.contains(id)).unwrap();
    world.delete(format!("{}/{wider}", streams(team))).key(&narrow).await.refused(Code::NotFound);
    world.delete(format!("{}/{}", streams(team), own[0])).key(&narrow).await.expect(204);
}
