//! Certificates are verified, and what is wrong with one is told.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cstar_delivery::Options;
use cstar_testkit::{Authority, Gate, Identity, Receiver, Reply, Validity};
use cstar_types::{Attempt, DeliveryStatus, Outcome};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::world::{Names, World, options};

const NAME: &str = "hooks.example.com";

fn trusting(authority: &Authority) -> Options {
    let names = Names::default();
    names.lead(NAME, &[&["127.0.0.1"]]);
    let mut options = options();
    options.resolver = Arc::new(names);
    options.retry_schedule = "".parse().unwrap();
    options.extra_authorities_pem = Some(authority.pem().as_bytes().to_vec());
    options
}

async fn attempt_at(authority: &Authority, identity: &Identity) -> Attempt {
    let receiver = Receiver::over_tls(identity, |_| Reply::status(200)).await;
    let world = World::with(trusting(authority)).await;
    let (_, mut attempts) = world.deliver_to(&receiver.url_at(NAME, "/")).await;
    attempts.remove(0)
}

#[tokio::test]
async fn a_good_certificate_of_an_extra_authority_is_taken() {
    let authority = Authority::new();
    let attempt = attempt_at(&authority, &authority.issue(NAME, Validity::Now)).await;
    assert_eq!((attempt.outcome, attempt.detail.as_str()), (Outcome::Success, "your endpoint answered 200"));
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let untrusted = "the certificate is self-signed, or its issuer is not trusted, or an intermediate certificate is missing";
    for (identity, detail) in [
        (authority.issue(NAME, Validity::Expired), "the certificate expired on 2024-03-01"),
        (authority.issue(NAME, Validity::NotYet), "the certificate is not valid before 2090-01-01"),
        (authority.issue("other.example.com", Validity::Now), "the certificate is for another host name"),
        (Identity::self_signed(NAME), untrusted),
        (stranger.issue(NAME, Validity::Now), untrusted),
    ] {
        let attempt = attempt_at(&authority, &identity).await;
        assert_eq!((attempt.outcome, attempt.detail.as_str()), (Outcome::Tls, detail));
    }
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_is_told() {
    let receiver = Receiver::ok().await;
    let mut options = trusting(&Authority::new());
    options.attempt_timeout = Duration::from_millis(300);
    let world = World::with(options).await;
    let url = receiver.url_at(NAME, "/").replace("http://", "https://");
    let (_, attempts) = world.deliver_to(&url).await;
    // It waits for the end of a line that TLS does not write.
    let told = "the TLS handshake did not end within 300 ms";
    assert_eq!((attempts[0].outcome, attempts[0].detail.as_str()), (Outcome::Timeout, told));
}

/// W1 over HTTP/2: the same headers and body, and one connection for all.
#[tokio::test]
async fn http2_is_spoken_where_it_is_offered() {
    let authority = Authority::new();
    let identity = authority.issue(NAME, Validity::Now).with_http2();
    let receiver = Receiver::over_tls(&identity, |_| Reply::status(200).body("taken")).await;
    let world = World::with(trusting(&authority)).await;
    world.webhook(&receiver.url_at(NAME, "/a?b=c")).await;
    for _ in 0..20 {
        let event = world.publish().await;
        let count = receiver.received().len() + 1;
        let received = receiver.until_received(count).await.remove(count - 1);
        assert_eq!((received.path.as_str(), &received.body), ("/a?b=c", &event.body));
        assert_eq!(received.header("content-type"), "application/json");
        assert_eq!(received.header("x-cstar-signature").len(), 64);
    }
    for (delivery, attempts) in world.ended(20).await {
        assert_eq!(
            (delivery.status, attempts[0].response_body.as_str()),
            (DeliveryStatus::Delivered, "taken")
        );
    }
    assert!(receiver.connections() <= 2, "{} connections", receiver.connections());
}

/// What is no HTTP answer is a reset stream in HTTP/2: an answer of a kind, so it is not asked again in the same attempt.
#[tokio::test]
async fn a_stream_that_is_reset_is_a_failure() {
    let authority = Authority::new();
    let identity = authority.issue(NAME, Validity::Now).with_http2();
    let receiver = Receiver::over_tls(&identity, |request| match request.header("webhook-id") {
        id if id.starts_with("evt_test_") => Reply::raw("no HTTP"),
        _ => Reply::status(200),
    })
    .await;
    let world = World::with(trusting(&authority)).await;
    world.webhook(&receiver.url_at(NAME, "/")).await;
    world.publish().await;
    world.ended(1).await;
    world.publish_as(true).await;
    let all = world.ended(2).await;
    assert_eq!(all.iter().filter(|(_, attempts)| attempts[0].outcome == Outcome::Reset).count(), 1);
    assert_eq!((receiver.received().len(), receiver.connections()), (2, 1));
}

/// A pooled HTTP/2 connection that proves dead is replaced once, within the same attempt.
#[tokio::test]
async fn an_http2_connection_that_died_is_replaced() {
    let authority = Authority::new();
    let identity = authority.issue(NAME, Validity::Now).with_http2();
    let used = Mutex::new(HashSet::new());
    let receiver = Receiver::over_tls(&identity, move |request| {
        let is_first = used.lock().unwrap().insert(request.connection);
        if is_first { Reply::status(200) } else { Reply::hang_up() }
    })
    .await;
    let world = World::with(trusting(&authority)).await;
    world.webhook(&receiver.url_at(NAME, "/")).await;
    for ended in 1..=4 {
        world.publish().await;
        world.ended(ended).await;
    }
    for (delivery, attempts) in world.ended(4).await {
        assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Delivered, 1), "{attempts:?}");
    }
    assert_eq!((receiver.received().len(), receiver.connections()), (7, 4));
}

