//! `cstar listen`.

use std::net::Ipv6Addr;

use cstar_signature::{Headers, Secret, TOLERANCE_S, verify_body, verify_standard};
use cstar_testkit::{Authority, Gate, Identity, Received, Receiver, Reply, Validity};
use cstar_types::Position;
use insta::assert_snapshot;
use serde_json::Value;

use crate::home::Home;
use crate::scene::Scene;
use crate::ticket;

/// Checks a request as whoever knows the secret does.
#[track_caller]
fn verify(secret: &str, request: &Received) {
    let secret = Secret::parse(secret).unwrap();
    verify_body(&secret, &request.body, Some(request.header("x-cstar-signature"))).unwrap();
    let headers =
        Headers::from_fn(|name| request.headers.get(name).map(hyper::header::HeaderValue::as_bytes));
    let now = request.header("webhook-timestamp").parse().unwrap();
    verify_standard(&secret, headers, &request.body, now, TOLERANCE_S).unwrap();
}

/// W55–W57, T9, T20–T22: with no webhook registered, what is triggered and what is published reaches the local server in
/// the log's order, as a webhook does: the stored bytes, its headers, and signatures that the printed secret verifies.
#[tokio::test]
async fn events_are_forwarded_as_webhooks() {
    let scene = Scene::set().await;
    let receiver = Receiver::ok().await;
    scene.home.call(&receiver.address().to_string(), "RECEIVER");
    let listener =
        scene.home.start(&format!("listen --forward-to {} -H 'X-Token: abc'", receiver.url("/webhook")));
    listener.until_said("Ready").await;
    scene.home.stdout("trigger ticket.created").await;
    scene.team.publish("customer.updated", &ticket("published")).await;
    listener.until_said_times("<-- 200", 2).await;

    let secret = scene.home.stdout("listen --print-secret").await;
    let received = receiver.received();
    let log = scene.team.log().await;
    assert!(
        received.iter().map(|request| &request.body[..]).eq(log.iter().map(|(_, event)| event.as_bytes()))
    );
    for request in &received {
        verify(secret.trim(), request);
        let id = request.header("webhook-id");
        assert_eq!(
            request.header("x-cstar-delivery"),
            id.replace("evt_test_", "dlv_").replace("evt_", "dlv_")
        );
        for (name, value) in [
            ("content-type", "application/json"),
            ("user-agent", "cStar-Webhooks/1"),
            ("x-cstar-attempt", "1"),
            ("x-token", "abc"),
        ] {
            assert_eq!(request.header(name), value, "{name}");
        }
    }
    let column = |name| received.iter().map(|request| request.header(name)).collect::<Vec<_>>();
    assert_eq!(column("x-cstar-event"), ["ticket.created", "customer.updated"]);
    assert_eq!(column("x-cstar-test"), ["true", ""]);
    assert_snapshot!(listener.interrupted(&scene.home).await, @r"
    exit 0
    --- stdout
    Ready. Forwarding events to http://RECEIVER/webhook
      server  http://SERVER/
      team    TEAM
      secret  whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  (WEBHOOK_SECRET)
    00:00:00  --> ticket.created  evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx
    00:00:00  <-- 200  http://RECEIVER/webhook  N ms
    00:00:00  --> customer.updated  evt_xxxxxxxxxxxxxxxxxxxxxxxxxx
    00:00:00  <-- 200  http://RECEIVER/webhook  N ms
    ");
}

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

/// A secret that is given signs instead of the listener's own; what is none is refused.
#[tokio::test]
async fn a_given_secret_signs() {
    let scene = Scene::set().await;
    let receiver = Receiver::ok().await;
    let given = Secret::generate([7; 32]);
    let listener =
        scene.home.start(&format!("listen --forward-to {} --secret {}", receiver.url("/"), given.reveal()));
    listener.until_said("Ready").await;
    scene.team.publish("ticket.created", &ticket("signed")).await;
    verify(given.reveal(), &receiver.until_received(1).await[0]);
    assert_snapshot!(scene.home.run("listen --secret whsec_short").await, @r"
    exit 2
    --- stderr
    error: --secret: what follows `whsec_` is not standard base64 with padding: copy the secret again, to its last character
    ");
}

/// The forms in which people write a target, several of them, and only the events that were asked for.
#[tokio::test]
async fn targets_are_written_as_people_do() {
    let scene = Scene::set().await;
    let receiver = Receiver::ok().await;
    let port = receiver.address().port();
    let targets =
        [format!("{port}/a"), format!(":{port}/b"), format!("localhost:{port}/c"), receiver.url("/d")];
    let targets: String = targets.iter().map(|target| format!(" --forward-to {target}")).collect();
    for event_type in ["ticket.created", "customer.created", "boss.defeated", "boss.spawned"] {
        scene.team.publish(event_type, &ticket(event_type)).await;
    }
    let listener = scene.home.start(&format!("listen --events ticket.*,boss.defeated --after 0 {targets}"));
    listener.until_said_times("<-- 200", 8).await;
    let paths: Vec<String> = receiver.received().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/a", "/b", "/c", "/d"].repeat(2), "one after the other, event by event");
    let stdout = listener.stdout();
    assert!(stdout.contains("ticket.created") && stdout.contains("boss.defeated"), "{stdout}");
    assert!(!stdout.contains("customer.created") && !stdout.contains("boss.spawned"), "{stdout}");
}

/// What could not be forwarded is said, each with its cause, and the listener goes on; in the end it tells by its exit code.
#[tokio::test]
async fn what_is_not_forwarded_is_said() {
    let scene = Scene::set().await;
    let gate = Gate::closed();
    let held = gate.clone();
    let receiver = Receiver::new(move |request| match request.path.as_str() {
        "/slow" => Reply::status(200).behind(&held),
        "/moved" => Reply::status(302).header("location", "/"),
        "/hangs-up" => Reply::hang_up(),
        _ => Reply::status(503),
    })
    .await;
    scene.home.call(&receiver.address().to_string(), "RECEIVER");
    let targets = ["/fails", "/moved", "/hangs-up", "/slow"].map(|path| receiver.url(path));
    let targets: String = targets.iter().map(|target| format!(" --forward-to {target}")).collect();
    let closed = "http://127.0.0.1:9/closed";
    let listener = scene.home.start(&format!("listen --timeout 300ms --forward-to {closed} {targets}"));
    listener.until_said("Ready").await;
    scene.team.publish("ticket.created", &ticket("first")).await;
    listener.until_said("no answer").await;
    scene.team.publish("ticket.created", &ticket("second")).await;
    listener.until_said_times("no answer", 2).await;
    assert_snapshot!(listener.interrupted(&scene.home).await, @r"
    exit 6
    --- stdout
    Ready. Forwarding events to http://127.0.0.1:9/closed, http://RECEIVER/fails, http://RECEIVER/moved, http://RECEIVER/hangs-up, http://RECEIVER/slow
      server  http://SERVER/
      team    TEAM
      secret  whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  (WEBHOOK_SECRET)
    00:00:00  --> ticket.created  evt_xxxxxxxxxxxxxxxxxxxxxxxxxx
    00:00:00  <-- not forwarded  http://127.0.0.1:9/closed: Connection refused (os error 111)
    00:00:00  <-- 503  http://RECEIVER/fails  N ms
    00:00:00  <-- 302  http://RECEIVER/moved  N ms
    00:00:00  <-- not forwarded  http://RECEIVER/hangs-up: connection closed before message completed
    00:00:00  <-- not forwarded  http://RECEIVER/slow: no answer in time
    00:00:00  --> ticket.created  evt_xxxxxxxxxxxxxxxxxxxxxxxxxx
    00:00:00  <-- not forwarded  http://127.0.0.1:9/closed: Connection refused (os error 111)
    00:00:00  <-- 503  http://RECEIVER/fails  N ms
    00:00:00  <-- 302  http://RECEIVER/moved  N ms
    00:00:00  <-- not forwarded  http://RECEIVER/hangs-up: connection closed before message completed
    00:00:00  <-- not forwarded  http://RECEIVER/slow: no answer in time
    --- stderr
    error: 10 of 10 forwards failed
    ");
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
    listener.signal("STOP");
    scene.cstar.kill_9();
    scene.cstar.start().await;
    for title in ["missed", "missed, too"] {
        scene.team.publish("ticket.created", &ticket(title)).await;
    }
    listener.signal("CONT");
    listener.until_said("connected again, 2 events replayed").await;
    scene.team.publish("ticket.created", &ticket("live")).await;
    listener.until_said_times("<-- 200", 4).await;

    let stdout = listener.stdout();
    let lost = stdout.lines().find(|line| line.contains("disconnected")).expect("it was told");
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
    listener.until_said("disconnected: cannot reach").await;
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
    lines.until_said("cannot be replayed").await;
    objects.until_said("\"gap\"").await;
    let last = |text: String| scene.home.shown(text.lines().last().unwrap());
    assert_snapshot!(last(lines.stdout()), @"00:00:00  gap: events after 1.42 up to 1.1 cannot be replayed (unknown)");
    assert_snapshot!(last(objects.stdout()), @r#"{"told":"gap","from":"1.42","to":"1.1","reason":"unknown"}"#);
}

/// `localhost` is tried on both families: the local server may listen on either.
#[tokio::test]
async fn localhost_is_tried_on_both_families() {
    let scene = Scene::set().await;
    let receiver = Receiver::at((Ipv6Addr::LOCALHOST, 0).into(), |_| Reply::status(200)).await;
    let target = format!("localhost:{}/six", receiver.address().port());
    let listener = scene.home.start(&format!("listen --forward-to {target}"));
    listener.until_said("Ready").await;
    scene.team.publish("ticket.created", &ticket("over IPv6")).await;
    listener.until_said("<-- 200").await;
    assert_eq!(receiver.received_at("/six").len(), 1);
}

/// An http target needs no certificates of the system; an https one does, and is verified unless that is waived.
#[tokio::test]
async fn certificates_are_verified_unless_waived() {
    let scene = Scene::set().await;
    let authority = Authority::new();
    scene.home.write("authority.pem", authority.pem());
    let plain = Receiver::ok().await;
    let good = Receiver::over_tls(&authority.issue("localhost", Validity::Now), |_| Reply::status(200)).await;
    let bad = Receiver::over_tls(&Identity::self_signed("localhost"), |_| Reply::status(200)).await;
    let forward = |[one, other]: [String; 2], flags: &str, certificates: &str| {
        let line = format!("listen --after 0 --forward-to {one} --forward-to {other} {flags}");
        let certificates = scene.home.path(certificates);
        scene.home.cstar(&line).env("SSL_CERT_FILE", certificates).env("SSL_CERT_DIR", "/nowhere").start()
    };
    scene.team.publish("ticket.created", &ticket("over TLS")).await;
    let at = |receiver: &Receiver| receiver.url_at("localhost", "/");

    let none = forward([at(&plain), plain.url("/")], "", "missing.pem");
    none.until_said_times("<-- 200", 2).await;
    let verified = forward([at(&good), at(&bad)], "", "authority.pem");
    verified.until_said("<-- 200").await;
    verified.until_said("<-- not forwarded").await;
    assert_eq!(bad.received().len(), 0);
    let waived = forward([at(&good), at(&bad)], "--skip-verify", "authority.pem");
    waived.until_said_times("<-- 200", 2).await;

    scene.home.call(&good.address().port().to_string(), "PORT");
    scene.home.call(&bad.address().port().to_string(), "PORT");
    let refused = forward([at(&good), at(&bad)], "", "missing.pem").ended(&scene.home).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused}");
    assert!(refused.stderr.contains("install the system's certificates"), "{refused}");
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
    error: the key was revoked, or the token has expired: another one is needed
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
