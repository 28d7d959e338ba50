//! A past for a server: events and deliveries that were stored before it starts, through the store's own calls. They are
//! synced as the server's are.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cstar_store::sqlite::{MasterKey, Options, SqliteStore};
use cstar_store::{
    Append, AttemptReport, Change, Deliveries, Due, FanOut, Log, NewEvent, TailReader, Told, Upkeep, Verdict,
};
use cstar_types::{
    Attempt, AttemptRequest, Event, EventId, EventType, FailureRule, Outcome, TeamId, Timestamp,
};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::server::MASTER_KEY;
use crate::{Failure, number};

/// Events that are appended together; each makes up to a hundred deliveries.
const GROUP: u64 = 1_000;
const GROUP_DELIVERIES: u64 = 10_000;
/// Of what is older than anything is kept.
const OLD: Duration = Duration::from_secs(40 * 24 * 3600);
/// What the tail may hold: more than one group ever weighs.
const TAIL_BYTES: usize = 256 << 20;

/// What becomes of the deliveries that the events make.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Delivered,
    /// The first attempt failed, and the next one is due.
    Retrying,
}

/// The past of one team.
pub(crate) struct Past<'p> {
    pub(crate) team: &'p str,
    pub(crate) events: u64,
    /// Webhooks that each event goes to.
    pub(crate) webhooks: u64,
    pub(crate) ending: Ending,
    /// So many of the first events are older than anything is kept.
    pub(crate) old: u64,
}

/// Writes it, into a directory that no server uses.
pub(crate) fn write(data: &Path, past: &Past<'_>) -> Result<Duration, Failure> {
    let began = std::time::Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let store = SqliteStore::open(Options::new(data, MasterKey::new(MASTER_KEY)))?;
    let mut writing = Writing { team: past.team.parse()?, tail: store.tail(TAIL_BYTES), store, runtime };
    let group = (GROUP_DELIVERIES / past.webhooks.max(1)).clamp(1, GROUP);
    for first in (0..past.events).step_by(group as usize) {
        let due = writing.append(first, group.min(past.events - first), first < past.old)?;
        writing.record(&due, past.ending)?;
    }
    writing.runtime.block_on(writing.store.close());
    Ok(began.elapsed())
}

struct Writing {
    team: TeamId,
    tail: TailReader,
    store: SqliteStore,
    runtime: Runtime,
}

impl Writing {
    /// Appends events with these numbers, now or long ago; answers the deliveries that they made.
    fn append(&mut self, first: u64, events: u64, is_old: bool) -> Result<Vec<Due>, Failure> {
        let event_type: EventType = "ticket.created".parse()?;
        let now = if is_old { now().minus(OLD) } else { now() };
        let events = (first..first + events).map(|number| {
            let id = EventId::from_uuid(Uuid::now_v7(), false);
            let data = number::data(number);
            let event = Event::new(id, event_type.clone(), self.team, now, &data);
            NewEvent { event, idempotency_key: None }
        });
        let append = Append { team: self.team, events: events.collect(), fan_out: FanOut::Matching, now };
        self.runtime.block_on(self.store.append(append))?;
        match self.runtime.block_on(self.tail.next()) {
            Some(Told::Change(change)) => match &*change {
                Change::Appended { deliveries, .. } => Ok(deliveries.clone()),
                _ => Err("the store told of something else than an append".into()),
            },
            _ => Err("the store did not tell of an append".into()),
        }
    }

    /// Puts on record what the first attempt of each came to.
    fn record(&self, due: &[Due], ending: Ending) -> Result<(), Failure> {
        let verdict = match ending {
            Ending::Delivered => Verdict::Delivered,
            Ending::Retrying => Verdict::RetryAt(now()),
        };
        let reports = due.iter().map(|due| AttemptReport {
            delivery: due.id,
            webhook: due.webhook,
            failed_before: due.failed,
            verdict,
            attempt: attempt(due.attempts + 1, ending),
        });
        self.runtime.block_on(self.store.record(reports.collect(), FailureRule::NEVER))?;
        Ok(())
    }
}

fn attempt(number: u32, ending: Ending) -> Attempt {
    let (outcome, status_code, detail) = match ending {
        Ending::Delivered => (Outcome::Success, 200, "your endpoint answered 200"),
        Ending::Retrying => (Outcome::HttpStatus, 503, "your endpoint answered 503"),
    };
    Attempt {
        number,
        started_at: now(),
        duration_ms: 1,
        outcome,
        status_code: Some(status_code),
        detail: detail.to_owned(),
        response_headers: vec![("content-length".to_owned(), "0".to_owned())],
        response_body: String::new(),
        request: AttemptRequest {
            url: "http://127.0.0.1:8080/0".to_owned(),
            address: Some("127.0.0.1:8080".to_owned()),
            signature: Some("ab".repeat(32)),
        },
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
