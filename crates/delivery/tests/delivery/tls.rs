//! Certificates are verified, and what is wrong with one is told.

use std::sync::Arc;
use std::time::Duration;

use cstar_delivery::Options;
use cstar_testkit::{Authority, Identity, Receiver, Reply, Validity};
use cstar_types::{Attempt, DeliveryStatus, Outcome};

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

#[tokio::test]
async fn a_stream_that_is_reset_is_a_failure() {
    let authority = Authority::new();
    let identity = authority.issue(NAME, Validity::Now).with_http2();
    let receiver = Receiver::over_tls(&identity, |_| Reply::hang_up()).await;
    let world = World::with(trusting(&authority)).await;
    let (_, attempts) = world.deliver_to(&receiver.url_at(NAME, "/")).await;
    assert_eq!(attempts[0].outcome, Outcome::Reset);
    assert_eq!(
        receiver.received().len(),
        1,
        "a reset is an answer; it is not asked again in the same attempt"
    );
}
