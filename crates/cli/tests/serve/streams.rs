//! The stream of a running server, on the wire.

use std::time::Duration;

use cstar_testkit::{Frame, Stream, StreamReader, Team, until_within};
use cstar_types::Position;
use serde_json::{Value, json};

use crate::{cstar, ticket, with_team};

/// Opens a stream that must not be refused.
async fn open(team: &Team, query: &str, cursor: Option<&str>) -> Stream {
    let opened = Stream::open(&team.http, &team.path(&format!("realtime{query}")), cursor).await;
    opened.expect("an answer").unwrap_or_else(|refusal| panic!("refused: {refusal}"))
}

/// The next block, which must be of this name.
async fn next(stream: &mut Stream, name: &str) -> Frame {
    let frame = stream.next().await.expect("the stream goes on");
    assert_eq!(frame.name.as_deref().unwrap_or_default(), name, "{frame:?}");
    frame
}

fn json_of(frame: &Frame) -> Value {
    serde_json::from_str(&frame.data).unwrap()
}

/// R2, R26, T9: a stream of Server-Sent Events says first that it stands; what is published after that comes with its
/// position as id, as the same bytes that everybody gets, under no name, so that `onmessage` sees it. Nothing but a key is
/// needed: no endpoint, no secret.
#[tokio::test]
async fn a_stream_stands_before_it_says_so() {
    let (_cstar, team) = with_team(cstar()).await;
    let before = team.publish("ticket.created", &ticket("before")).await;
    let mut stream = open(&team, "", None).await;
    let header = |name| stream.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!((header("cache-control"), header("x-accel-buffering")), ("no-store", "no"));

    let ready = next(&mut stream, "cstar.ready").await;
    assert_eq!(ready.id, before.position.to_string());
    let oldest = Position::new(before.position.epoch, 1).to_string();
    let told = json_of(&ready);
    assert_eq!(
        (&told["resumed"], &told["head"], &told["oldest"]),
        (&json!(false), &json!(ready.id), &json!(oldest))
    );
    assert!(told["heartbeat_ms"].as_u64().is_some_and(|millis| millis <= 15_000), "{told}");

    let after = team.publish("ticket.created", &ticket("after")).await;
    let frame = next(&mut stream, "").await;
    assert_eq!((frame.id, frame.data), (after.position.to_string(), after.envelope));
}

fn thrice<'a>(types: &[&'a str]) -> Vec<&'a str> {
    types.repeat(3)
}

