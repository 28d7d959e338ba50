//! What the stream waits for, in time that stands still but for timers; and what it does while nobody polls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cstar_types::{Cursor, Position};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::{Instant, sleep, timeout};

use super::{next, shown};
use crate::realtime::{ByteStream, Realtime, RealtimeOptions};
use crate::testing::{MemoryServer, Shown, event, ready};
use crate::{Error, Result, State, StreamEnd, StreamEvent};

type Opening = BoxFuture<'static, Result<ByteStream>>;

const HEARTBEAT: &str = "event: cstar.heartbeat\nid: 1.40\ndata: {}\n\n";

fn at(seq: u64) -> Position {
    Position::new(1, seq)
}

fn opening(bytes: impl futures_util::Stream<Item = Result<Bytes>> + Send + 'static) -> Opening {
    async { Ok(bytes.boxed()) }.boxed()
}

/// A connection on which each text comes so many seconds after the one before, and which then stays silent.
fn timed(texts: impl IntoIterator<Item = (u64, String)>) -> Opening {
    let texts: Vec<_> = texts.into_iter().collect();
    let texts = stream::iter(texts).then(|(seconds, text)| async move {
        sleep(Duration::from_secs(seconds)).await;
        Ok(Bytes::from(text))
    });
    opening(texts.chain(stream::pending()))
}

fn over(connections: impl IntoIterator<Item = Opening>) -> Realtime {
    Realtime::over(Box::new(MemoryServer::new(connections)), &RealtimeOptions::default(), || 0.0)
}

/// Reads until the stream stands.
async fn stand(realtime: &mut Realtime) {
    while !matches!(next(realtime).await, Shown::Open(_)) {}
    assert!(realtime.connected());
}

async fn next_error(realtime: &mut Realtime) -> Error {
    match realtime.next().await {
        Some(StreamEvent::State(State::Disconnected(disconnected))) => disconnected.error,
        other => panic!("{other:?}"),
    }
}

/// R4: two and a half heartbeats without a byte are the end of a connection.
#[tokio::test(start_paused = true)]
async fn silence_is_noticed_after_two_and_a_half_heartbeats() {
    let mut realtime = over([timed([(0, ready(false, Some("1.40"), 15_000)), (30, HEARTBEAT.into())])]);
    stand(&mut realtime).await;
    let start = Instant::now();
    let limit = Duration::from_millis(37_500);
    let error = next_error(&mut realtime).await;
    assert!(matches!(error, Error::Stream(StreamEnd::Silent(silent)) if silent == limit), "{error}");
    assert_eq!(start.elapsed(), Duration::from_secs(30) + limit);
    assert!(!realtime.connected());
}

/// Heartbeats that come in time keep a stream alive, and so does any other byte.
#[tokio::test(start_paused = true)]
async fn a_quiet_stream_is_not_a_dead_one() {
    let heartbeats = std::iter::repeat_n((37, ":".to_owned()), 40);
    let texts = [(0, ready(false, Some("1.40"), 15_000))].into_iter().chain(heartbeats);
    let mut realtime = over([timed(texts.chain([(37, format!("\n{}", event(at(41))))]))]);
    stand(&mut realtime).await;
    assert_eq!(next(&mut realtime).await, Shown::Event(at(41)));
}

/// A reader that is busy elsewhere has not heard nothing: it has not listened.
#[tokio::test(start_paused = true)]
async fn silence_is_counted_only_while_somebody_reads() {
    let mut realtime = over([timed([(0, ready(false, Some("1.40"), 15_000)), (1, event(at(41)))])]);
    stand(&mut realtime).await;
    assert!(timeout(Duration::ZERO, realtime.next()).await.is_err(), "nothing is there yet");
    sleep(Duration::from_secs(600)).await;
    assert_eq!(next(&mut realtime).await, Shown::Event(at(41)));
}

/// The same where what came meanwhile is noticed only a moment after the reader is back.
#[tokio::test(start_paused = true)]
async fn a_reader_that_comes_back_looks_before_it_gives_up() {
    let first = Bytes::from(ready(false, Some("1.40"), 15_000));
    let polls = AtomicUsize::new(0);
    let late = stream::poll_fn(move |cx| match polls.fetch_add(1, Ordering::Relaxed) {
        0 => std::task::Poll::Ready(Some(Ok(first.clone()))),
        1 => std::task::Poll::Pending, // until somebody looks again
        2 => {
            cx.waker().wake_by_ref(); // as a connection's own task does once bytes are wanted
            std::task::Poll::Pending
        }
        3 => std::task::Poll::Ready(Some(Ok(Bytes::from(event(at(41)))))),
        _ => std::task::Poll::Pending,
    });
    let mut realtime = over([opening(late)]);
    stand(&mut realtime).await;
    assert!(timeout(Duration::ZERO, realtime.next()).await.is_err());
    sleep(Duration::from_secs(600)).await;
    assert_eq!(next(&mut realtime).await, Shown::Event(at(41)));
}

/// A server that takes the connection and says nothing is left after half a minute.
#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_a_timeout() {
    let mut realtime = over([std::future::pending().boxed(), timed([(0, ready(false, None, 15_000))])]);
    assert_eq!(next(&mut realtime).await, Shown::Connecting);
    let start = Instant::now();
    assert!(matches!(next_error(&mut realtime).await, Error::Timeout(_)));
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    stand(&mut realtime).await;
}

