//! The live stream, asked for over the router. What one says over time is tested where it is made, in `cstar-realtime`.

use cstar_types::TeamId;
use cstar_wire::Code;
use http::Method;

use crate::world::{TICKET, World};

const BOSS: &str = r#"{"id":"550e8400-e29b-41d4-a716-446655440001","name":"b","level":3}"#;

pub(crate) fn path(team: TeamId, query: &str) -> String {
    format!("/v1/teams/{team}/realtime?until=head&{query}")
}

/// The types of the events in a stream, in order.
pub(crate) fn types(stream: &str) -> Vec<&str> {
    let events = stream.lines().filter_map(|line| line.split_once(r#","type":""#));
    events.filter_map(|(_, rest)| rest.split('"').next()).collect()
}

pub(crate) async fn three_events(world: &World) -> TeamId {
    let team = world.team().await;
    world.publish(team, "ticket.created", TICKET).await;
    world.publish(team, "boss.spawned", BOSS).await;
    world.publish(team, "ticket.closed", TICKET).await;
    team
}

/// R2, R6, R23: from the oldest event to the head, as `text/event-stream`, which nothing on the way may keep.
#[tokio::test]
async fn a_stream_replays_everything() {
    let world = World::new();
    let team = three_events(&world).await;
    let answer = world.get(path(team, "last_event_id=0")).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    assert_eq!(types(&answer.text()), ["ticket.created", "boss.spawned", "ticket.closed"]);
    assert!(answer.text().ends_with("event: cstar.end\nid: 1.3\ndata: {}\n\n"), "{}", answer.text());
}

/// R6: the header says where a client stopped, and wins over the URL.
#[tokio::test]
async fn a_stream_goes_on_where_it_stopped() {
    let world = World::new();
    let team = three_events(&world).await;
    let answer = world.get(path(team, "last_event_id=0")).header("last-event-id", "1.2").await.expect(200);
    assert_eq!(types(&answer.text()), ["ticket.closed"]);
    let lost = world.get(path(team, "last_event_id=9.9")).await.expect(200);
    assert!(lost.text().contains("event: cstar.gap\nid: 1.3\n"), "RT-2: {}", lost.text());
}

/// R3, R22, R24, SEC-2: `types` narrows a stream, and nothing widens it beyond its key.
#[tokio::test]
async fn a_stream_is_cut_by_what_is_asked_and_by_the_key() {
    let world = World::new();
    let team = three_events(&world).await;
    let narrow = world.key(team, &["events:read"], &["ticket.*"]).await;
    for (key, asked, expected) in [
        (None, "types=boss.*,*.closed", vec!["boss.spawned", "ticket.closed"]),
        (Some(&narrow), "", vec!["ticket.created", "ticket.closed"]),
        (Some(&narrow), "types=*", vec!["ticket.created", "ticket.closed"]),
        (Some(&narrow), "types=*.created,boss.*", vec!["ticket.created"]),
    ] {
        let ask = world.get(path(team, &format!("last_event_id=0&{asked}")));
        let ask = if let Some(key) = key { ask.key(key) } else { ask };
        assert_eq!(types(&ask.await.expect(200).text()), expected, "{asked}");
    }
}

/// T10, T18, T24: what is refused is refused before the stream begins, and with a reason.
#[tokio::test]
async fn a_stream_that_cannot_be_is_refused() {
    let world = World::new();
    let (team, other) = (world.team().await, world.team().await);
    let key = world.key(team, &["events:read"], &["*"]).await;
    let blind = world.key(team, &["events:write"], &["*"]).await;
    world.get(path(other, "")).key(&key).await.refused(Code::WrongTeam);
    world.get(path(team, "")).key(&blind).await.refused(Code::MissingScope);
    world.get(path(team, "types=ticket")).key(&key).await.refused(Code::InvalidPattern);
    world.get(path(team, "typs=ticket.*")).key(&key).await.refused(Code::BadQuery);
    world.get(path(team, "")).header("accept", "application/json").await.refused(Code::NotAcceptable);
    world
        .get(path("550e8400-e29b-41d4-a716-446655440009".parse().unwrap(), ""))
        .await
        .refused(Code::NotFound);
    world.ask(Method::POST, path(team, "")).await.refused(Code::MethodNotAllowed);
}

/// The same as lines, for those who would rather not read an event stream.
#[tokio::test]
async fn a_stream_of_lines_is_json_on_every_line() {
    let world = World::new();
    let team = three_events(&world).await;
    let answer =
        world.get(path(team, "last_event_id=0")).header("accept", "application/x-ndjson").await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<serde_json::Value> =
        answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[1]["data"]["type"], "ticket.created");
    assert_eq!(lines[4]["event"], "cstar.end");
}
