//! Publishing: in batches, and one by one with many in flight.

use crate::floors::{insert, post};
use crate::load::{self, Load, Loaded};
use crate::report::{Check, Row, Target};
use crate::rows::{Run, recorded};
use crate::server::Server;
use crate::sinks::Nothing;
use crate::{Failure, number};

/// Events in one batch.
const BATCH: usize = 100;
/// Publishers of batches at once: enough that the writer never waits for one.
const BATCH_PUBLISHERS: usize = 8;
/// Single publishes in flight at once.
const SINGLE_PUBLISHERS: usize = 256;

pub(crate) fn batches(run: &Run) -> Result<Row, Failure> {
    let events = run.size(100_000, 400_000);
    let server = run.place.server()?;
    let (loaded, cpu) = publish(&server, &number::batch(BATCH), events / BATCH as u64, BATCH_PUBLISHERS)?;
    let group = group_size(&server)?;
    let rows = recorded::events(server.kill()?.path(), events)?;
    let floor = insert::measure(&run.place, &rows, group)?;

    let mut row = figures("batches", &loaded, BATCH, cpu);
    row.figure("group_events", group);
    row.figure("insert_events_per_s", floor);
    let per_s = loaded.per_second() * BATCH as f64;
    row.check(Check::of("events/s", per_s, Target::AtLeast(100_000.0)));
    row.check(Check::ratio("events/s", per_s, ("insert", floor), Target::AtLeast(0.6)));
    Ok(row)
}

pub(crate) fn single(run: &Run) -> Result<Row, Failure> {
    let events = run.size(40_000, 160_000);
    let server = run.place.server()?;
    let (request, answer) = exchange(&server)?;
    let (loaded, cpu) = publish(&server, number::single(), events, SINGLE_PUBLISHERS)?;
    let group = group_size(&server)?;
    recorded::events(server.kill()?.path(), events)?;
    let floor = post::measure(post::Post {
        request,
        answer,
        status: 201,
        connections: SINGLE_PUBLISHERS,
        requests: events * 2,
        sink: Nothing,
    })?;

    let mut row = figures("single", &loaded, 1, cpu);
    row.figure("group_events", group);
    row.figure("post_per_s", floor.per_second());
    let per_s = loaded.per_second();
    row.check(Check::ratio("events/s", per_s, ("post", floor.per_second()), Target::AtLeast(0.3)));
    let most = 2.0 * run.sync.p50_ms + 2.0;
    row.check(Check::of("ack p50 ms (2 syncs + 2)", loaded.answer_ms(0.5), Target::AtMost(most)));
    Ok(row)
}

/// What one publish is, both ways. It goes to another team, so that the log that is measured holds what it should.
fn exchange(server: &Server) -> Result<(Vec<u8>, Vec<u8>), Failure> {
    let team = server.make_team("floor")?;
    let request = server.publish_to(&team, number::single()).bytes().to_vec();
    let mut client = server.client()?;
    client.send(&request)?;
    Ok((request, client.last_answer().to_vec()))
}

/// Publishes so often, and answers what the server used for it, in seconds.
fn publish(server: &Server, body: &str, requests: u64, connections: usize) -> Result<(Loaded, f64), Failure> {
    let cpu_before = server.cpu_seconds()?;
    let template = server.publish(body);
    let address = server.address;
    let loaded = load::send(Load { address, template, connections, requests, first: 0, status: 201 })?;
    Ok((loaded, server.cpu_seconds()? - cpu_before))
}

/// Events in a commit that held any.
fn group_size(server: &Server) -> Result<f64, Failure> {
    Ok(server.metric("cstar_commit_events_sum")? / server.metric("cstar_commit_events_count")?)
}

fn figures(name: &'static str, loaded: &Loaded, events_a_request: usize, cpu: f64) -> Row {
    let events = (loaded.requests * events_a_request as u64) as f64;
    let mut row = Row::new(name);
    row.figure("events", events);
    row.figure("events_per_s", events / loaded.seconds);
    row.figure("server_cpu_us_per_event", cpu * 1e6 / events);
    row.figure("load_cpu_us_per_event", loaded.cpu.as_secs_f64() * 1e6 / events);
    row.figure("answer_p50_ms", loaded.answer_ms(0.5));
    row.figure("answer_p99_ms", loaded.answer_ms(0.99));
    row
}
