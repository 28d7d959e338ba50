//! Publishing: in batches, and one by one with many in flight.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;

use crate::report::{Measured, percentile};
use crate::server::Server;
use crate::{Failure, cpu};

/// Events in one batch.
const BATCH: usize = 100;
/// Publishers of batches at once: enough that the writer never waits for one.
const BATCH_PUBLISHERS: usize = 8;
/// Single publishes in flight at once.
const SINGLE_PUBLISHERS: usize = 256;
/// Syncs measured for the floor.
const SYNCS: usize = 500;

/// The ticket of the published example, as data of one event.
pub(crate) const TICKET: &str = r#"{"type":"ticket.created","data":{"id":"550e8400-e29b-41d4-a716-446655440000","title":"Cannot log in to my account","status":"new","priority":"high"}}"#;

/// What one sync of this disk costs: a page appended and `fdatasync`, one after the other.
pub(crate) fn sync_floor(data: Option<&Path>) -> Result<Measured, Failure> {
    let directory = data.map_or_else(tempfile::tempdir, tempfile::tempdir_in)?;
    let mut file = File::create(directory.path().join("sync"))?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    let figures = vec![("sync_p50_ms", percentile(&times, 50.0)), ("sync_p99_ms", percentile(&times, 99.0))];
    Ok(Measured { name: "sync", figures })
}

pub(crate) async fn batches(server: &Server, events: usize) -> Result<Measured, Failure> {
    let body = Bytes::from(format!(r#"{{"events":[{}]}}"#, vec![TICKET; BATCH].join(",")));
    let run = publish(server, body, events / BATCH, BATCH_PUBLISHERS).await?;
    Ok(run.measured("publish_batches_of_100", BATCH))
}

pub(crate) async fn single(server: &Server, events: usize) -> Result<Measured, Failure> {
    let run = publish(server, Bytes::from_static(TICKET.as_bytes()), events, SINGLE_PUBLISHERS).await?;
    Ok(run.measured("publish_single_256_in_flight", 1))
}

struct Run {
    requests: usize,
    seconds: f64,
    cpu_seconds: f64,
    answer_ms: Vec<f64>,
}

impl Run {
    fn measured(self, name: &'static str, events_a_request: usize) -> Measured {
        let events = (self.requests * events_a_request) as f64;
        let figures = vec![
            ("events", events),
            ("events_per_s", events / self.seconds),
            ("server_cpu_us_per_event", self.cpu_seconds * 1e6 / events),
            ("answer_p50_ms", percentile(&self.answer_ms, 50.0)),
            ("answer_p99_ms", percentile(&self.answer_ms, 99.0)),
        ];
        Measured { name, figures }
    }
}

async fn publish(server: &Server, body: Bytes, requests: usize, publishers: usize) -> Result<Run, Failure> {
    let left = Arc::new(AtomicUsize::new(requests));
    let path: Arc<str> = server.path("events").into();
    let cpu_before = cpu::seconds(server.pid()?)?;
    let began = Instant::now();
    let mut running = Vec::with_capacity(publishers);
    for _ in 0..publishers {
        let (mut connection, left, path, body) =
            (server.connect().await?, Arc::clone(&left), Arc::clone(&path), body.clone());
        running.push(tokio::spawn(async move {
            let mut times = Vec::new();
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
            {
                let asked = Instant::now();
                let (status, answer) = connection.post(&path, body.clone()).await?;
                if status != 201 {
                    return Err(format!("{status}: {}", String::from_utf8_lossy(&answer)).into());
                }
                times.push(asked.elapsed().as_secs_f64() * 1000.0);
            }
            Ok::<_, Failure>(times)
        }));
    }
    let mut answer_ms = Vec::with_capacity(requests);
    for publisher in running {
        answer_ms.extend(publisher.await??);
    }
    let seconds = began.elapsed().as_secs_f64();
    answer_ms.sort_by(f64::total_cmp);
    Ok(Run { requests, seconds, cpu_seconds: cpu::seconds(server.pid()?)? - cpu_before, answer_ms })
}
