//! The data that the functions are run over.

use std::fmt::Write;

use cstar_types::catalog::Catalog;
use cstar_types::{Event, EventId, EventType, TeamId, Timestamp};

/// When it all happens.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_765_377_000_000);

pub(crate) fn ticket_created() -> EventType {
    "ticket.created".parse().expect("a built-in type")
}

/// A ticket as the catalog shows it.
pub(crate) fn ticket() -> &'static str {
    let entry = Catalog::find(&ticket_created()).expect("a built-in type");
    &entry.example
}

/// A ticket on its way to who listens.
pub(crate) fn event() -> Event {
    let mut data = Vec::new();
    cstar_types::json::canonicalize(ticket().as_bytes(), &mut data, cstar_types::json::Limits::default())
        .expect("the catalog's examples are JSON");
    Event::new(EventId::from_bits(7, false), ticket_created(), team(), NOW, &data)
}

/// Some 9 KB of what costs: members out of order, numbers to be written anew, escapes, and depth.
pub(crate) fn nested() -> String {
    let mut body = String::from(r#"{"rows":["#);
    for row in 0..40 {
        let comma = if row == 0 { "" } else { "," };
        let _ = write!(
            body,
            r#"{comma}{{"title":"Row {row} \u2014 \"quoted\" and a \\ slash","z":{row}.50,"a":[1e3,-0.0,{row},true,null],
               "nested":{{"c":{{"b":{{"a":{{"9":1,"10":2,"x":"\u00e9t\u00e9"}}}}}}}},"id":"{row:08}","m":{{"k2":2,"k1":1,"k10":10}}}}"#
        );
    }
    body.push_str("]}");
    body
}

fn team() -> TeamId {
    "018f3c5e-7b00-7000-8000-000000000007".parse().expect("a UUID")
}
