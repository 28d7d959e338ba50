//! A whole audience comes back at once, after a restart of the server, each with the cursor that it had.

use std::time::{Duration, Instant};

use crate::Failure;
use crate::readers::{Plan, Readers, Turns};
use crate::report::{Check, Row, Target};
use crate::rows::Run;
use crate::rows::replay::store;
use crate::server::Server;

const STREAMS: usize = 10_000;
/// What is stored, and how much of it each stream has missed.
const EVENTS: u64 = 10_000;
const MISSED: u64 = 20;
/// A repeated event would come in it.
const QUIET: Duration = Duration::from_millis(100);

pub(crate) fn measure(run: &Run) -> Result<Row, Failure> {
    let server = run.place.server()?;
    store(&server, EVENTS)?;
    let team = server.team.clone();
    let server = Server::start(&run.place.bin, server.kill()?)?;

    let first = EVENTS - MISSED;
    let cursor = format!("last-event-id: 1.{first}\r\n");
    let began = Instant::now();
    let readers = Readers::open(Plan {
        address: server.address,
        request: server.stream_of(&team, &cursor),
        streams: STREAMS,
        opening: STREAMS,
        first,
        turns: Turns::new(EVENTS),
    })?;
    readers.wait_for(EVENTS - 1)?;
    let seconds = began.elapsed().as_secs_f64();
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
    row.check(Check::of("s until 10,000 with cursors are served", seconds, Target::AtMost(5.0)));
    Ok(row)
}
