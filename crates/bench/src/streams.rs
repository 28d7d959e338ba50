//! Many open streams, each of which must get every event.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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

/// Opens `streams`, publishes `rate` events a second for `seconds`, and counts what arrives.
pub(crate) async fn fan_out(
    server: &Server,
    streams: usize,
    rate: u64,
    seconds: u64,
) -> Result<Measured, Failure> {
    let memory_before = cpu::resident_bytes(server.pid()?)?;
    let opening = Instant::now();
    let frames = Arc::new(AtomicU64::new(0));
    let open = open_all(server, streams, &frames).await?;
    let open_seconds = opening.elapsed().as_secs_f64();
    let memory_open = cpu::resident_bytes(server.pid()?)?;

    let cpu_before = cpu::seconds(server.pid()?)?;
    let mut publisher = server.connect().await?;
    let mut clock = tokio::time::interval(Duration::from_secs_f64(1.0 / rate as f64));
    let mut round_ms = Vec::new();
    let mut late = 0;
    let began = Instant::now();
    for sent in 1..=rate * seconds {
        clock.tick().await;
        let asked = Instant::now();
        let (status, _) =
            publisher.post(&server.path("events"), Bytes::from_static(TICKET.as_bytes())).await?;
        if status != 201 {
            return Err(format!("a publish answered {status}").into());
        }
        until(&frames, sent * streams as u64).await?;
        round_ms.push(asked.elapsed().as_secs_f64() * 1000.0);
        late += u64::from(asked.elapsed().as_secs_f64() > 1.0 / rate as f64);
    }
    let seconds = began.elapsed().as_secs_f64();
    let cpu_seconds = cpu::seconds(server.pid()?)? - cpu_before;
    let got = frames.load(Ordering::Relaxed) as f64;
    drop(open);
    round_ms.sort_by(f64::total_cmp);
    let figures = vec![
        ("streams", streams as f64),
        ("opened_per_s", streams as f64 / open_seconds),
        ("memory_bytes_per_stream", (memory_open - memory_before) / streams as f64),
        ("events_per_s", round_ms.len() as f64 / seconds),
        ("frames_per_s", got / seconds),
        ("frames_missing", round_ms.len() as f64 * streams as f64 - got),
        ("rounds_longer_than_their_turn", late as f64),
        ("server_cpu_us_per_frame", cpu_seconds * 1e6 / got),
        ("publish_to_all_received_p50_ms", percentile(&round_ms, 50.0)),
        ("publish_to_all_received_p99_ms", percentile(&round_ms, 99.0)),
    ];
    Ok(Measured { name: "streams_5000_at_20_per_s", figures })
}

async fn until(frames: &AtomicU64, wanted: u64) -> Result<(), Failure> {
    let began = Instant::now();
    while frames.load(Ordering::Relaxed) < wanted {
        if began.elapsed() > DEADLINE {
            return Err(
                format!("{} frames of {wanted} arrived in time", frames.load(Ordering::Relaxed)).into()
            );
        }
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    Ok(())
}

async fn open_all(
    server: &Server,
    streams: usize,
    frames: &Arc<AtomicU64>,
) -> Result<tokio::task::JoinSet<()>, Failure> {
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
    for _ in 0..streams {
        let turn = Arc::clone(&connecting).acquire_owned().await?;
        let (ready, frames, request, address) =
            (Arc::clone(&ready), Arc::clone(frames), request.clone(), server.address);
        open.spawn(async move {
            let Ok(mut stream) = TcpStream::connect(address).await else { return };
            if stream.write_all(&request).await.is_err() || !read_until_ready(&mut stream).await {
                return;
            }
            drop(turn);
            ready.add_permits(1);
            count(stream, &frames).await;
        });
    }
    let all = u32::try_from(streams)?;
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
async fn count(mut stream: TcpStream, frames: &AtomicU64) {
    let mut read = Vec::with_capacity(4096);
    loop {
        match stream.read_buf(&mut read).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let (mut found, mut from) = (0, 0);
        while let Some(at) = position(&read[from..], MARK) {
            found += 1;
            from += at + MARK.len();
        }
        frames.fetch_add(found, Ordering::Relaxed);
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
