//! One stream at a time: what it says, and when it ends.

mod given;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cstar_realtime::{Format, HangUp, Options, Origin, Subscribe, SubscribeError};
use cstar_store::{SliceLimit, TypeFilter};
use cstar_types::{Patterns, Timestamp};
use given::{BEGAN, World, make_team, team, wanting};
use serde_json::json;
use tokio::time::{Instant, advance, timeout};

const TICKET: &str = "ticket.created";
const BOSS: &str = "boss.spawned";

/// R2, R3, R23: the first block says that the subscription stands, and from then on everything arrives, byte for byte as it
/// is stored (T9).
#[tokio::test(start_paused = true)]
async fn what_is_published_after_ready_arrives() {
    let mut world = World::new(Options::default()).await;
    world.publish(&[TICKET]).await;
    let mut client = world.client("").await;
    world.publish(&[TICKET, BOSS]).await;
    world.settle().await;
    let blocks = client.read_all().await;
    assert!(blocks[0].is("cstar.ready"));
    assert_eq!(blocks[0].id, "1.1");
    assert_eq!(
        blocks[0].data,
        json!({"resumed": false, "head": "1.1", "oldest": "1.1", "heartbeat_ms": 15000})
    );
    assert_eq!(client.retry_ms, Some(2000));
    let stored = world.store.read(world.team, 1, SliceLimit { entries: 9, bytes: 9999 }).await.unwrap();
    assert_eq!(blocks.len(), 3);
    for (block, entry) in blocks[1..].iter().zip(stored.entries) {
        assert_eq!(block.name, None, "an event has no name, so that `onmessage` sees it");
        assert_eq!(block.position(), entry.position);
        assert_eq!(block.text.as_bytes(), entry.event.body);
    }
}

/// R6, T16: a client that comes back gets what it missed, then what comes, through one path.
#[tokio::test(start_paused = true)]
async fn missed_events_are_replayed() {
    let mut world = World::new(Options::default()).await;
    world.publish(&[TICKET; 5]).await;
    let mut client = world.client("1.2").await;
    world.publish(&[TICKET]).await;
    let blocks = client.wait().await.unwrap();
    assert_eq!(blocks[0].data["resumed"], json!(true));
    assert_eq!(blocks[0].id, "1.2");
    tokio::task::yield_now().await;
    assert_eq!(client.seqs().await, [3, 4, 5, 6]);
    let mut oldest = world.client("0").await;
    assert_eq!(oldest.seqs().await, [1, 2, 3, 4, 5, 6]);
}

/// R22, R24, SEC-2: what was not asked for, or is outside the key's patterns, does not cross the wire.
#[tokio::test(start_paused = true)]
async fn a_filter_narrows_the_wire() {
    let mut world = World::new(Options::default()).await;
    world.publish(&[TICKET, BOSS, "ticket.closed"]).await;
    let mut asked = world.client_of("0", "ticket.*").await;
    let visible = Patterns::parse_list("boss.*").unwrap();
    let filter = TypeFilter { visible: visible.clone(), wanted: None };
    let mut cut = world.open(Subscribe { origin: Origin::Oldest, filter, ..world.asks() }).await.unwrap();
    let filter = TypeFilter { visible, wanted: wanting("*").wanted };
    let mut wide = world.open(Subscribe { origin: Origin::Oldest, filter, ..world.asks() }).await.unwrap();
    world.publish(&[BOSS, TICKET]).await;
    world.settle().await;
    assert_eq!(asked.seqs().await, [1, 3, 5]);
    assert_eq!(cut.seqs().await, [2, 4]);
    assert_eq!(wide.seqs().await, [2, 4], "asking for more does not widen a key");
}

/// C4: nothing crosses teams.
#[tokio::test(start_paused = true)]
async fn another_teams_events_do_not_arrive() {
    let mut world = World::new(Options::default()).await;
    make_team(&*world.store, team(2)).await;
    let mut other = world.open(Subscribe { team: team(2), ..world.asks() }).await.unwrap();
    let mut client = world.client("").await;
    world.publish(&[TICKET]).await;
    world.settle().await;
    assert_eq!(client.seqs().await, [1]);
    assert_eq!(other.seqs().await, [0u64; 0]);
    let unknown = world.open(Subscribe { team: team(3), ..world.asks() }).await;
    assert_eq!(unknown.err(), Some(SubscribeError::NotFound));
}

