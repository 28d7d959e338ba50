//! Replay: everything stored, to one connection.

use std::time::Instant;

use crate::load::{self, Load};
use crate::readers::{Plan, Readers, Turns};
use crate::report::{Check, Row, Target};
use crate::rows::Run;
use crate::server::Server;
use crate::{Failure, number};

/// Events in one batch: as many as one may have.
const BATCH: u64 = 1_000;

pub(crate) fn measure(run: &Run) -> Result<Row, Failure> {
    let events = run.size(100_000, 400_000);
    let server = run.place.server()?;
    store(&server, events)?;
    let cpu_before = server.cpu_seconds()?;
    let began = Instant::now();
    let readers = Readers::open(Plan {
        address: server.address,
        request: server.stream("last-event-id: 1.0\r\n"),
        streams: 1,
        opening: 1,
        first: 0,
        turns: Turns::new(events),
    })?;
    readers.wait_for(events - 1)?;
    let per_s = events as f64 / began.elapsed().as_secs_f64();
    let cpu = server.cpu_seconds()? - cpu_before;
    let read = readers.finish()?;

    let mut row = Row::new("replay");
    row.figure("events", events as f64);
    row.figure("events_per_s", per_s);
    row.figure("server_cpu_us_per_event", cpu * 1e6 / events as f64);
    row.figure("reader_cpu_us_per_event", read.cpu.as_secs_f64() * 1e6 / events as f64);
    row.check(Check::of("events/s to one connection", per_s, Target::AtLeast(200_000.0)));
    Ok(row)
}

/// Publishes events from one connection, so that they stand in the log in the order of their numbers.
pub(crate) fn store(server: &Server, events: u64) -> Result<(), Failure> {
    let template = server.publish(&number::batch(BATCH as usize));
    let requests = events / BATCH;
    load::send(Load { address: server.address, template, connections: 1, requests, first: 0, status: 201 })?;
    Ok(())
}
