//! A whole audience comes back at once, after a restart of the server, each with the cursor that it had.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::http::{Client, Template};
use crate::readers::{Plan, Readers, Turns};
use crate::report::{Check, Row, Target};
use crate::rows::Run;
use crate::rows::replay::store;
use crate::rows::streams::created;
use crate::server::Server;
use crate::{Failure, number};

const STREAMS: usize = 10_000;
/// What is stored, and how much of it each stream has missed.
const EVENTS: u64 = 10_000;
const MISSED: u64 = 20;
/// A repeated event would come in it.
const QUIET: Duration = Duration::from_millis(100);
/// Another team's publishes a second meanwhile, and for how long they are measured alone.
const RATE: u32 = 200;
const ALONE: Duration = Duration::from_secs(5);

pub(crate) fn measure(run: &Run) -> Result<Row, Failure> {
    let server = run.place.server()?;
    store(&server, EVENTS)?;
    let team = server.team.clone();
    let server = Server::start(&run.place.bin, server.kill()?)?;

    let other = server.make_team("publishers")?;
    let (mut client, mut publish) = (server.client()?, server.publish_to(&other, number::single()));
    let began = Instant::now();
    let alone = answers(&mut client, &mut publish, || began.elapsed() > ALONE)?;

    let first = EVENTS - MISSED;
    let cursor = format!("last-event-id: 1.{first}\r\n");
    let served = AtomicBool::new(false);
    let (readers, seconds, beside) = std::thread::scope(|threads| {
        let publisher =
            threads.spawn(|| answers(&mut client, &mut publish, || served.load(Ordering::Relaxed)));
        let began = Instant::now();
        let plan = Plan {
            address: server.address,
            request: server.stream_of(&team, &cursor),
            streams: STREAMS,
            opening: STREAMS,
            first,
            turns: Turns::new(EVENTS),
        };
        let readers = Readers::open(plan).and_then(|readers| readers.wait_for(EVENTS - 1).map(|()| readers));
        let seconds = began.elapsed().as_secs_f64();
        served.store(true, Ordering::Relaxed);
        let beside = publisher.join().map_err(|_| "a publisher has panicked")??;
        Ok::<_, Failure>((readers?, seconds, beside))
    })?;
    std::thread::sleep(QUIET);
    let frames = readers.finish()?.frames;
    if frames != MISSED * STREAMS as u64 {
        return Err(format!("{frames} frames came of {}", MISSED * STREAMS as u64).into());
    }

    let mut row = Row::new("reconnect");
    row.figure("streams", STREAMS as f64);
    row.figure("missed_events", MISSED as f64);
    row.figure("served_after_s", seconds);
    row.figure("store_reads", server.metric("cstar_streams_store_reads_total")?);
    row.figure("server_peak_mib", server.peak_bytes()? / (1024.0 * 1024.0));
    row.figure("publishes_meanwhile", beside.len() as f64);
    let ms = |times: &Histogram<u64>, quantile| times.value_at_quantile(quantile) as f64 / 1000.0;
    row.figure("publish_alone_p50_ms", ms(&alone, 0.5));
    row.figure("publish_beside_p50_ms", ms(&beside, 0.5));
    row.check(Check::of("s until 10,000 with cursors are served", seconds, Target::AtMost(5.0)));
    row.check(Check::ratio(
        "publish p99 ms",
        ms(&beside, 0.99),
        ("alone", ms(&alone, 0.99)),
        Target::AtMost(2.0),
    ));
    Ok(row)
}

/// Publishes at a steady rate until told to stop; from each event's turn until its answer, in microseconds.
fn answers(
    client: &mut Client,
    publish: &mut Template,
    is_over: impl Fn() -> bool,
) -> Result<Histogram<u64>, Failure> {
    let (began, mut times) = (Instant::now(), Histogram::new(3)?);
    for number in 0.. {
        let turn = began + Duration::from_secs(1) * number / RATE;
        std::thread::sleep(turn.saturating_duration_since(Instant::now()));
        if is_over() {
            break;
        }
        publish.set_numbers(number.into());
        created(client.send(publish.bytes())?)?;
        times.record(turn.elapsed().as_micros() as u64)?;
    }
    Ok(times)
}