/// RT-1: a narrow filter's cursor moves on with the heartbeats, which come every 15 s, and never lies beyond the log.
#[tokio::test(start_paused = true)]
async fn heartbeats_move_the_cursor_past_what_was_left_out() {
    let mut world = World::new(Options::default()).await;
    let mut client = world.client_of("", "ticket.*").await;
    client.read_all().await;
    for head in [0, 3, 6] {
        let asked = Instant::now();
        let blocks = timeout(Duration::from_secs(16), client.wait()).await.expect("one is due").unwrap();
        assert_eq!(blocks.len(), 1);
        assert!(blocks[0].is("cstar.heartbeat"));
        assert_eq!((blocks[0].position().seq, &blocks[0].data), (head, &json!({})));
        assert!(head == 0 || (14_500..=15_500).contains(&asked.elapsed().as_millis()));
        world.publish(&[BOSS; 3]).await;
    }
}

/// RT-1: what waits to be sent is not passed yet.
#[tokio::test(start_paused = true)]
async fn a_heartbeat_does_not_run_ahead_of_a_slow_reader() {
    let mut world = World::new(Options { batch_bytes: 400, ..Options::default() }).await;
    let mut client = world.client("").await;
    client.read_all().await;
    for _ in 0..20 {
        world.publish(&[TICKET]).await;
    }
    world.settle().await;
    let mut passed = 0;
    while passed < 20 {
        advance(Duration::from_secs(16)).await;
        world.settle().await;
        for block in client.wait().await.unwrap() {
            let seq = block.position().seq;
            assert_eq!(seq, if block.name.is_none() { passed + 1 } else { passed });
            passed = seq;
        }
    }
}

/// RT-2, T16: what retention removes under a slow reader is told, in the middle of its stream.
#[tokio::test(start_paused = true)]
async fn a_hole_under_a_slow_reader_is_told() {
    let options = Options { ring_bytes: 0, batch_bytes: 400, ..Options::default() };
    let mut world = World::new(options).await;
    world.publish_each(&[TICKET; 30]).await;
    let mut client = world.client("1.0").await;
    assert!(client.wait().await.unwrap()[0].is("cstar.ready"));
    let last = client.wait().await.unwrap().last().unwrap().position().seq;
    world.remove(21).await;
    let blocks = client.read_all().await;
    assert!(blocks[0].is("cstar.gap"), "{:?}", blocks[0]);
    assert_eq!(blocks[0].data, json!({"from": format!("1.{last}"), "to": "1.20", "reason": "expired"}));
    assert_eq!(blocks[0].id, "1.20");
    assert_eq!(blocks[1].position().seq, 21);
    assert_eq!(blocks.last().unwrap().position().seq, 30);
    assert_eq!(world.hub.counts().gaps, 1);
}

/// RT-2: a cursor that cannot be resumed is told so, and the stream goes on.
#[tokio::test(start_paused = true)]
async fn a_cursor_that_is_not_of_this_log_is_told_a_gap() {
    let mut world = World::new(Options::default()).await;
    world.publish_each(&[TICKET; 9]).await;
    world.remove(5).await;
    for (cursor, reason, first) in
        [("1.2", "expired", 5), ("1.10", "unknown", 10), ("7.1", "unknown", 10), ("nonsense", "unknown", 10)]
    {
        let mut client = world.client(cursor).await;
        let opening = client.wait().await.unwrap();
        assert!(opening[0].is("cstar.ready") && opening[1].is("cstar.gap"), "{cursor}");
        assert_eq!(opening[0].data["resumed"], json!(false));
        assert_eq!(opening[1].data["reason"], json!(reason), "{cursor}");
        assert_eq!(opening[1].position(), opening[1].at("to"));
        assert_eq!(opening[1].position().seq + 1, first);
    }
    let mut client = world.client("nonsense").await;
    world.publish(&[TICKET]).await;
    world.settle().await;
    assert_eq!(client.seqs().await, [10]);
}

