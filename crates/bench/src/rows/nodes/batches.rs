//! Publishing in batches, to all nodes at once.

use std::thread;

use super::Nodes;
use crate::load::{self, Load, Loaded};
use crate::report::{Check, Row, Target};
use crate::rows::Run;
use crate::server::Server;
use crate::{Failure, number};

/// Events in one batch.
const BATCH: u64 = 100;
/// Publishers of each node: enough that a group gathers while one is under way.
const PUBLISHERS: usize = 4;

pub(crate) fn measure(run: &Run) -> Result<Row, Failure> {
    let events = run.size(60_000, 240_000);
    let nodes = Nodes::start(run, "")?;
    let before = nodes.used()?;
    let loaded = publish(&nodes.servers, events)?;
    let used = nodes.used()?.each(before, events as f64);
    let group = nodes.group_size()?;
    let (database, rows) = nodes.kill(events, 0)?;
    let floor = database.copy(&rows, group)?;

    let seconds = loaded.iter().fold(0.0, |longest: f64, loaded| longest.max(loaded.seconds));
    let mut answers = loaded[0].answers.clone();
    loaded[1..].iter().try_for_each(|loaded| answers.add(&loaded.answers))?;
    let per_s = events as f64 / seconds;
    let mut row = Row::new("nodes_batches");
    row.figure("events", events as f64);
    row.figure("events_per_s", per_s);
    row.figure("nodes_cpu_us_per_event", used.nodes_cpu_s * 1e6);
    row.figure("postgres_cpu_us_per_event", used.database_cpu_s * 1e6);
    row.figure("wal_bytes_per_event", used.wal_bytes);
    row.figure("answer_p50_ms", answers.value_at_quantile(0.5) as f64 / 1000.0);
    row.figure("answer_p99_ms", answers.value_at_quantile(0.99) as f64 / 1000.0);
    row.figure("group_events", group);
    row.figure("copy_events_per_s", floor);
    row.check(Check::of("events/s", per_s, Target::AtLeast(8_000.0)));
    row.check(Check::ratio("events/s", per_s, ("copy", floor), Target::AtLeast(0.3)));
    Ok(row)
}

/// Each node gets its share, of numbers of its own, while the others get theirs.
fn publish(servers: &[Server], events: u64) -> Result<Vec<Loaded>, Failure> {
    let share = events / servers.len() as u64;
    let publish = |(at, server): (u64, &Server)| {
        load::send(Load {
            address: server.address,
            template: server.publish(&number::batch(BATCH as usize)),
            connections: PUBLISHERS,
            requests: share / BATCH,
            first: at * share,
            status: 201,
        })
    };
    thread::scope(|threads| {
        let each: Vec<_> = (0..).zip(servers).map(|share| threads.spawn(move || publish(share))).collect();
        each.into_iter().map(|each| each.join().map_err(|_| "a publisher has panicked")?).collect()
    })
}
