//! Many open streams, each of which must get every event.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep_until;

use crate::publish::TICKET;
use crate::report::{Measured, percentile};
use crate::server::Server;
use crate::{Failure, cpu};

/// What every event frame holds exactly once.
const MARK: &[u8] = b"\"type\":\"ticket.created\"";
const READY: &[u8] = b"cstar.ready";
/// Streams that connect at once while the load is set up.
const CONNECTING: usize = 100;
const DEADLINE: Duration = Duration::from_secs(60);

/// Which events have arrived on how many streams. A stream gets them in the log's order, so that its nth frame is the nth
/// event.
struct Arrivals {
    streams: usize,
    events: Vec<Arrival>,
}

#[derive(Default)]
struct Arrival {
    streams: AtomicUsize,
    /// When the last of the streams had it.
    complete: OnceLock<Instant>,
}

impl Arrivals {
    fn new(streams: usize, events: usize) -> Self {
        Self { streams, events: (0..events).map(|_| Arrival::default()).collect() }
    }

    /// One stream has received the event with this index.
    fn note(&self, event: usize) {
        let Some(arrival) = self.events.get(event) else { return };
        if arrival.streams.fetch_add(1, Ordering::Relaxed) + 1 == self.streams {
            let _ = arrival.complete.set(Instant::now());
        }
    }

    fn frames(&self) -> usize {
        self.events.iter().map(|event| event.streams.load(Ordering::Relaxed)).sum()
    }

    async fn all_complete(&self) -> Result<(), Failure> {
        let began = Instant::now();
        while self.events.iter().any(|event| event.complete.get().is_none()) {
            if began.elapsed() > DEADLINE {
                let (frames, wanted) = (self.frames(), self.streams * self.events.len());
                return Err(format!("{frames} frames of {wanted} arrived in time").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }
}

/// Opens `streams`, publishes `rate` events a second for `seconds`, and counts what arrives.
///
/// Each event is published at its turn, whether the streams have the one before or not, and its time runs from its turn:
/// else a server that falls behind would be asked for less (coordinated omission).
pub(crate) async fn fan_out(
    server: &Server,
    streams: usize,
    rate: u32,
    seconds: u32,
) -> Result<Measured, Failure> {
    let memory_before = cpu::resident_bytes(server.pid()?)?;
    let opening = Instant::now();
    let arrivals = Arc::new(Arrivals::new(streams, (rate * seconds) as usize));
    let open = open_all(server, &arrivals).await?;
    let open_seconds = opening.elapsed().as_secs_f64();
    let memory_open = cpu::resident_bytes(server.pid()?)?;

    let cpu_before = cpu::seconds(server.pid()?)?;
    let began = Instant::now();
    let turn = |event: u32| began + Duration::from_secs(1) * event / rate;
    publish(server, rate * seconds, turn).await?;
    arrivals.all_complete().await?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu_seconds = cpu::seconds(server.pid()?)? - cpu_before;
    drop(open);

    let complete = arrivals.events.iter().filter_map(|event| event.complete.get());
    let mut to_all_ms: Vec<f64> = (0..)
        .zip(complete)
        .map(|(event, complete)| complete.duration_since(turn(event)).as_secs_f64() * 1000.0)
        .collect();
    let frames = arrivals.frames() as f64;
    let missing = (streams * to_all_ms.len()) as f64 - frames;
    to_all_ms.sort_by(f64::total_cmp);
    let figures = vec![
        ("streams", streams as f64),
        ("opened_per_s", streams as f64 / open_seconds),
        ("memory_bytes_per_stream", (memory_open - memory_before) / streams as f64),
        ("events_per_s", to_all_ms.len() as f64 / seconds),
        ("frames_per_s", frames / seconds),
        ("frames_missing", missing),
        ("server_cpu_us_per_frame", cpu_seconds * 1e6 / frames),
        ("turn_to_all_received_p50_ms", percentile(&to_all_ms, 50.0)),
        ("turn_to_all_received_p99_ms", percentile(&to_all_ms, 99.0)),
        ("turn_to_all_received_max_ms", percentile(&to_all_ms, 100.0)),
    ];
    Ok(Measured { name: "streams_5000_at_20_per_s", figures })
}

async fn publish(server: &Server, events: u32, turn: impl Fn(u32) -> Instant) -> Result<(), Failure> {
    let mut publisher = server.connect().await?;
    for event in 0..events {
        sleep_until(turn(event).into()).await;
        let (status, _) =
            publisher.post(&server.path("events"), Bytes::from_static(TICKET.as_bytes())).await?;
        if status != 201 {
            return Err(format!("a publish answered {status}").into());
        }
    }
    Ok(())
}

async fn open_all(server: &Server, arrivals: &Arc<Arrivals>) -> Result<tokio::task::JoinSet<()>, Failure> {
    let mut open = tokio::task::JoinSet::new();
    let ready = Arc::new(tokio::sync::Semaphore::new(0));
    let connecting = Arc::new(tokio::sync::Semaphore::new(CONNECTING));
    let request: Bytes = format!(
        "GET {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\naccept: text/event-stream\r\n\r\n",
        server.path("realtime"),
        server.address,
        server.key()
    )
    .into();
    for _ in 0..arrivals.streams {
        let turn = Arc::clone(&connecting).acquire_owned().await?;
        let (ready, arrivals, request, address) =
            (Arc::clone(&ready), Arc::clone(arrivals), request.clone(), server.address);
        open.spawn(async move {
            let Ok(mut stream) = TcpStream::connect(address).await else { return };
            if stream.write_all(&request).await.is_err() || !read_until_ready(&mut stream).await {
                return;
            }
            drop(turn);
            ready.add_permits(1);
            count(stream, &arrivals).await;
        });
    }
    let all = u32::try_from(arrivals.streams)?;
    tokio::time::timeout(DEADLINE, ready.acquire_many(all))
        .await
        .map_err(|_| "not every stream opened in time")??
        .forget();
    Ok(open)
}

async fn read_until_ready(stream: &mut TcpStream) -> bool {
    let mut read = Vec::with_capacity(2048);
    while !contains(&read, READY) || !read.ends_with(b"\n\n\r\n") {
        match stream.read_buf(&mut read).await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    true
}

/// Counts marks; what may be the beginning of one at the end of a read is kept for the next.
async fn count(mut stream: TcpStream, arrivals: &Arrivals) {
    let mut event = 0;
    let mut read = Vec::with_capacity(4096);
    loop {
        match stream.read_buf(&mut read).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let mut from = 0;
        while let Some(at) = position(&read[from..], MARK) {
            arrivals.note(event);
            event += 1;
            from += at + MARK.len();
        }
        let keep_from = from.max(read.len().saturating_sub(MARK.len() - 1));
        read.drain(..keep_from);
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    position(bytes, wanted).is_some()
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, wanted)
}