/// `until=head` ends exactly at the head of its beginning.
#[tokio::test(start_paused = true)]
async fn until_head_ends_there() {
    let mut world = World::new(Options::default()).await;
    world.publish(&[TICKET, BOSS, TICKET, BOSS]).await;
    let ask = |filter| Subscribe { origin: Origin::Oldest, until_head: true, filter, ..world.asks() };
    let mut all = world.open(ask(TypeFilter::all())).await.unwrap();
    let mut some = world.open(ask(wanting("ticket.*"))).await.unwrap();
    let mut none = world.open(Subscribe { until_head: true, ..world.asks() }).await.unwrap();
    world.publish(&[TICKET; 3]).await;
    world.settle().await;
    for (client, expected) in [(&mut all, 4), (&mut some, 2), (&mut none, 0)] {
        let blocks = client.read_all().await;
        assert!(client.ended);
        assert_eq!(blocks.iter().filter(|block| block.name.is_none()).count(), expected);
        let last = blocks.last().unwrap();
        assert!(last.is("cstar.end"));
        assert_eq!(last.position().seq, 4);
    }
}

/// T17: a stream ends with its token, and says so.
#[tokio::test(start_paused = true)]
async fn an_expired_token_ends_its_stream() {
    let mut world = World::new(Options::default()).await;
    let expires_at = Timestamp::from_millis(BEGAN).plus(Duration::from_secs(300));
    let mut client = world.open(Subscribe { expires_at: Some(expires_at), ..world.asks() }).await.unwrap();
    let mut stays = world.client("").await;
    let mut last = Vec::new();
    while let Some(blocks) = client.wait().await {
        last = blocks;
    }
    assert!(last[0].is("cstar.unauthorized"));
    assert_eq!(last[0].data, json!({"code": "token_expired"}));
    let after = world.now().since(expires_at);
    assert!(after < Duration::from_secs(1), "{after:?}");
    world.publish(&[TICKET]).await;
    assert!(client.read_all().await.is_empty(), "it never goes on as somebody else");
    world.settle().await;
    assert_eq!(stays.seqs().await, [1]);
}

/// A revoked key's streams end within a second, and no other's.
#[tokio::test(start_paused = true)]
async fn a_revoked_key_ends_its_streams() {
    let mut world = World::new(Options::default()).await;
    let (one, other) = (world.make_key(1).await, world.make_key(2).await);
    let mut of_one = world.open(Subscribe { key: Some(one), ..world.asks() }).await.unwrap();
    let mut of_other = world.open(Subscribe { key: Some(other), ..world.asks() }).await.unwrap();
    of_one.read_all().await;
    world.store.revoke_key(world.team, one, world.now()).await.unwrap();
    let revoked = Instant::now();
    world.publish(&[TICKET]).await;
    world.settle().await;
    let last = of_one.wait().await.unwrap();
    assert!(last[0].is("cstar.unauthorized"), "nothing is sent to it any more: {last:?}");
    assert_eq!(last[0].data, json!({"code": "key_revoked"}));
    assert_eq!(of_one.wait().await, None);
    assert!(revoked.elapsed() < Duration::from_secs(1));
    assert_eq!(of_other.seqs().await, [1]);
    let late = world.open(Subscribe { key: Some(one), ..world.asks() }).await;
    assert_eq!(late.err(), Some(SubscribeError::KeyRevoked), "revoked between the check of the key and here");
}

