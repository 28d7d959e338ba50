//! `cstar listen --forward-to`: what reaches the local server, and what does not.

use std::net::Ipv6Addr;

use cstar_signature::{Headers, Secret, TOLERANCE_S, verify_body, verify_standard};
use cstar_testkit::{Authority, Identity, Received, Receiver, Reply, Validity, has_ipv6};
use insta::assert_snapshot;

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
    let receiver = Receiver::new(|request| match request.path.as_str() {
        "/moved" => Reply::status(302).header("location", "/"),
        "/hangs-up" => Reply::hang_up(),
        _ => Reply::status(503),
    })
    .await;
    scene.home.call(&receiver.address().to_string(), "RECEIVER");
    let targets = ["/fails", "/moved", "/hangs-up"].map(|path| receiver.url(path));
    let targets: String = targets.iter().map(|target| format!(" --forward-to {target}")).collect();
    let closed = "http://127.0.0.1:9/closed";
    let listener = scene.home.start(&format!("listen --forward-to {closed} {targets}"));
    listener.until_said("Ready").await;
    for title in ["first", "second"] {
        scene.team.publish("ticket.created", &ticket(title)).await;
    }
    listener.until_said_times("/hangs-up: ", 2).await;
    assert_snapshot!(listener.interrupted(&scene.home).await, @r"
    exit 6
    --- stdout
    Ready. Forwarding events to http://127.0.0.1:9/closed, http://RECEIVER/fails, http://RECEIVER/moved, http://RECEIVER/hangs-up
      server  http://SERVER/
      team    TEAM
      secret  whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  (WEBHOOK_SECRET)
    00:00:00  --> ticket.created  evt_xxxxxxxxxxxxxxxxxxxxxxxxxx
    00:00:00  <-- not forwarded  http://127.0.0.1:9/closed: Connection refused (os error 111)
    00:00:00  <-- 503  http://RECEIVER/fails  N ms
    00:00:00  <-- 302  http://RECEIVER/moved  N ms
    00:00:00  <-- not forwarded  http://RECEIVER/hangs-up: connection closed before message completed
    00:00:00  --> ticket.created  evt_xxxxxxxxxxxxxxxxxxxxxxxxxx
    00:00:00  <-- not forwarded  http://127.0.0.1:9/closed: Connection refused (os error 111)
    00:00:00  <-- 503  http://RECEIVER/fails  N ms
    00:00:00  <-- 302  http://RECEIVER/moved  N ms
    00:00:00  <-- not forwarded  http://RECEIVER/hangs-up: connection closed before message completed
    --- stderr
    error: 8 of 8 forwards failed
    ");
}

/// A local server that does not answer holds the listener up for the time that was given, and no longer.
#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let scene = Scene::set().await;
    let receiver = Receiver::new(|_| Reply::never()).await;
    let listener = scene.home.start(&format!("listen --timeout 300ms --forward-to {}", receiver.url("/")));
    listener.until_said("Ready").await;
    for title in ["first", "second"] {
        scene.team.publish("ticket.created", &ticket(title)).await;
    }
    listener.until_said_times(": no answer in time", 2).await;
    let ended = listener.interrupted(&scene.home).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(6), "error: 2 of 2 forwards failed\n"));
}

/// `localhost` is tried on both families: the local server may listen on either, where there are both.
#[tokio::test]
async fn localhost_is_tried_on_both_families() {
    if !has_ipv6() {
        return;
    }
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
