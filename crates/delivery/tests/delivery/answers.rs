//! Answers over HTTP/1.1, byte by byte: what is read of them, and what becomes of the connection.

use cstar_testkit::{Receiver, Reply};
use cstar_types::{DeliveryStatus, Outcome};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::world::{World, options};

/// Three deliveries, one after the other, to an endpoint that answers each with these bytes and goes on: what was kept of the
/// first answer's body, and over how many connections they went.
async fn answered_with(bytes: impl AsRef<[u8]>) -> (String, usize) {
    let bytes = bytes.as_ref().to_vec();
    let receiver = Receiver::new(move |_| Reply::raw(bytes.clone()).then_go()).await;
    let world = World::new().await;
    world.webhook(&receiver.url("/")).await;
    for count in 1..=3 {
        world.publish().await;
        world.ended(count).await;
    }
    let all = world.deliveries().await;
    for (delivery, attempts) in &all {
        assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Delivered, 1), "{attempts:?}");
    }
    (all[0].1[0].response_body.clone(), receiver.connections())
}

/// Answers whose end is known leave the connection to the next request, whatever form they have.
#[tokio::test]
async fn an_answer_by_the_book_keeps_the_connection() {
    for (bytes, body) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ntaken", "taken"),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\ntak\r\n2\r\nen\r\n0\r\nx-sum: 1\r\n\r\n",
            "taken",
        ),
        ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n", ""),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 -\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
            "a",
        ),
    ] {
        assert_eq!(answered_with(bytes).await, (body.to_owned(), 1), "{bytes:?}");
    }
}

/// What leaves a doubt costs the connection and nothing else: bytes of one answer are never taken for the next.
#[tokio::test]
async fn an_answer_that_leaves_a_doubt_costs_the_connection() {
    for (bytes, body) in [
        ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\ntaken", "taken"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ntakenHTTP/1.1 500 -\r\n\r\n", "taken"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n5\r\ntaken\r\n0\r\n\r\n",
            "taken",
        ),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\ntakenHTTP", "taken"),
        ("HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\ntaken", "taken"),
        ("HTTP/1.1 204 -\r\ncontent-length:\r\n\r\n", ""),
        ("HTTP/1.1 204 -\r\ncontent-length: 5\r\n\r\n", ""),
    ] {
        assert_eq!(answered_with(bytes).await, (body.to_owned(), 3), "{bytes:?}");
    }
}

/// T7: what is no answer by the book is none, and is not asked for again within the attempt.
#[tokio::test]
async fn a_garbled_head_is_a_failure() {
    for bytes in [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\ntaken",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx-a: b\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx-a: \0\r\n\r\n",
    ] {
        let receiver = Receiver::new(move |_| Reply::raw(bytes)).await;
        let mut options = options();
        options.retry_schedule = "".parse().unwrap();
        let (_, attempts) = World::with(options).await.deliver_to(&receiver.url("/")).await;
        assert_eq!(attempts[0].outcome, Outcome::BadResponse, "{bytes:?}: {}", attempts[0].detail);
        assert_eq!(receiver.received().len(), 1, "{bytes:?}");
    }
}

/// An endpoint that refuses a request before it has read it, and hangs up, has answered.
#[tokio::test]
async fn an_answer_before_the_end_of_the_request_counts() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let early = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 413 -\r\ncontent-length: 5\r\n\r\nlarge").await.unwrap();
        stream
    });
    let mut options = options();
    options.retry_schedule = "".parse().unwrap();
    let (_, attempts) = World::with(options).await.deliver_to(&url).await;
    assert_eq!((attempts[0].status_code, attempts[0].response_body.as_str()), (Some(413), "large"));
    drop(early);
}