/// A stream that is ended has a moment to say so; its connection is cut only if nobody takes that, within a second.
#[tokio::test(start_paused = true)]
async fn who_does_not_hear_the_end_is_cut() {
    let world = World::new(Options::default()).await;
    let key = world.make_key(1).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let (cut, hang_up) = counted_hang_up();
        let asked = Subscribe { key: Some(key), hang_up: Some(hang_up), ..world.asks() };
        let mut client = world.open(asked).await.unwrap();
        assert!(client.take().is_some());
        open.push((client, cut));
    }
    world.store.revoke_key(world.team, key, world.now()).await.unwrap();
    world.settle().await;
    advance(Duration::from_millis(250)).await;
    world.settle().await;
    let (mut hears, cut_hears) = open.pop().unwrap();
    assert_eq!(cut_hears.load(Ordering::Relaxed), 0, "not yet");
    assert!(hears.read_all().await[0].is("cstar.unauthorized"));
    drop(hears);
    let (_deaf, cut_deaf) = open.pop().unwrap();
    advance(Duration::from_millis(700)).await;
    world.settle().await;
    assert_eq!((cut_hears.load(Ordering::Relaxed), cut_deaf.load(Ordering::Relaxed)), (0, 1));
}

fn counted_hang_up() -> (Arc<AtomicU32>, HangUp) {
    let cut = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&cut);
    let hang_up = HangUp::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    (cut, hang_up)
}

/// SEC-2: a revocation that the tail dropped is found in the store.
#[tokio::test(start_paused = true)]
async fn a_revocation_is_not_lost_in_a_flood() {
    let mut world = World::new(Options { tail_bytes: 2000, ..Options::default() }).await;
    let key = world.make_key(1).await;
    let mut client = world.open(Subscribe { key: Some(key), ..world.asks() }).await.unwrap();
    world.store.revoke_key(world.team, key, world.now()).await.unwrap();
    for _ in 0..50 {
        world.publish(&[BOSS; 3]).await;
    }
    world.settle().await;
    assert_eq!(world.hub.counts().lagged, 1, "the flood was one");
    let blocks = client.read_all().await;
    assert!(blocks.last().unwrap().is("cstar.unauthorized") && client.ended, "{blocks:?}");
}

/// Deleting a team ends its streams.
#[tokio::test(start_paused = true)]
async fn a_deleted_team_ends_its_streams() {
    let world = World::new(Options::default()).await;
    let mut client = world.client("").await;
    client.read_all().await;
    world.store.delete_team(world.team, None).await.unwrap();
    assert!(client.wait().await.unwrap()[0].is("cstar.unauthorized"));
    assert_eq!(client.wait().await, None);
}

/// The same where the tail has no room to tell it.
#[tokio::test(start_paused = true)]
async fn a_deleted_team_is_not_lost_in_a_flood() {
    let mut world = World::new(Options { tail_bytes: 2000, ..Options::default() }).await;
    let deleted = team(2);
    make_team(&*world.store, deleted).await;
    let mut client = world.open(Subscribe { team: deleted, ..world.asks() }).await.unwrap();
    client.read_all().await;
    world.store.delete_team(deleted, None).await.unwrap();
    world.publish_each(&[BOSS; 50]).await;
    world.settle().await;
    assert_eq!(world.hub.counts().lagged, 1, "the flood was one");
    let blocks = client.read_all().await;
    assert!(blocks[0].is("cstar.unauthorized") && client.ended, "{blocks:?}");
    assert_eq!(blocks[0].data, json!({"code": "not_found"}));
}

/// Before a shutdown all are told to come back, not all at the same time; nobody is let in any more.
#[tokio::test(start_paused = true)]
async fn a_shutdown_sends_everybody_back_later() {
    let mut world = World::new(Options::default()).await;
    world.publish(&[TICKET]).await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(world.client("").await);
    }
    world.stop().await;
    let mut waits = Vec::new();
    for client in &mut clients {
        let blocks = client.read_all().await;
        let last = blocks.last().unwrap();
        assert!(last.is("cstar.reconnect") && client.ended);
        let after_ms = last.data["after_ms"].as_u64().unwrap();
        assert_eq!(client.retry_ms, Some(after_ms.into()));
        assert!((1000..=5000).contains(&after_ms));
        waits.push(after_ms);
    }
    waits.sort_unstable();
    assert!(waits[waits.len() - 1] - waits[0] > 1000, "{waits:?}");
    assert_eq!(world.open(world.asks()).await.err(), Some(SubscribeError::ShuttingDown));
}

