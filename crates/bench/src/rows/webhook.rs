//! Publish → webhook, as fast as it goes: one endpoint, and ten that each get every event.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::floors::post;
use crate::receiver::{self, Receiver, Sink};
use crate::report::{Check, Row, Target};
use crate::rows::recorded::wait_until_recorded;
use crate::rows::streams::created;
use crate::rows::{Run, recorded};
use crate::server::Server;
use crate::sinks::EachOnce;
use crate::{Failure, number};

/// Events in one batch.
const BATCH: u64 = 100;
/// Connections that they come over: one would wait for each commit, and the deliveries for it.
const PUBLISHERS: usize = 4;
/// Deliveries that may be ahead of those received: enough that the server never waits for a publish.
const AHEAD: u64 = 5_000;
const DEADLINE: Duration = Duration::from_secs(180);
/// An endpoint of each webhook, and the events that all of them get.
struct FanOut {
    name: &'static str,
    webhooks: u64,
    events: u64,
}

pub(crate) fn one(run: &Run) -> Result<Row, Failure> {
    let (mut row, per_s, floor) =
        measure(run, &FanOut { name: "webhook", webhooks: 1, events: run.size(30_000, 120_000) })?;
    let cpu = row.figures.iter().find(|(name, _)| *name == CPU).map_or(f64::NAN, |(_, figure)| *figure);
    row.check(Check::ratio("deliveries/s", per_s, ("post", floor), Target::AtLeast(0.3)));
    row.check(Check::of("server CPU µs a delivery", cpu, Target::AtMost(35.0)));
    Ok(row)
}

pub(crate) fn ten(run: &Run) -> Result<Row, Failure> {
    let (mut row, per_s, floor) =
        measure(run, &FanOut { name: "ten_webhooks", webhooks: 10, events: run.size(3_000, 12_000) })?;
    row.check(Check::ratio("deliveries/s", per_s, ("post", floor), Target::AtLeast(0.4)));
    Ok(row)
}

const CPU: &str = "server_cpu_us_per_delivery";

fn measure(run: &Run, fan_out: &FanOut) -> Result<(Row, f64, f64), Failure> {
    let FanOut { name, webhooks, events } = *fan_out;
    let deliveries = events * webhooks;
    let server = run.place.server()?;
    // Each webhook's receiver is the same thread, so that the floor is one receiver too; its path says which webhook.
    let receiver = Receiver::start(receiver::OK.to_vec(), EachOf::new(webhooks, events))?;
    for webhook in 0..webhooks {
        server.make_webhook(&server.team, &format!("http://{}/{webhook}", receiver.address))?;
    }
    let cpu_before = server.cpu_seconds()?;
    let began = Instant::now();
    let servers = std::slice::from_ref(&server);
    publish(servers, events, webhooks, || receiver.received())?;
    receiver.wait_for(deliveries, DEADLINE)?;
    let seconds = began.elapsed().as_secs_f64();
    wait_until_recorded(servers, deliveries)?;
    let recorded_seconds = began.elapsed().as_secs_f64();
    let cpu = server.cpu_seconds()? - cpu_before;
    recorded::deliveries(server.kill()?.path(), deliveries, deliveries)?;
    let (sink, used) = receiver.finish()?;
    sink.each_once()?;

    let sample = sink.0[0].sample.clone();
    let floor = post::measure(post::Post {
        request: sample,
        answer: receiver::OK.to_vec(),
        status: 200,
        connections: used.connections,
        requests: deliveries * 2,
        sink: EachOnce::new(deliveries * 2),
    })?;
    let per_s = deliveries as f64 / seconds;
    let mut row = Row::new(name);
    row.figure("deliveries", deliveries as f64);
    row.figure("deliveries_per_s", per_s);
    row.figure("recorded_deliveries_per_s", deliveries as f64 / recorded_seconds);
    row.figure(CPU, cpu * 1e6 / deliveries as f64);
    row.figure("server_cpu_ms_per_1000_deliveries", cpu * 1e6 / deliveries as f64);
    row.figure("receiver_cpu_us_per_delivery", used.cpu.as_secs_f64() * 1e6 / deliveries as f64);
    row.figure("connections", used.connections as f64);
    row.figure("post_per_s", floor.per_second());
    Ok((row, per_s, floor.per_second()))
}

/// Publishes batches over some connections, which are shared out among the servers, and never many more than were received.
pub(crate) fn publish(
    servers: &[Server],
    events: u64,
    webhooks: u64,
    received: impl Fn() -> u64 + Sync,
) -> Result<(), Failure> {
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let publish_some = |server: &Server| -> Result<(), Failure> {
        let mut client = server.client()?;
        let mut batch = server.publish(&number::batch(BATCH as usize));
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            if first >= events {
                return Ok(());
            }
            while first * webhooks > received() + AHEAD {
                if failed.load(Ordering::Relaxed) {
                    return Ok(()); // what another has to say counts
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            batch.set_numbers(first);
            created(client.send(batch.bytes())?)?;
        }
    };
    let publish_some = |server| publish_some(server).inspect_err(|_| failed.store(true, Ordering::Relaxed));
    let publish_some = &publish_some;
    std::thread::scope(|threads| {
        let publishers: Vec<_> = servers
            .iter()
            .cycle()
            .take(PUBLISHERS)
            .map(|server| threads.spawn(move || publish_some(server)))
            .collect();
        publishers
            .into_iter()
            .try_for_each(|publisher| publisher.join().map_err(|_| "a publisher has panicked")?)
    })
}

/// What each webhook got.
struct EachOf(Vec<EachOnce>);

impl EachOf {
    fn new(webhooks: u64, events: u64) -> Self {
        Self((0..webhooks).map(|_| EachOnce::new(events)).collect())
    }

    fn each_once(&self) -> Result<(), Failure> {
        self.0.iter().try_for_each(|webhook| webhook.tally.each_once("deliveries"))
    }
}

impl Sink for EachOf {
    /// A path has one digit, the webhook's: there are no more than ten.
    fn take(&mut self, request: &[u8]) {
        let digit = request.get("POST /".len()).map_or(0, |digit| usize::from(digit.wrapping_sub(b'0')));
        if let Some(webhook) = self.0.get_mut(digit) {
            webhook.take(request);
        }
    }
}
