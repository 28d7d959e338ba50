//! What a server left behind when it was killed: everything that it acknowledged, once.

use std::path::Path;
use std::time::{Duration, Instant};

use cstar_store::sqlite::floor::{Counted, Rows};

use crate::Failure;
use crate::number::{self, Tally};
use crate::server::Server;

const DEADLINE: Duration = Duration::from_secs(600);

/// That the log holds each of the events that were acknowledged, once. Answers the first rows of it.
pub(crate) fn events(data: &Path, events: u64) -> Result<Rows, Failure> {
    let rows = Rows::read(data, events + 1)?;
    each_once(rows.bodies(), events)?;
    Ok(rows)
}

/// That these events have each of the numbers that were acknowledged, once.
pub(crate) fn each_once<'e>(logged: impl Iterator<Item = &'e [u8]>, events: u64) -> Result<(), Failure> {
    let mut tally = Tally::new(events);
    for event in logged {
        let number = number::places(event).next().and_then(|at| number::read(&event[at..]));
        tally.note(number.ok_or("an event in the log has no number")?);
    }
    tally.each_once("acknowledged events")
}

/// That each delivery ended as delivered, with all attempts on record.
pub(crate) fn deliveries(data: &Path, deliveries: u64, attempts: u64) -> Result<(), Failure> {
    let counted = Counted::read(data)?;
    let wanted = Counted { deliveries, delivered: deliveries, attempts };
    if counted == wanted {
        Ok(())
    } else {
        Err(format!("{counted:?} on record instead of {wanted:?}").into())
    }
}

/// Waits until so many attempts are on record since the servers started.
pub(crate) fn wait_until_recorded(servers: &[Server], attempts: u64) -> Result<(), Failure> {
    let began = Instant::now();
    let recorded = |server: &Server| server.metric("cstar_attempts_recorded_total");
    while (servers.iter().map(recorded).sum::<Result<f64, Failure>>()? as u64) < attempts {
        if began.elapsed() > DEADLINE {
            return Err("not every attempt was recorded in time".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