/// The limits hold, and a stream that is closed makes room.
#[tokio::test(start_paused = true)]
async fn open_streams_are_limited() {
    let options = Options { streams_a_key: 2, streams_a_team: 3, ..Options::default() };
    let world = World::new(options).await;
    let (one, other) = (world.make_key(1).await, world.make_key(2).await);
    let ask = |key| Subscribe { key: Some(key), ..world.asks() };
    let first = world.open(ask(one)).await.unwrap();
    let _second = world.open(ask(one)).await.unwrap();
    assert_eq!(world.open(ask(one)).await.err(), Some(SubscribeError::TooManyStreams { limit: 2 }));
    let _third = world.open(ask(other)).await.unwrap();
    assert_eq!(world.open(ask(other)).await.err(), Some(SubscribeError::TooManyStreams { limit: 3 }));
    assert_eq!(world.hub.counts().streams, 3);
    drop(first);
    assert!(world.open(ask(one)).await.is_ok());
}

/// A stream that nobody reads is cut after ten minutes, and not earlier; one that has nothing to say lives.
#[tokio::test(start_paused = true)]
async fn a_reader_that_stands_still_is_cut() {
    let mut world = World::new(Options { heartbeat: Duration::from_secs(15), ..Options::default() }).await;
    let (cut, hang_up) = counted_hang_up();
    let asked = Subscribe { hang_up: Some(hang_up), ..world.asks() };
    let mut stalled = world.open(asked.clone()).await.unwrap();
    let mut idle = world.open(asked).await.unwrap();
    assert!(stalled.take().is_some(), "it takes one piece and does not come back for more");
    world.publish(&[TICKET]).await;
    let mut cut_after = None;
    for second in 0..630 {
        advance(Duration::from_secs(1)).await;
        world.settle().await;
        idle.read_all().await;
        if cut.load(Ordering::Relaxed) > 0 {
            cut_after.get_or_insert(second);
        }
    }
    assert!((599..=616).contains(&cut_after.unwrap()), "{cut_after:?}");
    assert_eq!(stalled.read_all().await, []);
    assert!(stalled.ended && !idle.ended);
    assert_eq!(world.hub.counts().hung_up, 1);
}

/// Lists say who listens to what and how far they are; one can be ended by hand.
#[tokio::test(start_paused = true)]
async fn open_streams_are_listed_and_ended() {
    let mut world = World::new(Options::default()).await;
    let mut client = world.client_of("", "ticket.*").await;
    client.read_all().await;
    world.publish(&[TICKET; 4]).await;
    world.settle().await;
    let listed = world.hub.streams(world.team);
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].position.to_string(), listed[0].lag), ("1.0".into(), 4));
    assert_eq!(listed[0].types.as_ref().unwrap().to_string(), "ticket.*");
    assert_eq!(world.hub.counts().lag_max, 4);
    client.read_all().await;
    assert_eq!(world.hub.streams(world.team)[0].lag, 0);
    assert!(!world.hub.end(team(2), listed[0].id), "T24: not through another team");
    assert!(world.hub.end(world.team, listed[0].id));
    assert!(client.read_all().await[0].is("cstar.reconnect") && client.ended);
    drop(client);
    assert!(world.hub.streams(world.team).is_empty());
}

/// Lines say the same as blocks.
#[tokio::test(start_paused = true)]
async fn lines_say_the_same() {
    let mut world = World::new(Options::default()).await;
    world.publish(&[TICKET, BOSS]).await;
    let asked = Subscribe {
        origin: Origin::Oldest,
        format: Format::Ndjson,
        until_head: true,
        filter: wanting("boss.*"),
        ..world.asks()
    };
    let mut client = world.open(asked).await.unwrap();
    let mut text = Vec::new();
    while let Some(piece) = client.stream.next().await {
        text.extend_from_slice(&piece);
    }
    let lines: Vec<serde_json::Value> = text
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["event"], &lines[0]["id"]), (&json!("cstar.ready"), &json!("1.0")));
    assert_eq!((&lines[1]["id"], &lines[1]["data"]["type"]), (&json!("1.2"), &json!(BOSS)));
    assert_eq!(lines[2], json!({"id": "1.2", "event": "cstar.end", "data": {}}));
}
