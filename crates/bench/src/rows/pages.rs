//! Lists, page after page, as somebody reads them who goes back into the past.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::Value;

use crate::http::Client;
use crate::server::Server;
use crate::{Failure, number};

/// Pages of each list, one behind the other.
const PAGES: usize = 100;
const LISTS: [&str; 5] = [
    "events?limit=50",
    "events?limit=50&order=asc",
    "deliveries?limit=50",
    "deliveries?limit=50&status=delivered",
    "deliveries?limit=50&status=failed",
];

/// How many pages of these lists are answered in a second.
pub(super) fn per_second(server: &Server) -> Result<f64, Failure> {
    let mut client = server.client()?;
    let mut times = Histogram::<u64>::new(3)?;
    for list in LISTS {
        let mut after = None;
        for _ in 0..PAGES {
            let (page, took) = page(&mut client, &server.team, list, after.as_deref())?;
            times.record(took.as_micros() as u64)?;
            // Who has come to the end begins anew.
            after = page["next"].as_str().map(str::to_owned);
        }
    }
    Ok(1e6 / times.mean())
}

/// The number of the oldest event that is kept.
pub(super) fn oldest(server: &Server) -> Result<u64, Failure> {
    let (page, _) = page(&mut server.client()?, &server.team, "events?limit=1&order=asc", None)?;
    let event = page["data"][0].to_string();
    let number = number::places(event.as_bytes()).next().and_then(|at| number::read(&event.as_bytes()[at..]));
    Ok(number.ok_or("there is no oldest event")?)
}

fn page(
    client: &mut Client,
    team: &str,
    list: &str,
    after: Option<&str>,
) -> Result<(Value, Duration), Failure> {
    let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
    let path = format!("/v1/teams/{team}/{list}{after}");
    let began = Instant::now();
    let (status, body) = client.get(&path)?;
    let took = began.elapsed();
    if status != 200 {
        return Err(format!("{path} was answered {status}").into());
    }
    Ok((serde_json::from_slice(body)?, took))
}
