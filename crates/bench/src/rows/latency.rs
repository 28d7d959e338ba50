//! Latency at a steady rate: from an event's turn until its endpoint, and a stream, have it.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::http::Template;
use crate::readers::{Plan, Readers, Turns};
use crate::receiver::{self, Receiver};
use crate::report::{Check, Row, Target};
use crate::rows::streams::created;
use crate::rows::{Run, recorded};
use crate::server::Server;
use crate::sinks::Arrivals;
use crate::{Failure, number};

/// Events a second.
const RATE: u32 = 200;
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) fn measure(run: &Run) -> Result<Row, Failure> {
    let events = run.size(800, 4_000);
    let server = run.place.server()?;
    let receiver = Receiver::start(receiver::OK.to_vec(), Arrivals::new(events))?;
    server.make_webhook(&server.team, &format!("http://{}/", receiver.address))?;
    let turns = Turns::new(events);
    let readers = Readers::open(Plan {
        address: server.address,
        request: server.stream(""),
        streams: 1,
        opening: 1,
        first: 0,
        turns: turns.clone(),
    })?;
    readers.wait_until_open()?;

    let sent = at_rate(&server, &server.publish(number::single()), events, (RATE, 1), &turns)?;
    receiver.wait_for(events, DEADLINE)?;
    readers.wait_for(events - 1)?;
    let read = readers.finish()?;
    let (arrivals, _) = receiver.finish()?;
    arrivals.tally.each_once("deliveries")?;
    recorded::events(server.kill()?.path(), events)?;
    let received = since_turns(&sent, &arrivals)?;

    let mut row = Row::new("latency");
    row.figure("events", events as f64);
    let ms = |quantile| received.value_at_quantile(quantile) as f64 / 1000.0;
    row.figure("receiver_p50_ms", ms(0.5));
    row.figure("receiver_p99_ms", ms(0.99));
    row.figure("receiver_max_ms", ms(1.0));
    row.figure("stream_p50_ms", read.ms(0.5));
    row.figure("stream_p99_ms", read.ms(0.99));
    row.figure("stream_max_ms", read.ms(1.0));
    let (p50, p99) = (run.sync.p50_ms + 2.0, 3.0 * run.sync.p50_ms + 5.0);
    row.check(Check::of("receiver p50 ms (sync + 2)", ms(0.5), Target::AtMost(p50)));
    row.check(Check::of("receiver p99 ms (3 syncs + 5)", ms(0.99), Target::AtMost(p99)));
    row.check(Check::of("stream p50 ms (sync + 2)", read.ms(0.5), Target::AtMost(p50)));
    row.check(Check::of("stream p99 ms (3 syncs + 5)", read.ms(0.99), Target::AtMost(p99)));
    Ok(row)
}

/// Publishes events, each at its turn, over so many connections in turns: where one waits for its answer the others go on. Over
/// one they stand in the log in their order. Answers the turns.
pub(crate) fn at_rate(
    server: &Server,
    publish: &Template,
    events: u64,
    (rate, connections): (u32, usize),
    turns: &Turns,
) -> Result<Vec<Instant>, Failure> {
    let began = Instant::now();
    let sent: Vec<Instant> =
        (0..events).map(|number| began + Duration::from_secs(1) * number as u32 / rate).collect();
    let publish_each = &|first: usize| -> Result<(), Failure> {
        let (mut client, mut publish) = (server.client()?, publish.clone());
        for (number, turn) in (0..).zip(&sent).skip(first).step_by(connections) {
            std::thread::sleep(turn.saturating_duration_since(Instant::now()));
            turns.set(number, *turn);
            publish.set_numbers(number);
            created(client.send(publish.bytes())?)?;
        }
        Ok(())
    };
    std::thread::scope(|threads| {
        let publishers: Vec<_> =
            (0..connections).map(|first| threads.spawn(move || publish_each(first))).collect();
        publishers
            .into_iter()
            .try_for_each(|publisher| publisher.join().map_err(|_| "a publisher has panicked")?)
    })?;
    Ok(sent)
}

/// From each event's turn until it arrived, in microseconds.
pub(crate) fn since_turns(sent: &[Instant], arrivals: &Arrivals) -> Result<Histogram<u64>, Failure> {
    let mut passed = Histogram::new(3)?;
    for (turn, at) in sent.iter().zip(&arrivals.at) {
        let at = at.ok_or("an event did not arrive")?;
        passed.record(at.saturating_duration_since(*turn).as_micros() as u64)?;
    }
    Ok(passed)
}
