//! The Rust client's stream, while the server is killed, restarted, and asked for what it refuses.

use std::time::{Duration, Instant};

use cstar_client::{GapReason, RealtimeOptions};
use cstar_testkit::{Ledger, Receiver, Team};
use cstar_types::catalog::Catalog;
use cstar_types::{Cursor, Pattern, Patterns, Position};
use cstar_wire::EnvelopeFields;
use futures_util::future::join_all;

use crate::scene::Scene;
use crate::stream::{Heard, Reader};
use crate::ticket;

fn patterns(text: &str) -> Patterns {
    Patterns::parse_list(text).unwrap()
}

/// From the oldest event on.
fn from_the_oldest() -> RealtimeOptions {
    RealtimeOptions { after: Some(Cursor::Oldest), ..RealtimeOptions::default() }
}

/// The whole log, and no more.
fn whole_log(types: Option<Patterns>) -> RealtimeOptions {
    RealtimeOptions { types, until_head: true, ..from_the_oldest() }
}

/// The types of the events that a stream told.
fn types(events: &[(Position, String)]) -> Vec<String> {
    let event_type = |envelope: &str| {
        serde_json::from_str::<EnvelopeFields<'_>>(envelope).unwrap().event_type.as_str().to_owned()
    };
    events.iter().map(|(_, envelope)| event_type(envelope)).collect()
}

/// The example of every built-in type, each published once.
async fn publish_every_type(team: &Team) {
    for entry in Catalog::builtin() {
        team.publish(entry.event_type.as_str(), &serde_json::from_str(&entry.example).unwrap()).await;
    }
}

/// R2, R4, R6, R23, T9, T16, RT-1: while events are published and the server is killed over and over, a reader gets every
/// event once, in order, as the bytes that are stored; so does one that goes on from another's cursor.
#[tokio::test]
async fn every_event_comes_once_and_in_order_over_kills() {
    const EACH: usize = 40;
    let mut scene = Scene::set().await;
    let ledger = Ledger::new("client");
    let mut told = Vec::new();
    let mut options = from_the_oldest();
    // Each reader sees two kills: with every one of them it waits longer before it comes back (R5).
    for _ in 0..2 {
        let reader = Reader::open(scene.team_client().realtime(options.clone())).await;
        for _ in 0..2 {
            let enough = ledger.acknowledged() + EACH;
            let Scene { cstar, team, .. } = &mut scene;
            let load = join_all((0..4).map(|_| ledger.publish_until_refused(team)));
            let kill = async {
                let many = async || (ledger.acknowledged() >= enough).then_some(());
                cstar_testkit::until("some publishes", many).await;
                cstar.kill_9();
            };
            tokio::join!(load, kill);
            scene.cstar.start().await;
            ledger.settle(&scene.team).await;
        }
        let log = scene.team.log().await;
        told.extend(reader.until_events(log.len() - told.len()).await);
        assert_eq!(told, log);
        assert!(!reader.gone().is_empty(), "the kills were noticed");
        options.after = reader.cursor();
        assert_eq!(options.after, Some(Cursor::After(log.last().unwrap().0)));
    }
    assert!(told.len() >= 4 * EACH);
}

/// R7, R22–R24, W5, T18: `types` cuts the stream on the server, by the same patterns and with the same matches as a
/// webhook's; without it everything comes.
#[tokio::test]
async fn types_cut_the_stream_as_they_cut_webhooks() {
    const LISTS: [&str; 5] = ["*", "ticket.*", "*.created", "boss.defeated", "customer.updated, *.published"];
    let scene = Scene::set().await;
    let receiver = Receiver::ok().await;
    let mut webhooks = Vec::new();
    for list in LISTS {
        let events: Vec<&str> = list.split(',').map(str::trim).collect();
        webhooks.push(scene.team.webhook(&receiver.url("/"), &events).await.seen.id);
    }
    publish_every_type(&scene.team).await;
    for (list, webhook) in LISTS.into_iter().zip(webhooks) {
        let reader = Reader::read(scene.team_client().realtime(whole_log(Some(patterns(list)))));
        reader.until_ended().await;
        let rows = scene.team.deliveries(&format!("webhook={webhook}")).await;
        let delivered: Vec<&str> = rows.iter().rev().map(|row| row.event_type.as_str()).collect();
        assert_eq!(types(&reader.events()), delivered, "{list}");
    }
    let everything = Reader::read(scene.team_client().realtime(whole_log(None)));
    everything.until_ended().await;
    assert_eq!(everything.events(), scene.team.log().await);
}

/// R3, SEC-2: a key that sees some types gets those and no other, whatever it asks for.
#[tokio::test]
async fn a_key_sees_its_own_types_alone() {
    let scene = Scene::set().await;
    let key = scene.team.key(&["events:read"], &["ticket.*"]).await;
    let team = scene.client(key.key.reveal()).team(scene.team.id);
    publish_every_type(&scene.team).await;
    for (asked, seen) in [
        (None, vec!["ticket.created", "ticket.updated", "ticket.closed", "ticket.message_added"]),
        (Some("*.created"), vec!["ticket.created"]),
        (Some("boss.*"), vec![]),
    ] {
        let reader = Reader::read(team.realtime(whole_log(asked.map(patterns))));
        reader.until_ended().await;
        assert_eq!(types(&reader.events()), seen, "{asked:?}");
    }
}