/// R3, R7, R22–R24, SEC-2: everything by default; with `types` nothing else crosses the wire; a key's patterns cut it
/// further, and another team's events never come.
#[tokio::test]
async fn a_stream_is_cut_on_the_server() {
    let (cstar, team) = with_team(cstar()).await;
    let other = Team::create(&cstar.http()).await;
    let narrow = team.with_key(&team.key(&["events:read"], &["ticket.*", "player.level_up"]).await);
    for round in 0..3 {
        for event_type in ["ticket.created", "ticket.closed", "customer.created", "player.level_up"] {
            team.publish(event_type, &ticket(&format!("{event_type} {round}"))).await;
        }
        other.publish("ticket.created", &ticket("theirs")).await;
    }
    let types = async |team: &Team, query: &str| {
        let frames = open(team, &format!("?until=head{query}"), Some("0")).await.rest().await;
        let events = frames.iter().filter(|frame| frame.name.is_none());
        events.map(|frame| json_of(frame)["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = ["ticket.created", "ticket.closed", "customer.created", "player.level_up"];
    assert_eq!(types(&team, "").await, thrice(&all));
    assert_eq!(types(&team, "&types=*").await, thrice(&all));
    assert_eq!(types(&team, "&types=ticket.*").await, thrice(&all[..2]));
    assert_eq!(types(&team, "&types=*.created,player.level_up").await, thrice(&[all[0], all[2], all[3]]));
    assert_eq!(types(&narrow, "").await, thrice(&[all[0], all[1], all[3]]));
    assert_eq!(types(&narrow, "&types=*.created").await, thrice(&all[..1]));
    assert_eq!(types(&narrow, "&types=customer.*").await, [""; 0]);
}

/// R6, T16, RT-1: replay and live are one: who begins at the oldest while events are published gets each once, in order.
#[tokio::test]
async fn replay_runs_into_live_without_a_seam() {
    const BATCHES: usize = 30;
    let (_cstar, team) = with_team(cstar()).await;
    let event = json!({"type": "ticket.created", "data": ticket("seam")});
    let batch = json!({"events": vec![event; 20]}).to_string();
    let publish = async || drop(team.http.post(&team.path("events"), batch.clone()).await.expect(201));
    for _ in 0..BATCHES / 2 {
        publish().await;
    }
    let mut readers = Vec::new();
    for _ in 0..BATCHES / 2 {
        readers.push(StreamReader::open(&team.http, &team.path("realtime"), Some("0")).await);
        publish().await;
    }
    let log = team.log().await;
    assert_eq!(log.len(), BATCHES / 2 * 2 * 20);
    for reader in readers {
        let told = reader.until_events(log.len()).await;
        assert!(
            told.iter().map(|frame| (frame.id.parse().unwrap(), frame.data.clone())).eq(log.iter().cloned())
        );
    }
}

/// R4, R6, T16, RT-1: over a kill and a restart a reader goes on where it stopped; the header wins over the query.
#[tokio::test]
async fn a_cursor_outlives_the_server() {
    let (mut cstar, team) = with_team(cstar()).await;
    let first = team.publish("ticket.created", &ticket("first")).await;
    let reader = StreamReader::open(&team.http, &team.path("realtime"), Some("0")).await;
    reader.until_events(1).await;
    cstar.kill_9();
    cstar.start().await;
    let second = team.publish("ticket.created", &ticket("second")).await;
    cstar.restart().await;
    let third = team.publish("ticket.created", &ticket("third")).await;

    let told = reader.until_events(3).await;
    let ids: Vec<String> = told.iter().map(|frame| frame.id.clone()).collect();
    assert_eq!(ids, [&first, &second, &third].map(|event| event.position.to_string()));
    let resumed = reader.connections().last().unwrap().frames[0].clone();
    assert_eq!(json_of(&resumed)["resumed"], true);

    let query = format!("?until=head&last_event_id={}", first.position);
    assert_eq!(open(&team, &query, None).await.rest().await.len(), 4, "ready, two events, end");
    let by_header = open(&team, &query, Some(&second.position.to_string())).await.rest().await;
    assert_eq!(by_header.len(), 3, "ready, one event, end");
}

/// T16, R24, RT-1: a filter that leaves everything out still moves the cursor, by heartbeats, and never past the head.
#[tokio::test]
async fn heartbeats_move_the_cursor_of_a_narrow_filter() {
    let (mut cstar, team) = with_team(cstar()).await;
    let path = team.path("realtime?types=boss.*");
    let reader = StreamReader::open(&team.http, &path, None).await;
    let mut last = None;
    for round in 0..10 {
        last = Some(team.publish("ticket.created", &ticket(&format!("left out {round}"))).await);
    }
    let head = last.unwrap().position.to_string();
    // One heartbeat in 15 s, each connection at a time of its own.
    until_within(Duration::from_secs(40), "a heartbeat at the head", async || {
        let frames = reader.connections().pop()?.frames;
        frames
            .iter()
            .any(|frame| frame.name.as_deref() == Some("cstar.heartbeat") && frame.id == head)
            .then_some(())
    })
    .await;
    cstar.kill_9();
    cstar.start().await;
    team.publish("boss.spawned", &ticket("let through")).await;
    let told = reader.until_events(1).await;
    assert!(told[0].data.contains("let through"));
    let connections = reader.connections();
    assert_eq!(
        connections.last().unwrap().cursor.as_deref(),
        Some(head.as_str()),
        "it went on from the heartbeat"
    );
    let gaps = connections.iter().flat_map(|connection| &connection.frames);
    assert!(gaps.clone().all(|frame| frame.name.as_deref() != Some("cstar.gap")), "{connections:?}");
}

/// RT-2, T16: a cursor that is not of this log is told a gap, never passed over in silence, and the stream goes on.
#[tokio::test]
async fn a_cursor_of_no_log_is_told_a_gap() {
    let (_cstar, team) = with_team(cstar()).await;
    let head = team.publish("ticket.created", &ticket("before")).await.position;
    let ahead = Position::new(head.epoch, head.seq + 100).to_string();
    let of_another_life = Position::new(head.epoch + 1, 1).to_string();
    for cursor in ["garbage", "-1", "1", "01.1", "1.99999999999999999999", &ahead, &of_another_life] {
        let mut stream = open(&team, "", Some(cursor)).await;
        let ready = next(&mut stream, "cstar.ready").await;
        assert_eq!(json_of(&ready)["resumed"], false, "{cursor}");
        let gap = next(&mut stream, "cstar.gap").await;
        let head = team.head().await;
        let to = json_of(&gap)["to"].as_str().unwrap().to_owned();
        assert_eq!((json_of(&gap)["reason"].as_str(), &gap.id), (Some("unknown"), &to), "{cursor}");
        assert!(to.ends_with(&format!(".{head}")), "{cursor}: {to}");
        let next_event = team.publish("ticket.created", &ticket(cursor)).await;
        assert_eq!(next(&mut stream, "").await.id, next_event.position.to_string(), "{cursor}");
    }
}

/// SEC-2: a key that is revoked takes its open streams with it, and the reader is let in nowhere else.
#[tokio::test]
async fn a_revoked_key_loses_its_streams() {
    let (_cstar, team) = with_team(cstar()).await;
    let key = team.key(&["events:read"], &["*"]).await;
    let mut stream = open(&team.with_key(&key), "", None).await;
    next(&mut stream, "cstar.ready").await;
    let path = team.path(&format!("keys/{}", key.seen.id));
    let _ = team.http.call(hyper::Method::DELETE, &path, "").await.expect(204);
    let rest = tokio::time::timeout(Duration::from_secs(10), stream.rest()).await.expect("the stream ends");
    assert!(rest.iter().all(|frame| frame.name.is_some()), "{rest:?}");
    let again = Stream::open(&team.with_key(&key).http, &team.path("realtime"), None).await.unwrap();
    assert_eq!(again.map_or_else(|refusal| refusal.code(), |_| String::new()), "key_revoked");
}

/// The same stream as lines of JSON.
#[tokio::test]
async fn a_stream_comes_as_lines_too() {
    let (_cstar, team) = with_team(cstar()).await;
    let event = team.publish("ticket.created", &ticket("a line")).await;
    let headers = [("accept", "application/x-ndjson"), ("last-event-id", "0")];
    let answer =
        team.http.send(hyper::Method::GET, &team.path("realtime?until=head"), &headers, "").await.unwrap();
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].contains("cstar.ready") && lines[2].contains("cstar.end"), "{text}");
    assert_eq!(lines[1], format!(r#"{{"id":"{}","data":{}}}"#, event.position, event.envelope));
}
