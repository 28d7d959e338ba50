//! A retry storm: deliveries that all come due at once, as after an outage, and what it does to first attempts of others.

use std::ops::Range;
use std::slice;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::history::{self, Ending, Past};
use crate::readers::Turns;
use crate::receiver::{self, Receiver};
use crate::report::{Check, Row, Target};
use crate::rows::latency::{at_rate, since_turns};
use crate::rows::recorded::wait_until_recorded;
use crate::rows::{Run, recorded};
use crate::server::Server;
use crate::sinks::{Arrivals, Nothing};
use crate::{Failure, number};

/// Webhooks that the storm is for: as many as a team may have.
const WEBHOOKS: u64 = 100;
/// Events a second to the endpoint that has no part in it: less than its share of the attempts, were they shared out evenly.
const RATE: u32 = 50;
/// Connections that they come over.
const PUBLISHERS: usize = 8;
const DEADLINE: Duration = Duration::from_secs(600);

pub(crate) fn measure(run: &Run) -> Result<Row, Failure> {
    let events = run.size(200, 1_000);
    // As many as last longer than the first attempts are measured.
    let deliveries = run.size(200_000, 1_000_000);
    let server = run.place.server()?;
    let storm_team = server.team.clone();
    let storm = Receiver::start(receiver::OK.to_vec(), Nothing)?;
    for webhook in 0..WEBHOOKS {
        server.make_webhook(&storm_team, &format!("http://{}/{webhook}", storm.address))?;
    }
    let alone = first_attempts(&server, events, &storm)?;
    wait_until_recorded(slice::from_ref(&server), events)?;

    let data = server.kill()?;
    let past = Past {
        team: &storm_team,
        events: deliveries / WEBHOOKS,
        webhooks: WEBHOOKS,
        ending: Ending::Retrying,
        old: 0,
    };
    history::write(data.path(), &past)?;
    let server = Server::start(&run.place.bin, data)?;
    let beside = first_attempts(&server, events, &storm)?;
    storm.wait_for(deliveries, DEADLINE)?;
    let peak = server.peak_bytes()? / (1024.0 * 1024.0);
    wait_until_recorded(slice::from_ref(&server), deliveries + events)?;
    let data = server.kill()?;
    recorded::deliveries(data.path(), deliveries + events * 2, deliveries * 2 + events * 2)?;
    storm.finish()?;

    let mut row = Row::new("storm");
    if run.quick {
        row.notes.push(format!("{deliveries} deliveries instead of 1,000,000: --quick"));
    }
    row.figure("due_at_once", deliveries as f64);
    row.figure("delivered_while_first_attempts_were_measured", beside.storm_deliveries() as f64);
    row.figure("storm_deliveries_per_s", beside.storm_deliveries() as f64 / beside.took.as_secs_f64());
    row.figure("alone_p50_ms", alone.ms(0.5));
    row.figure("alone_p99_ms", alone.ms(0.99));
    row.figure("beside_p50_ms", beside.ms(0.5));
    row.figure("beside_p99_ms", beside.ms(0.99));
    row.figure("server_peak_mib", peak);
    judge(&mut row, deliveries, &alone, &beside);
    row.check(Check::of("MiB of memory at most", peak, Target::AtMost(200.0)));
    Ok(row)
}

/// Holds the times beside the storm against those alone, if the storm lasted as long as they were taken.
fn judge(row: &mut Row, deliveries: u64, alone: &Measured, beside: &Measured) {
    if beside.storm.end >= deliveries {
        row.notes.push(
            "the storm ended too early: its rate is too low, and first attempts have no verdict".to_owned(),
        );
        return;
    }
    row.check(Check::ratio(
        "first attempts' p99 ms",
        beside.ms(0.99),
        ("alone", alone.ms(0.99)),
        Target::AtMost(2.0),
    ));
}

/// First attempts to an endpoint of another team.
struct Measured {
    times: Histogram<u64>,
    took: Duration,
    /// What the storm's receiver had when this began, and when it was over.
    storm: Range<u64>,
}

impl Measured {
    fn ms(&self, quantile: f64) -> f64 {
        self.times.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// What the storm's receiver got meanwhile.
    fn storm_deliveries(&self) -> u64 {
        self.storm.end - self.storm.start
    }
}

fn first_attempts(server: &Server, events: u64, storm: &Receiver<Nothing>) -> Result<Measured, Failure> {
    let team = server.make_team("first attempts")?;
    let receiver = Receiver::start(receiver::OK.to_vec(), Arrivals::new(events))?;
    server.make_webhook(&team, &format!("http://{}/", receiver.address))?;
    let publish = server.publish_to(&team, number::single());
    let (began, before) = (Instant::now(), storm.received());
    let sent = at_rate(server, &publish, events, (RATE, PUBLISHERS), &Turns::new(events))?;
    receiver.wait_for(events, DEADLINE)?;
    let (took, after) = (began.elapsed(), storm.received());
    let (arrivals, _) = receiver.finish()?;
    arrivals.tally.each_once("deliveries")?;
    Ok(Measured { times: since_turns(&sent, &arrivals)?, took, storm: before..after })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_storm_to_the_end_there_is_no_verdict() {
        let measured = |ms: u64| {
            let mut times = Histogram::new(3).unwrap();
            times.record(ms * 1000).unwrap();
            Measured { times, took: Duration::from_secs(2), storm: 10..40 }
        };
        assert_eq!(measured(1).storm_deliveries(), 30, "what came before does not count");
        for (deliveries, said) in [(41, (1, 0)), (40, (0, 1))] {
            let mut row = Row::new("storm");
            judge(&mut row, deliveries, &measured(4), &measured(7));
            assert_eq!((row.checks.len(), row.notes.len()), said, "of {deliveries}");
        }
    }
}
