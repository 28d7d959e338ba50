//! Publish → webhook, as fast as it goes: batches to all nodes at once, each of which sends what was published on it.

use std::time::{Duration, Instant};

use super::Nodes;
use crate::Failure;
use crate::receiver::{self, Receiver};
use crate::report::{Check, Row, Target};
use crate::rows::{Run, recorded, webhook};
use crate::sinks::EachOnce;

const DEADLINE: Duration = Duration::from_secs(180);

pub(crate) fn measure(run: &Run) -> Result<Row, Failure> {
    let events = run.size(20_000, 80_000);
    let nodes = Nodes::start(run, "")?;
    let receiver = Receiver::start(receiver::OK.to_vec(), EachOnce::new(events))?;
    nodes.servers[0].make_webhook(nodes.team(), &format!("http://{}/", receiver.address))?;
    let (before, began) = (nodes.used()?, Instant::now());
    webhook::publish(&nodes.servers, events, 1, || receiver.received())?;
    receiver.wait_for(events, DEADLINE)?;
    recorded::wait_until_recorded(&nodes.servers, events)?;
    let per_s = events as f64 / began.elapsed().as_secs_f64();
    let used = nodes.used()?.each(before, events as f64);
    let group = nodes.group_size()?;
    let (database, rows) = nodes.kill(events, events)?;
    let (sink, received) = receiver.finish()?;
    sink.tally.each_once("deliveries")?;
    let floor = database.copy(&rows, group)?;

    let mut row = Row::new("nodes_webhook");
    row.figure("deliveries", events as f64);
    row.figure("recorded_deliveries_per_s", per_s);
    row.figure("nodes_cpu_us_per_delivery", used.nodes_cpu_s * 1e6);
    row.figure("postgres_cpu_us_per_delivery", used.database_cpu_s * 1e6);
    row.figure("receiver_cpu_us_per_delivery", received.cpu.as_secs_f64() * 1e6 / events as f64);
    row.figure("wal_bytes_per_delivery", used.wal_bytes);
    row.figure("group_events", group);
    row.figure("copy_deliveries_per_s", floor);
    row.check(Check::of("deliveries/s, on record", per_s, Target::AtLeast(3_000.0)));
    row.check(Check::ratio("deliveries/s, on record", per_s, ("copy", floor), Target::AtLeast(0.3)));
    Ok(row)
}
