//! Growth: what a server does with tens of millions of events and deliveries stored, beside one that has none.

use std::slice;
use std::time::{Duration, Instant};

use crate::history::{self, Ending, Past};
use crate::load::{self, Load};
use crate::receiver::{self, Receiver};
use crate::report::{Check, Row, Target};
use crate::rows::{Run, pages, recorded, webhook};
use crate::server::Server;
use crate::sinks::Nothing;
use crate::{Failure, number};

/// What an event, its delivery and its attempt take on the disk, with their indexes and the log that they go through.
const BYTES_AN_EVENT: u64 = 1_200;
/// Both servers are measured in turns, so often, and the best of each counts: the machine is not the same all the time.
const TURNS: usize = 3;
const BATCH: usize = 100;
const PUBLISHERS: usize = 8;
/// Of the past so much is older than anything is kept, and so is removed while the servers are measured …
const OLD_PART: u64 = 10;
/// … but not for longer than it takes.
const OLD_MAX: u64 = 500_000;
const DEADLINE: Duration = Duration::from_secs(120);
const REMOVAL_DEADLINE: Duration = Duration::from_secs(900);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const MIB: f64 = 1024.0 * 1024.0;

pub(crate) fn measure(run: &Run) -> Result<Row, Failure> {
    let events = run.growth_events;
    let room = run.place.free_bytes()?;
    if room < events * BYTES_AN_EVENT {
        let needed = events * BYTES_AN_EVENT / 1_000_000_000;
        return Err(format!(
            "{events} events take {needed} GB: choose another --data, or fewer --growth-events"
        )
        .into());
    }
    let mut empty = Side::new(run.place.server()?)?;
    let (mut grown, wrote) = grown(run, events)?;
    let idle = grown.server.resident_bytes()? / MIB;
    let removed_before = wait_for_removal(&grown.server)?;
    for _ in 0..TURNS {
        empty.measure(run)?;
        grown.measure(run)?;
    }
    let removed_after = pages::oldest(&grown.server)?;
    let peak = grown.server.peak_bytes()? / MIB;
    let ready = grown.server.ready_after.as_secs_f64();

    let mut row = Row::new("growth");
    if events != WHOLE {
        row.notes.push(format!("{events} events and deliveries instead of {WHOLE}"));
    }
    if removed_after == old(events) {
        row.notes.push("what was old was gone before the last turn".to_owned());
    }
    row.figure("stored_events", events as f64);
    row.figure("removed_meanwhile_events", (removed_after - removed_before) as f64);
    row.figure("stored_in_s", wrote.as_secs_f64());
    row.figure("ready_after_s", ready);
    row.figure("resident_at_start_mib", idle);
    row.figure("resident_peak_mib", peak);
    for (name, figure) in NAMES_EMPTY.iter().zip(empty.best).chain(NAMES_GROWN.iter().zip(grown.best)) {
        row.figure(name, figure);
    }
    let [publishes, deliveries, pages] = grown.best;
    let [of_empty, deliveries_of_empty, pages_of_empty] = empty.best;
    let (p99, of_empty_p99) = (grown.p99_ms, empty.p99_ms);
    row.figure("empty_publish_p99_ms", of_empty_p99);
    row.check(Check::ratio("publish p99 ms", p99, ("empty", of_empty_p99), Target::AtMost(2.0)));
    row.check(Check::ratio("publish events/s", publishes, ("empty", of_empty), Target::AtLeast(0.9)));
    let floor = ("empty", deliveries_of_empty);
    row.check(Check::ratio("deliveries/s", deliveries, floor, Target::AtLeast(0.9)));
    row.check(Check::ratio("log pages/s", pages, ("empty", pages_of_empty), Target::AtLeast(0.9)));
    row.check(Check::of("s until it is ready", ready, Target::AtMost(2.0)));
    row.check(Check::of("MiB of memory at most", peak, Target::AtMost(200.0)));
    empty.finish(0)?;
    wait_until_removed(&grown.server, old(events))?;
    grown.finish(events - old(events))?;
    Ok(row)
}

/// What is stored unless less is asked for.
pub(crate) const WHOLE: u64 = 20_000_000;

