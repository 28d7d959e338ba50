//! A healthy endpoint beside a thousand dead ones: half refuse, half never answer.

use std::net::TcpListener;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::http::Template;
use crate::readers::Turns;
use crate::receiver::{self, Receiver};
use crate::report::{Check, Row, Target};
use crate::rows::Run;
use crate::rows::latency::{at_rate, since_turns};
use crate::rows::streams::created;
use crate::server::Server;
use crate::sinks::{Arrivals, Nothing};
use crate::{Failure, number};

/// As many webhooks as a team may have, and the teams that make a thousand.
const WEBHOOKS: usize = 100;
const TEAMS: usize = 10;
/// Events a second to the healthy endpoint, and to each of the dead ones.
const RATE: u32 = 100;
/// Connections that they come over.
const PUBLISHERS: usize = 8;
const DEAD_EVERY: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) fn measure(run: &Run) -> Result<Row, Failure> {
    let events = run.size(300, 2_000);
    let alone = healthy(run, events, 0)?.0;
    let (beside, attempts) = healthy(run, events, TEAMS)?;

    let ms = |times: &Histogram<u64>, quantile| times.value_at_quantile(quantile) as f64 / 1000.0;
    let mut row = Row::new("dead_endpoints");
    row.figure("dead_endpoints", (TEAMS * WEBHOOKS) as f64);
    row.figure("events", events as f64);
    row.figure("attempts_on_record", attempts);
    row.figure("alone_p50_ms", ms(&alone, 0.5));
    row.figure("alone_p99_ms", ms(&alone, 0.99));
    row.figure("beside_p50_ms", ms(&beside, 0.5));
    row.figure("beside_p99_ms", ms(&beside, 0.99));
    row.check(Check::ratio(
        "healthy p99 ms",
        ms(&beside, 0.99),
        ("alone", ms(&alone, 0.99)),
        Target::AtMost(2.0),
    ));
    Ok(row)
}

/// The times of the healthy endpoint, and how many attempts were recorded meanwhile, beside so many teams of dead ones.
fn healthy(run: &Run, events: u64, teams: usize) -> Result<(Histogram<u64>, f64), Failure> {
    let server = run.place.server()?;
    let silent = Receiver::start(Vec::new(), Nothing)?;
    let refusing = TcpListener::bind("127.0.0.1:0")?.local_addr()?; // nobody listens there any more
    let dead = (0..teams)
        .map(|_| dead_team(&server, &[silent.address.to_string(), refusing.to_string()]))
        .collect::<Result<Vec<_>, Failure>>()?;

    let receiver = Receiver::start(receiver::OK.to_vec(), Arrivals::new(events))?;
    server.make_webhook(&server.team, &format!("http://{}/", receiver.address))?;
    let seconds = events.div_ceil(u64::from(RATE));
    let sent = std::thread::scope(|threads| {
        let others = threads.spawn(|| publish_to_dead(&server, dead, seconds));
        let publish = server.publish(number::single());
        let sent = at_rate(&server, &publish, events, (RATE, PUBLISHERS), &Turns::new(events))?;
        others.join().map_err(|_| "the publisher to dead endpoints has panicked")??;
        Ok::<_, Failure>(sent)
    })?;
    receiver.wait_for(events, DEADLINE)?;
    let attempts = server.metric("cstar_attempts_recorded_total")?;
    let (arrivals, _) = receiver.finish()?;
    arrivals.tally.each_once("deliveries")?;
    silent.finish()?;
    Ok((since_turns(&sent, &arrivals)?, attempts))
}

fn dead_team(server: &Server, endpoints: &[String]) -> Result<Template, Failure> {
    let team = server.make_team("dead")?;
    for (webhook, endpoint) in (0..WEBHOOKS).zip(endpoints.iter().cycle()) {
        server.make_webhook(&team, &format!("http://{endpoint}/{webhook}"))?;
    }
    Ok(server.publish_to(&team, number::single()))
}

fn publish_to_dead(server: &Server, teams: Vec<Template>, seconds: u64) -> Result<(), Failure> {
    let mut client = server.client()?;
    for _ in 0..seconds {
        for team in &teams {
            created(client.send(team.bytes())?)?;
            std::thread::sleep(DEAD_EVERY / TEAMS as u32);
        }
    }
    Ok(())
}
