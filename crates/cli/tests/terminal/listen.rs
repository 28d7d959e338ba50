//! `cstar listen`: what it tells, and when.

use cstar_signature::Secret;
use cstar_testkit::{Receiver, Signal};
use cstar_types::Position;
use insta::assert_snapshot;
use serde_json::Value;

use crate::home::Home;
use crate::scene::Scene;
use crate::ticket;

/// `--json` is one object a line from the first byte, and the first is told once the subscription stands.
#[tokio::test]
async fn programs_read_one_object_a_line() {
    let scene = Scene::set().await;
    let receiver = Receiver::ok().await;
    scene.home.call(&receiver.address().to_string(), "RECEIVER");
    let listener = scene.home.start(&format!("listen --json --forward-to {}", receiver.url("/")));
    listener.until_said("\"ready\"").await;
    let event = scene.team.publish("ticket.created", &ticket("told")).await;
    listener.until_said("\"forwarded\"").await;
    let lines: Vec<Value> =
        listener.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[1]["event"], serde_json::from_str::<Value>(&event.envelope).unwrap());
    assert!(listener.stdout().contains(&event.envelope), "T9: byte for byte");
    assert_snapshot!(listener.interrupted(&scene.home).await, @r#"
    exit 0
    --- stdout
    {"told":"ready","url":"http://SERVER/","team":"TEAM","secret":"whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","targets":["http://RECEIVER/"]}
    {"told":"event","id":"evt_xxxxxxxxxxxxxxxxxxxxxxxxxx","type":"ticket.created","position":"1.1","event":{"id":"evt_xxxxxxxxxxxxxxxxxxxxxxxxxx","type":"ticket.created","team_id":"TEAM","created_at":"0000-00-00T00:00:00Z","data":{"id":"00000000-0000-4000-8000-000000000000","priority":"high","status":"open","title":"told"}}}
    {"told":"forwarded","id":"evt_xxxxxxxxxxxxxxxxxxxxxxxxxx","target":"http://RECEIVER/","success":true,"status":200,"error":null,"duration_ms":N}
    "#);
}

/// T21: the secret is the same at every start for one team and key, needs no server, and is printed alone.
#[tokio::test]
async fn the_secret_stays() {
    let mut scene = Scene::set().await;
    let print = async |flags: &str| scene.home.stdout(&format!("listen --print-secret {flags}")).await;
    let secret = print("").await;
    assert_eq!(print("").await, secret);
    assert!(Secret::parse(secret.trim_end_matches('\n')).is_ok(), "{secret:?}");
    assert_ne!(print("--key csk_other").await, secret);
    assert_ne!(print("--team 00000000-0000-4000-8000-000000000000").await, secret);
    scene.cstar.kill_9();
    assert_eq!(scene.home.stdout("listen --print-secret").await, secret);
}

/// R4, R6, T16: when the server is lost the listener says why and when it tries again; when it is back, how many events
/// were replayed. None is forwarded twice, none is missed.
#[tokio::test]
async fn a_lost_server_is_told_and_what_was_missed_is_counted() {
    let mut scene = Scene::set().await;
    let receiver = Receiver::ok().await;
    let listener = scene.home.start(&format!("listen --forward-to {}", receiver.url("/")));
    listener.until_said("Ready").await;
    scene.team.publish("ticket.created", &ticket("before")).await;
    listener.until_said("<-- 200").await;
    // Stopped, it does not come back before there is something to replay.
    listener.signal(Signal::STOP);
    scene.cstar.kill_9();
    scene.cstar.start().await;
    for title in ["missed", "missed, too"] {
        scene.team.publish("ticket.created", &ticket(title)).await;
    }
    listener.signal(Signal::CONT);
    listener.until_noted("connected again, 2 events replayed").await;
    scene.team.publish("ticket.created", &ticket("live")).await;
    listener.until_said_times("<-- 200", 4).await;

    let noted = listener.stderr();
    let lost = noted.lines().find(|line| line.contains("disconnected")).expect("it was told");
    let cause = lost.split_once("disconnected: ").unwrap().1;
    assert!(
        cause.starts_with(&format!("the connection to http://{} broke: ", scene.cstar.address())),
        "{lost}"
    );
    assert!(cause.contains("; trying again in "), "{lost}");
    let forwarded: Vec<_> = receiver.received().into_iter().map(|request| request.body).collect();
    assert!(forwarded.iter().eq(scene.team.log().await.iter().map(|(_, envelope)| envelope)));
    let ended = listener.interrupted(&scene.home).await;
    assert_eq!(ended.code, Some(0), "{ended}");
}

