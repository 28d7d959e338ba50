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
    let mut tally = Tally::new(events);
    for body in rows.bodies() {
        let number = number::places(body).next().and_then(|at| number::read(&body[at..]));
        tally.note(number.ok_or("an event in the log has no number")?);
    }
    tally.each_once("acknowledged events")?;
    Ok(rows)
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

/// Waits until so many attempts are on record since the server started.
pub(crate) fn wait_until_recorded(server: &Server, attempts: u64) -> Result<(), Failure> {
    let began = Instant::now();
    while (server.metric("cstar_attempts_recorded_total")? as u64) < attempts {
        if began.elapsed() > DEADLINE {
            return Err("not every attempt was recorded in time".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