const NAMES_EMPTY: [&str; 3] = ["empty_events_per_s", "empty_deliveries_per_s", "empty_pages_per_s"];
const NAMES_GROWN: [&str; 3] = ["grown_events_per_s", "grown_deliveries_per_s", "grown_pages_per_s"];

/// How much of a past is old.
const fn old(events: u64) -> u64 {
    let part = events / OLD_PART;
    if part < OLD_MAX { part } else { OLD_MAX }
}

/// Waits until retention is at work; answers how many events it has removed by then.
fn wait_for_removal(server: &Server) -> Result<u64, Failure> {
    let began = Instant::now();
    loop {
        match pages::oldest(server)? {
            0 if began.elapsed() > DEADLINE => return Err("nothing old was removed".into()),
            0 => std::thread::sleep(LOOK_EVERY),
            removed => return Ok(removed),
        }
    }
}

fn wait_until_removed(server: &Server, old: u64) -> Result<(), Failure> {
    let began = Instant::now();
    while pages::oldest(server)? < old {
        if began.elapsed() > REMOVAL_DEADLINE {
            return Err("what is old was not removed in time".into());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// One of the two servers, and the best that it did: events, deliveries and pages a second, and the p99 of a publish.
struct Side {
    server: Server,
    receiver: Receiver<Nothing>,
    /// Made since the start.
    deliveries: u64,
    best: [f64; 3],
    p99_ms: f64,
}

/// A server whose team has a past.
fn grown(run: &Run, events: u64) -> Result<(Side, Duration), Failure> {
    let mut side = Side::new(run.place.server()?)?;
    let team = side.server.team.clone();
    let data = side.server.kill()?;
    let past = Past { team: &team, events, webhooks: 1, ending: Ending::Delivered, old: old(events) };
    let wrote = history::write(data.path(), &past)?;
    side.server = Server::start(&run.place.bin, data)?;
    side.server.team = team;
    Ok((side, wrote))
}

impl Side {
    fn new(server: Server) -> Result<Self, Failure> {
        let receiver = Receiver::start(receiver::OK.to_vec(), Nothing)?;
        server.make_webhook(&server.team, &format!("http://{}/0", receiver.address))?;
        Ok(Self { server, receiver, deliveries: 0, best: [0.0; 3], p99_ms: f64::INFINITY })
    }

    fn measure(&mut self, run: &Run) -> Result<(), Failure> {
        let turn = [self.publish(run)?, self.deliver(run)?, pages::per_second(&self.server)?];
        for (best, figure) in self.best.iter_mut().zip(turn) {
            *best = best.max(figure);
        }
        Ok(())
    }

    fn publish(&mut self, run: &Run) -> Result<f64, Failure> {
        let loaded = load::send(Load {
            address: self.server.address,
            template: self.server.publish(&number::batch_without_webhooks(BATCH)),
            connections: PUBLISHERS,
            requests: run.size(20_000, 100_000) / BATCH as u64,
            first: 0,
            status: 201,
        })?;
        self.p99_ms = self.p99_ms.min(loaded.answer_ms(0.99));
        Ok(loaded.per_second() * BATCH as f64)
    }

    fn deliver(&mut self, run: &Run) -> Result<f64, Failure> {
        let (events, before) = (run.size(5_000, 30_000), self.deliveries);
        let began = Instant::now();
        let servers = slice::from_ref(&self.server);
        webhook::publish(servers, events, 1, || self.receiver.received() - before)?;
        self.deliveries += events;
        self.receiver.wait_for(self.deliveries, DEADLINE)?;
        let per_s = events as f64 / began.elapsed().as_secs_f64();
        recorded::wait_until_recorded(slice::from_ref(&self.server), self.deliveries)?;
        Ok(per_s)
    }

    /// That every delivery is on record, those of the past too.
    fn finish(self, past: u64) -> Result<(), Failure> {
        let deliveries = past + self.deliveries;
        recorded::deliveries(self.server.kill()?.path(), deliveries, deliveries)?;
        self.receiver.finish()?;
        Ok(())
    }
}