/// A listener may be started before its server; it is ready once the subscription stands, not before.
#[tokio::test]
async fn ready_is_said_once_the_server_has_said_so() {
    let mut scene = Scene::set().await;
    scene.cstar.kill_9();
    let listener = scene.home.start("listen");
    listener.until_noted("disconnected: cannot reach").await;
    assert!(!listener.stdout().contains("Ready"));
    scene.cstar.start().await;
    listener.until_said("Ready. Showing events").await;
    scene.team.publish("ticket.created", &ticket("heard")).await;
    listener.until_said("--> ticket.created").await;
}

/// RT-2: a place that is not in the log is told as a gap, in words and as an object.
#[tokio::test]
async fn a_gap_is_told() {
    let scene = Scene::set().await;
    let head = scene.team.publish("ticket.created", &ticket("kept")).await.position;
    let ahead = Position::new(head.epoch, head.seq + 41).to_string();
    let lines = scene.home.start(&format!("listen --after {ahead}"));
    let objects = scene.home.start(&format!("listen --after {ahead} --json"));
    lines.until_noted("cannot be replayed").await;
    objects.until_said("\"gap\"").await;
    let last = |text: String| scene.home.shown(text.lines().last().unwrap());
    assert_snapshot!(last(lines.stderr()), @"00:00:00  gap: events after 1.42 up to 1.1 cannot be replayed (unknown)");
    assert_snapshot!(last(objects.stdout()), @r#"{"told":"gap","from":"1.42","to":"1.1","reason":"unknown"}"#);
}

/// Ready is said in the same way on a terminal as in a pipe.
#[tokio::test]
async fn ready_is_said_on_a_terminal_too() {
    let scene = Scene::set().await;
    let command = format!("{} listen --color never", crate::CSTAR);
    let listener = scene.home.program("script", &["-qefc", &command, "/dev/null"]).silent_stdin().start();
    listener.until_said("Ready. Showing events").await;
    scene.home.stdout("trigger ticket.created").await;
    listener.until_said("--> ticket.created").await;
}

/// A key that is revoked ends its listener, with a word on why.
#[tokio::test]
async fn a_revoked_key_ends_its_listener() {
    let scene = Scene::set().await;
    let key = scene.team.key(&["events:read"], &["*"]).await;
    let listener = scene.home.cstar("listen").env("CSTAR_KEY", key.key.reveal()).start();
    listener.until_said("Ready").await;
    scene.home.run(&format!("keys revoke {} --yes", key.seen.id)).await;
    let ended = listener.ended(&scene.home).await;
    assert_eq!(ended.code, Some(3), "{ended}");
    assert_snapshot!(scene.home.shown(&ended.stderr), @r"
    error: the key was revoked: another one is needed
    hint:  the key is the one of --key, else of CSTAR_KEY, else of the profile
    ");
}

/// Nothing is needed but a profile.
#[tokio::test]
async fn without_a_profile_it_says_what_to_do() {
    assert_snapshot!(Home::new().run("listen").await, @r"
    exit 2
    --- stderr
    error: no key is known
    hint:  run `cstar dev` for a server on this machine, or set CSTAR_KEY, CSTAR_TEAM_ID and CSTAR_URL
    ");
}
