//! A connection whose other end is in the test's hand.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};

use tokio::io::AsyncWriteExt as _;

use super::*;

/// A connection to which a byte was written that the other end, which blocks, has not read: hung up, it resets.
async fn connection() -> (Http1, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut near = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    near.write_all(b"P").await.unwrap();
    let (far, _) = listener.accept().unwrap();
    let mut http1 = Http1::over(Stream::Plain(near));
    http1.sending = Sending::of(b"OST / HTTP/1.1\r\n\r\n");
    (http1, far)
}

/// The reset is met while writing, before the system has said that there is something to read.
#[tokio::test]
async fn an_answer_before_a_reset_is_read() {
    let (mut http1, mut far) = connection().await;
    assert!(http1.is_open());
    far.write_all(b"HTTP/1.1 410 -\r\ncontent-length: 4\r\n\r\ngone").unwrap();
    drop(far);
    let head = http1.answer().await.map_err(|broken| broken.failure).unwrap();
    assert_eq!(head.status, 410);
    let mut kept = Kept::default();
    assert!(!http1.read(&mut kept).await, "the request was not written");
    assert_eq!(kept.bytes, b"gone");
}

/// The same without an answer is told at once, and as nothing heard.
#[tokio::test]
async fn a_reset_without_an_answer_is_heard() {
    let (mut http1, far) = connection().await;
    assert!(http1.is_open());
    drop(far);
    let broken = http1.answer().await.err().unwrap();
    assert!(broken.unheard && matches!(broken.failure, Failure::Broken), "{:?}", broken.failure);
}

#[tokio::test]
async fn an_idle_connection_holds_no_large_head() {
    let (mut http1, mut far) = connection().await;
    let line = format!("x-a: {}\r\n", "b".repeat(20 * 1024));
    write!(far, "HTTP/1.1 200 OK\r\n{line}content-length: 0\r\n\r\n").unwrap();
    assert_eq!(http1.answer().await.map_err(|broken| broken.failure).unwrap().status, 200);
    assert!(http1.read(&mut Kept::default()).await && http1.is_open());
    assert!(!http1.unread.try_reclaim(IDLE_BYTES_MAX + 1), "{}", http1.unread.capacity());
}
