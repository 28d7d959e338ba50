//! What counts as success, what as failure, and what is said of each.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cstar_delivery::{Options, Resolver};
use cstar_testkit::{Receiver, Reply};
use cstar_types::limits::{RESPONSE_KEPT_BYTES, RESPONSE_READ_MAX_BYTES};
use cstar_types::{Attempt, DeliveryStatus, Outcome, RetrySchedule};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::world::{World, options};

/// Where no answer comes, so that a test does not take long.
const SHORT: Duration = Duration::from_millis(400);

/// One attempt at an endpoint that answers so. It has the usual time, so that a slow machine makes no difference.
async fn attempt_at(script: impl Fn() -> Reply + Send + Sync + 'static) -> (Attempt, DeliveryStatus) {
    attempt_within(Duration::from_secs(10), script).await
}

async fn attempt_within(
    attempt_timeout: Duration,
    script: impl Fn() -> Reply + Send + Sync + 'static,
) -> (Attempt, DeliveryStatus) {
    let retry_schedule = RetrySchedule::new(Vec::new()).unwrap();
    let options = Options { attempt_timeout, retry_schedule, ..options() };
    let (world, receiver) = (World::with(options).await, Receiver::new(move |_| script()).await);
    let (delivery, mut attempts) = world.deliver_to(&receiver.url("/")).await;
    assert_eq!(attempts.len(), 1);
    (attempts.remove(0), delivery.status)
}

fn is(attempt: &Attempt, outcome: Outcome, detail: &str) {
    assert_eq!((attempt.outcome, attempt.detail.as_str()), (outcome, detail));
}

/// W46, W47, W54: any 2xx is success, and the log has the answer.
#[tokio::test]
async fn two_hundreds_are_delivered() {
    for status in [200, 201, 202, 204, 299] {
        let (attempt, delivery) = attempt_at(move || Reply::status(status)).await;
        assert_eq!(delivery, DeliveryStatus::Delivered, "{status}");
        assert_eq!(attempt.status_code, Some(status));
    }
    let (attempt, _) =
        attempt_at(|| Reply::status(200).header("x-a", "b").body(r#"{"received":true}"#)).await;
    assert_eq!(attempt.response_body, r#"{"received":true}"#);
    assert!(attempt.response_headers.contains(&("x-a".into(), "b".into())));
    assert_eq!(attempt.detail, "your endpoint answered 200");
}

/// W48, T7: everything else is failure; a redirect is not followed.
#[tokio::test]
async fn every_other_status_fails() {
    for status in [300, 304, 400, 401, 404, 410, 429, 500, 503, 599] {
        let (attempt, delivery) = attempt_at(move || Reply::status(status)).await;
        assert_eq!((attempt.outcome, delivery), (Outcome::HttpStatus, DeliveryStatus::Failed), "{status}");
        assert!(attempt.detail.contains(&status.to_string()));
    }
}

/// W49, T7: no head within the deadline, however it fails to come.
#[tokio::test]
async fn an_answer_that_does_not_come_in_time_fails() {
    let said = "no response within 400 ms";
    is(&attempt_within(SHORT, Reply::never).await.0, Outcome::Timeout, said);
    let dripping = || Reply::status(200).dripping(Duration::from_millis(50));
    is(&attempt_within(SHORT, dripping).await.0, Outcome::Timeout, said);
    let informing = || Reply::raw("HTTP/1.1 102 Processing\r\n\r\n").then_hang();
    is(&attempt_within(SHORT, informing).await.0, Outcome::Timeout, said);
}

/// T7: once the head says 2xx, neither a slow nor a large body takes it back.
#[tokio::test]
async fn the_body_decides_nothing() {
    let unfinished = || Reply::status(200).unfinished_body("beginning");
    let (attempt, delivery) = attempt_within(SHORT, unfinished).await;
    assert_eq!((delivery, attempt.response_body.as_str()), (DeliveryStatus::Delivered, "beginning"));
    assert!(attempt.duration_ms >= 400, "what was left of the deadline was waited for");

    let cut = || Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ncut");
    let (attempt, delivery) = attempt_at(cut).await;
    assert_eq!((delivery, attempt.response_body.as_str()), (DeliveryStatus::Delivered, "cut"));

    let (attempt, delivery) = attempt_within(SHORT, || Reply::status(500).unfinished_body("why")).await;
    assert_eq!((delivery, attempt.response_body.as_str()), (DeliveryStatus::Failed, "why"));
}

/// T7: of a body without an end no more is read than is promised, however much time is left.
#[tokio::test]
async fn an_endless_body_is_read_to_its_bound() {
    // What the two ends of a connection hold between them, at most.
    const BUFFERS: usize = 16 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let endless = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n").await.unwrap();
        let mut written = 0;
        while let Ok(bytes) = stream.write(&[b'a'; 16 * 1024]).await {
            written += bytes;
        }
        written
    });
    let world = World::new().await;
    let (delivery, attempts) = world.deliver_to(&url).await;
    assert_eq!(delivery.status, DeliveryStatus::Delivered);
    assert_eq!(attempts[0].response_body.len(), RESPONSE_KEPT_BYTES);
    let written = endless.await.unwrap();
    assert!((RESPONSE_READ_MAX_BYTES..BUFFERS).contains(&written), "{written} bytes were taken");
}

/// T7: the time runs from the start of resolving.
#[tokio::test]
async fn a_name_that_does_not_resolve_in_time_fails() {
    struct Silent;
    #[async_trait]
    impl Resolver for Silent {
        async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            std::future::pending().await
        }
    }
    let options = Options {
        attempt_timeout: SHORT,
        resolver: Arc::new(Silent),
        retry_schedule: RetrySchedule::new(Vec::new()).unwrap(),
        ..options()
    };
    let (delivery, attempts) = World::with(options).await.deliver_to("http://silent.example/").await;
    assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Failed, 1));
    is(&attempts[0], Outcome::Timeout, "the host name did not resolve within 400 ms");
    assert!((400..2000).contains(&attempts[0].duration_ms), "{} ms", attempts[0].duration_ms);
}