/// A stream whose first block does not come is dead, too.
#[tokio::test(start_paused = true)]
async fn a_stream_that_never_stands_is_given_up() {
    let mut realtime = over([timed([]), timed([(0, ready(false, None, 15_000))])]);
    next(&mut realtime).await;
    let start = Instant::now();
    assert!(matches!(next_error(&mut realtime).await, Error::Stream(StreamEnd::Silent(_))));
    assert_eq!(start.elapsed(), Duration::from_millis(37_500));
    stand(&mut realtime).await;
}

/// R5: n falls back to 0 after a minute of health; a drop after five seconds leaves it.
#[tokio::test(start_paused = true)]
async fn health_forgets_what_was_before() {
    let dropping = |lives: u64| {
        let texts = stream::iter([ready(true, Some("1.40"), 60_000)]).map(|text| Ok(Bytes::from(text)));
        opening(texts.chain(stream::once(async move {
            sleep(Duration::from_secs(lives)).await;
            Err(StreamEnd::Closed.into())
        })))
    };
    let server = MemoryServer::new([0, 0, 5, 0, 60, 0].map(dropping));
    let mut realtime = Realtime::over(Box::new(server), &RealtimeOptions::default(), || 1.0);
    let mut waits_ms = Vec::new();
    while waits_ms.len() < 6 {
        if let Shown::Disconnected(disconnected) = next(&mut realtime).await {
            waits_ms.push(disconnected.wait_ms.unwrap().0);
        }
    }
    assert_eq!(waits_ms, [500, 1000, 2000, 2000, 500, 500]);
}

/// A reader that does not poll holds the server back: one chunk is taken, and no queue grows.
#[tokio::test(start_paused = true)]
async fn nothing_is_read_ahead_of_the_reader() {
    let pulled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&pulled);
    let events = (41..).map(|seq| event(at(seq)));
    let texts = [ready(false, Some("1.40"), 15_000)].into_iter().chain(events);
    let mut realtime = over([opening(stream::iter(texts.map(move |text| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Bytes::from(text))
    })))]);
    stand(&mut realtime).await;
    for seq in 41..141 {
        assert_eq!(next(&mut realtime).await, Shown::Event(at(seq)));
        sleep(Duration::from_secs(60)).await;
        let taken = pulled.load(Ordering::Relaxed);
        assert_eq!(taken, usize::try_from(seq - 39).unwrap(), "what was shown, and no more");
    }
}

/// Whoever drops the future of `next` loses nothing.
#[tokio::test(start_paused = true)]
async fn next_can_be_cancelled_at_any_time() {
    let texts =
        [(1, ready(false, Some("1.40"), 15_000))].into_iter().chain((41..61).map(|seq| (1, event(at(seq)))));
    let mut realtime = over([timed(texts)]);
    let mut events = Vec::new();
    while events.len() < 20 {
        if let Ok(Some(told)) = timeout(Duration::from_millis(300), realtime.next()).await
            && let Shown::Event(position) = shown(told)
        {
            events.push(position.seq);
        }
    }
    assert_eq!(events, (41..61).collect::<Vec<_>>());
}

/// R6: the cursor to keep never lies ahead of what was handed out, not even between a gap and the event behind it.
#[tokio::test(start_paused = true)]
async fn the_cursor_follows_what_was_handed_out() {
    let restored = format!("{}{}", ready(false, Some("1.40"), 15_000), event(Position::new(2, 41)));
    let mut realtime =
        over([timed([(0, restored), (1, "event: cstar.heartbeat\nid: 2.50\ndata: {}\n\n".into())])]);
    assert_eq!(realtime.cursor(), None);
    stand(&mut realtime).await;
    assert_eq!(realtime.cursor(), Some(Cursor::After(at(40))));
    assert!(matches!(next(&mut realtime).await, Shown::Gap(_)));
    assert_eq!(realtime.cursor(), Some(Cursor::After(at(40))), "the event behind the gap is still to come");
    assert_eq!(next(&mut realtime).await, Shown::Event(Position::new(2, 41)));
    assert_eq!(realtime.cursor(), Some(Cursor::After(Position::new(2, 41))));
    assert!(timeout(Duration::from_secs(2), realtime.next()).await.is_err(), "a heartbeat is not shown");
    assert_eq!(realtime.cursor(), Some(Cursor::After(Position::new(2, 50))));
}

/// A close that the server announced is told as such.
#[tokio::test(start_paused = true)]
async fn an_announced_close_is_no_surprise() {
    let going = "event: cstar.reconnect\ndata: {\"after_ms\":1500}\n\n".to_owned();
    let texts = stream::iter([ready(false, Some("1.40"), 15_000), going]).map(|text| Ok(Bytes::from(text)));
    let mut realtime = over([opening(texts), timed([(0, ready(true, None, 15_000))])]);
    stand(&mut realtime).await;
    let start = Instant::now();
    let error = next_error(&mut realtime).await;
    assert!(matches!(error, Error::Stream(StreamEnd::Reconnect)), "{error}");
    stand(&mut realtime).await;
    assert_eq!(start.elapsed(), Duration::from_millis(1500));
}

/// T13: a key that cannot be had now is asked for again later; it is called refused once.
#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_had_is_asked_for_again() {
    let failed = |error: fn() -> Error| async move { Err(error()) }.boxed();
    let mut server = MemoryServer::new([
        failed(|| StreamEnd::Unauthorized { code: None }.into()),
        failed(|| Error::Key("no network".into())),
        failed(|| Error::Timeout(Duration::ZERO)),
        timed([(0, ready(false, Some("1.40"), 15_000))]),
    ]);
    server.can_ask_key = true;
    let mut realtime = Realtime::over(Box::new(server.clone()), &RealtimeOptions::default(), || 0.0);
    stand(&mut realtime).await;
    assert_eq!(server.new_keys(), [false, true, false, false]);
}
