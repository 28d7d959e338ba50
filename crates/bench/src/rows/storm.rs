//! A retry storm: deliveries that all come due at once, as after an outage, and what it does to first attempts of others.

use std::time::Duration;

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
    let deliveries = run.size(50_000, 1_000_000);
    let server = run.place.server()?;
    let storm_team = server.team.clone();
    let storm = Receiver::start(receiver::OK.to_vec(), Nothing)?;
    for webhook in 0..WEBHOOKS {
        server.make_webhook(&storm_team, &format!("http://{}/{webhook}", storm.address))?;
    }
    let (alone, _) = first_attempts(&server, events)?;
    wait_until_recorded(&server, events)?;

    let data = server.kill()?;
    let past = Past {
        team: &storm_team,
        events: deliveries / WEBHOOKS,
        webhooks: WEBHOOKS,
        ending: Ending::Retrying,
    };
    history::write(data.path(), &past)?;
    let server = Server::start(&run.place.bin, data)?;
    let (beside, underway) = first_attempts(&server, events)?;
    let during = storm.received();
    storm.wait_for(deliveries, DEADLINE)?;
    let peak = server.peak_bytes()? / (1024.0 * 1024.0);
    wait_until_recorded(&server, deliveries + events)?;
    let data = server.kill()?;
    recorded::deliveries(data.path(), deliveries + events * 2, deliveries * 2 + events * 2)?;
    storm.finish()?;

    let ms = |times: &Histogram<u64>, quantile| times.value_at_quantile(quantile) as f64 / 1000.0;
    let mut row = Row::new("storm");
    if run.quick {
        row.notes.push(format!("{deliveries} deliveries instead of 1,000,000: --quick"));
    }
    row.figure("due_at_once", deliveries as f64);
    row.figure("delivered_while_first_attempts_were_measured", during as f64);
    row.figure("storm_deliveries_per_s", during as f64 / underway.as_secs_f64());
    row.figure("alone_p50_ms", ms(&alone, 0.5));
    row.figure("alone_p99_ms", ms(&alone, 0.99));
    row.figure("beside_p50_ms", ms(&beside, 0.5));
    row.figure("beside_p99_ms", ms(&beside, 0.99));
    row.figure("server_peak_mib", peak);
    row.check(Check::ratio(
        "first attempts' p99 ms",
        ms(&beside, 0.99),
        ("alone", ms(&alone, 0.99)),
        Target::AtMost(2.0),
    ));
    row.check(Check::of("MiB of memory at most", peak, Target::AtMost(200.0)));
    Ok(row)
}

/// The times of first attempts to an endpoint of another team, and how long they were measured.
fn first_attempts(server: &Server, events: u64) -> Result<(Histogram<u64>, Duration), Failure> {
    let team = server.make_team("first attempts")?;
    let receiver = Receiver::start(receiver::OK.to_vec(), Arrivals::new(events))?;
    server.make_webhook(&team, &format!("http://{}/", receiver.address))?;
    let began = std::time::Instant::now();
    let publish = server.publish_to(&team, number::single());
    let sent = at_rate(server, &publish, events, (RATE, PUBLISHERS), &Turns::new(events))?;
    receiver.wait_for(events, DEADLINE)?;
    let took = began.elapsed();
    let (arrivals, _) = receiver.finish()?;
    arrivals.tally.each_once("deliveries")?;
    Ok((since_turns(&sent, &arrivals)?, took))
}