/// A connection that falls silent, with nothing to tell that it is dead, costs one attempt: the next has another.
#[tokio::test]
async fn an_http2_connection_that_falls_silent_is_left_behind() {
    let authority = Authority::new();
    let identity = authority.issue(NAME, Validity::Now).with_http2();
    let (silence, used) = (Gate::closed(), Mutex::new(HashSet::new()));
    let receiver = Receiver::over_tls(&identity, move |request| {
        let is_first = used.lock().unwrap().insert(request.connection);
        let reply = Reply::status(200);
        if request.connection == 0 && !is_first { reply.behind(&silence) } else { reply }
    })
    .await;
    let mut options = trusting(&authority);
    options.attempt_timeout = Duration::from_secs(1);
    options.retry_schedule = "20ms".parse().unwrap();
    let world = World::with(options).await;
    world.webhook(&receiver.url_at(NAME, "/")).await;
    let (mut outcomes, [timeout, success]) = (Vec::new(), [Outcome::Timeout, Outcome::Success]);
    for ended in 1..=2 {
        world.publish().await;
        let all = world.ended(ended).await;
        outcomes = all.iter().map(|(_, made)| made.iter().map(|one| one.outcome).collect()).collect();
    }
    outcomes.sort_by_key(Vec::len);
    assert_eq!(outcomes, [vec![success], vec![timeout, success]]);
    assert_eq!(receiver.connections(), 2);
}

/// What follows while the first request on a new connection is still unanswered shares it.
#[tokio::test]
async fn a_new_http2_connection_is_shared_at_once() {
    let authority = Authority::new();
    let identity = authority.issue(NAME, Validity::Now).with_http2();
    let (gate, used) = (Gate::closed(), Mutex::new(HashSet::new()));
    let held = gate.clone();
    let receiver = Receiver::over_tls(&identity, move |request| {
        let is_first = used.lock().unwrap().insert(request.connection);
        match request.connection {
            0 if is_first => Reply::status(200),
            0 => Reply::hang_up(),
            _ => Reply::status(200).behind(&held),
        }
    })
    .await;
    let world = World::with(trusting(&authority)).await;
    world.webhook(&receiver.url_at(NAME, "/")).await;
    world.publish().await;
    world.ended(1).await;
    world.publish().await;
    receiver.until_received(3).await; // once on each connection
    world.publish().await;
    receiver.until_received(4).await;
    assert_eq!(receiver.connections(), 2);
    gate.open();
    world.ended(3).await;
}

/// However many requests find their connection dead at once, one new connection is opened for all.
#[tokio::test]
async fn a_burst_over_http2_opens_one_connection() {
    const WARM: usize = 40;
    let authority = Authority::new();
    let identity = authority.issue(NAME, Validity::Now).with_http2();
    let cut = Arc::new(AtomicBool::new(false));
    let cutting = Arc::clone(&cut);
    let receiver = Receiver::over_tls(&identity, move |request| {
        if request.connection == 0 && cutting.load(Ordering::Relaxed) {
            Reply::hang_up()
        } else {
            Reply::status(200)
        }
    })
    .await;
    let world = World::with(trusting(&authority)).await;
    world.webhook(&receiver.url_at(NAME, "/")).await;
    for _ in 0..WARM {
        world.publish().await;
    }
    world.ended(WARM).await;
    assert_eq!(receiver.connections(), 1);
    cut.store(true, Ordering::Relaxed);
    // Nothing of this waits for anything: the engine starts as many as the endpoint's pace lets it.
    for _ in 0..WARM {
        world.publish().await;
    }
    for (delivery, attempts) in world.ended(2 * WARM).await {
        assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Delivered, 1));
    }
    assert_eq!(receiver.connections(), 2);
}

/// A server that knows only versions of TLS that are no longer safe refuses ours with an alert.
#[tokio::test]
async fn an_old_version_of_tls_is_told() {
    const PROTOCOL_VERSION_ALERT: [u8; 7] = [21, 3, 1, 0, 2, 2, 70];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{NAME}:{}/", listener.local_addr().unwrap().port());
    let old = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(&PROTOCOL_VERSION_ALERT).await.unwrap();
        std::future::pending::<()>().await;
    });
    let world = World::with(trusting(&Authority::new())).await;
    let (_, attempts) = world.deliver_to(&url).await;
    old.abort();
    let told = "your endpoint offers no version of TLS, or no cipher, that is safe: 1.2 or later is needed";
    assert_eq!((attempts[0].outcome, attempts[0].detail.as_str()), (Outcome::Tls, told));
}