/// Nothing is decompressed: what is kept are the bytes that came.
#[tokio::test]
async fn a_compressed_answer_is_kept_as_it_came() {
    let bomb = || Reply::status(200).header("content-encoding", "gzip").body(vec![0x1f, 0x8b, 8, 0]);
    let (attempt, _) = attempt_at(bomb).await;
    assert_eq!(attempt.response_body, "\u{1f}\u{fffd}\u{8}\0");
}

#[tokio::test]
async fn broken_answers_are_told_apart() {
    let broke = "your endpoint closed the connection before it answered";
    is(&attempt_at(Reply::hang_up).await.0, Outcome::Reset, broke);
    is(&attempt_at(|| Reply::raw("HTTP/1.1 200")).await.0, Outcome::Reset, broke);
    let no_http =
        "your endpoint answered with something that is not HTTP, or with more headers than are read";
    is(&attempt_at(|| Reply::raw("SSH-2.0-OpenSSH_9.6\r\n")).await.0, Outcome::BadResponse, no_http);
    let large = || Reply::status(200).header("x-large", &"a".repeat(1 << 20));
    is(&attempt_at(large).await.0, Outcome::BadResponse, no_http);
    let many = || (0..500).fold(Reply::status(200), |reply, _| reply.header("x-a", "b"));
    is(&attempt_at(many).await.0, Outcome::BadResponse, no_http);
    // Interim answers count, or they could go on until the deadline.
    let informing = || Reply::flood("HTTP/1.1 102 Processing\r\n\r\n");
    is(&attempt_at(informing).await.0, Outcome::BadResponse, no_http);
}

#[tokio::test]
async fn no_connection_is_told() {
    let world = World::new().await;
    let closed = { Receiver::ok().await.url("/") };
    let (_, attempts) = world.deliver_to(&closed).await;
    is(&attempts[0], Outcome::Connect, "the connection was refused");
    assert_eq!(attempts[0].status_code, None);
}
