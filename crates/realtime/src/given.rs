//! What the unit tests of this crate are given.

use std::sync::Arc;

use cstar_store::TypeFilter;
use cstar_types::{Entry, Event, EventId, Patterns, Position, TeamId, Timestamp};

use crate::run::Run;

const TYPES: [&str; 3] = ["ticket.created", "ticket.closed", "customer.created"];

/// The event with this seq: its type follows from it, so that a filter's choice can be foretold.
pub(crate) fn entry(seq: u64) -> Arc<Entry> {
    entry_of(seq, TYPES[(seq % TYPES.len() as u64) as usize])
}

pub(crate) fn entry_of(seq: u64, event_type: &str) -> Arc<Entry> {
    let id = EventId::from_bits(seq.into(), false);
    let data = format!(r#"{{"n":{seq}}}"#);
    let at = Timestamp::from_millis(1_765_377_000_000);
    let team = TeamId::from_uuid(uuid::Uuid::from_u128(7));
    let event = Event::new(id, event_type.parse().unwrap(), team, at, data.as_bytes());
    Arc::new(Entry { position: Position::new(1, seq), event })
}

/// The run of these seqs.
pub(crate) fn run(seqs: impl IntoIterator<Item = u64>) -> Arc<Run> {
    let entries: Vec<_> = seqs.into_iter().map(entry).collect();
    Arc::new(Run::encode(&entries).unwrap().expect("there are some"))
}

/// The frame of an event, written the long way.
pub(crate) fn frame(seq: u64) -> String {
    format!("id: 1.{seq}\ndata: {}\n\n", std::str::from_utf8(&entry(seq).event.body).unwrap())
}

pub(crate) fn filter(wanted: Option<&str>) -> TypeFilter {
    TypeFilter { visible: Patterns::all(), wanted: wanted.map(|list| Patterns::parse_list(list).unwrap()) }
}