/// T10: patterns that the server does not take end the stream with its word, and nothing is tried again.
#[tokio::test]
async fn refused_patterns_end_the_stream() {
    let scene = Scene::set().await;
    let too_many = (0..65).map(|number| format!("a{number}.b").parse::<Pattern>().unwrap());
    for types in [Patterns::from_iter([]), too_many.collect()] {
        let options = RealtimeOptions { types: Some(types), ..RealtimeOptions::default() };
        let heard = Reader::read(scene.team_client().realtime(options)).until_ended().await;
        let [Heard::Gone(gone), Heard::Ended] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!((gone.code.as_deref(), gone.retry_in), (Some("invalid_pattern"), None), "{gone:?}");
    }
}

/// T13, T24: another team, whether it exists or not, is refused with a 403, which ends the stream.
#[tokio::test]
async fn another_teams_stream_is_refused_for_good() {
    let scene = Scene::set().await;
    let other = Team::create(&scene.cstar.http()).await.id;
    let nobody = "00000000-0000-4000-8000-000000000000".parse().unwrap();
    for team in [other, nobody] {
        let realtime = scene.client(scene.key.key.reveal()).team(team).realtime(RealtimeOptions::default());
        let heard = Reader::read(realtime).until_ended().await;
        let [Heard::Gone(gone), Heard::Ended] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!((gone.code.as_deref(), gone.retry_in), (Some("wrong_team"), None), "{gone:?}");
    }
}

/// RT-2, T16: a cursor that is ahead of the log, or of another life of it, is told as a gap, and the stream goes on behind it.
#[tokio::test]
async fn a_cursor_of_no_log_is_told_as_a_gap() {
    let scene = Scene::set().await;
    let head = scene.team.publish("ticket.created", &ticket("before")).await.position;
    for from in [Position::new(head.epoch, head.seq + 1000), Position::new(head.epoch + 7, 1)] {
        let head = scene.team.log().await.last().unwrap().0;
        let after = Some(Cursor::After(from));
        let options = RealtimeOptions { after, ..RealtimeOptions::default() };
        let reader = Reader::open(scene.team_client().realtime(options)).await;
        let heard = reader.until("a gap", |heard| matches!(heard, Heard::Gap(_)), 1).await;
        let [Heard::Open(opened), Heard::Gap(gap)] = &heard[..] else { panic!("{heard:?}") };
        assert!(!opened.resumed);
        assert_eq!((gap.from, gap.to, gap.reason), (Some(from), head, GapReason::Unknown));
        let next = scene.team.publish("ticket.created", &ticket("after")).await;
        assert_eq!(reader.until_events(1).await, [(next.position, next.envelope)]);
    }
}

/// R4, R5, T13: while the server is away, tries are counted, and the range from which each wait is drawn doubles.
#[tokio::test]
async fn waits_grow_while_the_server_is_away() {
    const TRIES: usize = 4;
    let mut scene = Scene::set().await;
    let mut readers = Vec::new();
    for _ in 0..8 {
        readers.push(Reader::open(scene.team_client().realtime(RealtimeOptions::default())).await);
    }
    scene.cstar.kill_9();
    let mut last_waits = Vec::new();
    for reader in &readers {
        reader.until("failed tries", |heard| matches!(heard, Heard::Gone(_)), TRIES).await;
        for (n, gone) in reader.gone().iter().enumerate().take(TRIES) {
            let limit = Duration::from_millis(500 << n);
            assert_eq!(gone.attempt as usize, n + 1, "{gone:?}");
            assert!(gone.retry_in.is_some_and(|wait| wait <= limit), "{gone:?}");
        }
        last_waits.extend(reader.gone()[TRIES - 1].retry_in);
    }
    // Were the range what it was at first, all of them would be below this; as it is, one chance in 16 million is left.
    assert!(last_waits.iter().any(|wait| *wait > Duration::from_millis(500)), "{last_waits:?}");
}

/// R4, R6: a server that goes down in order says so; the reader comes back soon and has missed nothing.
#[tokio::test]
async fn an_announced_end_is_told_as_one() {
    let mut scene = Scene::set().await;
    let reader = Reader::open(scene.team_client().realtime(RealtimeOptions::default())).await;
    let first = scene.team.publish("ticket.created", &ticket("before")).await;
    reader.until_events(1).await;
    scene.cstar.restart().await;
    let second = scene.team.publish("ticket.created", &ticket("after")).await;
    let told = reader.until_events(2).await;
    assert_eq!(told, [first, second].map(|event| (event.position, event.envelope)));
    let gone = reader.gone();
    assert_eq!(gone[0].error, "the server is about to close and asks to reconnect");
    let opened = reader.heard().into_iter().filter_map(|heard| match heard {
        Heard::Open(opened) => Some(opened.resumed),
        _ => None,
    });
    assert_eq!(opened.collect::<Vec<_>>(), [false, true]);
}

/// SEC-2: a key that is revoked loses its stream within a second, and is let in no more.
#[tokio::test]
async fn a_revoked_key_loses_its_stream() {
    /// The promise is one second; the rest is for a machine that does other work.
    const SOON: Duration = Duration::from_secs(5);
    let scene = Scene::set().await;
    let team = scene.team_client();
    let key = scene.team.key(&["events:read"], &["*"]).await;
    let realtime = scene.client(key.key.reveal()).team(scene.team.id).realtime(RealtimeOptions::default());
    let reader = Reader::open(realtime).await;
    team.keys().revoke(key.seen.id).await.unwrap();
    let revoked = Instant::now();
    scene.team.publish("ticket.created", &ticket("not for it")).await;
    reader.until_ended().await;
    let [gone] = &reader.gone()[..] else { panic!("{:?}", reader.heard()) };
    assert!(gone.at.duration_since(revoked) < SOON, "{gone:?}");
    assert!(gone.retry_in.is_none() && gone.error.starts_with("the key was revoked"), "{gone:?}");
    assert_eq!(reader.events(), []);
}
