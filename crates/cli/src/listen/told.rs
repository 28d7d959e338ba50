//! What a listener tells, in order: lines for people, or one JSON object a line.

use std::time::Duration;

use cstar_client::{Event, Gap};
use cstar_types::{EventId, EventType, Position};
use cstar_wire::Envelope;
use serde::Serialize;

use super::forward::Forwarded;
use crate::output::{BAD, DIM, GOOD, STRONG, harmless, missed};

/// One thing that a listener tells.
pub(crate) enum Told<'a> {
    /// The server has said that the subscription stands: what is published from now on arrives.
    Ready { url: &'a str, team: String, secret: &'a str, targets: &'a [String] },
    /// An event came.
    Event(&'a Event),
    /// A target answered, or did not.
    Forwarded { id: EventId, forwarded: &'a Forwarded },
    /// The connection is gone.
    Disconnected { reason: &'a str, retry_in: Duration },
    /// It is back, and this many events were replayed.
    Replayed { count: u64 },
    /// Events that can no longer be replayed.
    Gap(&'a Gap),
}

impl Told<'_> {
    /// Whether it is about the connection and not about events. Of what people read, that goes to stderr, as a tail's does.
    pub(crate) const fn is_of_the_connection(&self) -> bool {
        matches!(self, Self::Disconnected { .. } | Self::Replayed { .. } | Self::Gap(_))
    }

    /// For people.
    pub(crate) fn to_line(&self, time: &str) -> String {
        match self {
            Self::Ready { url, team, secret, targets } => ready(url, team, secret, targets),
            Self::Event(Event { id, event_type, .. }) => {
                format!("{DIM}{time}{DIM:#}  --> {STRONG}{event_type}{STRONG:#}  {id}")
            }
            Self::Forwarded { forwarded, .. } => format!("{DIM}{time}{DIM:#}  <-- {}", answer(forwarded)),
            Self::Disconnected { reason, retry_in } => {
                let (reason, wait) = (harmless(reason), retry_in.as_secs_f64());
                format!("{DIM}{time}{DIM:#}  {BAD}disconnected{BAD:#}: {reason}; trying again in {wait:.1} s")
            }
            Self::Replayed { count } => {
                let events = if *count == 1 { "event" } else { "events" };
                format!("{DIM}{time}{DIM:#}  {GOOD}connected again{GOOD:#}, {count} {events} replayed")
            }
            Self::Gap(gap) => format!("{DIM}{time}{DIM:#}  {BAD}gap{BAD:#}: {}", missed(gap)),
        }
    }

    /// For programs: one object on one line, the event in it byte for byte (T9).
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&Line::of(self))
    }
}

/// What a line for programs holds.
#[derive(Serialize)]
#[serde(tag = "told", rename_all = "snake_case")]
enum Line<'a> {
    Ready {
        url: &'a str,
        team: &'a str,
        secret: &'a str,
        targets: &'a [String],
    },
    Event {
        id: EventId,
        #[serde(rename = "type")]
        event_type: &'a EventType,
        position: Position,
        event: &'a Envelope,
    },
    Forwarded {
        id: EventId,
        target: &'a str,
        success: bool,
        status: Option<u16>,
        error: Option<&'a str>,
        duration_ms: u64,
    },
    Disconnected {
        reason: &'a str,
        retry_in_ms: u64,
    },
    Replayed {
        count: u64,
    },
    Gap {
        from: Option<Position>,
        to: Position,
        reason: String,
    },
}

impl<'a> Line<'a> {
    fn of(told: &'a Told<'_>) -> Self {
        match told {
            Told::Ready { url, team, secret, targets } => Self::Ready { url, team, secret, targets },
            Told::Event(Event { id, event_type, position, envelope }) => {
                Self::Event { id: *id, event_type, position: *position, event: envelope }
            }
            Told::Forwarded { id, forwarded } => Self::Forwarded {
                id: *id,
                target: forwarded.target.as_str(),
                success: forwarded.succeeded(),
                status: forwarded.result.as_ref().ok().map(|status| status.as_u16()),
                error: forwarded.result.as_ref().err().map(String::as_str),
                duration_ms: millis(forwarded.took),
            },
            Told::Disconnected { reason, retry_in } => {
                Self::Disconnected { reason, retry_in_ms: millis(*retry_in) }
            }
            Told::Replayed { count } => Self::Replayed { count: *count },
            Told::Gap(Gap { from, to, reason }) => {
                Self::Gap { from: *from, to: *to, reason: reason.to_string() }
            }
        }
    }
}

fn ready(url: &str, team: &str, secret: &str, targets: &[String]) -> String {
    let what = match targets {
        [] => "Showing events".to_owned(),
        targets => format!("Forwarding events to {}", targets.join(", ")),
    };
    format!(
        "{GOOD}Ready.{GOOD:#} {what}\n  server  {url}\n  team    {team}\n  secret  {secret}  {DIM}(WEBHOOK_SECRET){DIM:#}"
    )
}

fn answer(forwarded: &Forwarded) -> String {
    let (target, took) = (&forwarded.target, millis(forwarded.took));
    match &forwarded.result {
        Ok(status) => {
            let style = if forwarded.succeeded() { GOOD } else { BAD };
            format!("{style}{}{style:#}  {target}  {took} ms", status.as_u16())
        }
        Err(reason) => format!("{BAD}not forwarded{BAD:#}  {target}: {}", harmless(reason)),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use cstar_client::GapReason;
    use reqwest::StatusCode;

    use super::*;

    fn forwarded(result: Result<StatusCode, String>) -> Forwarded {
        Forwarded {
            target: "http://localhost:3000/webhook".parse().unwrap(),
            result,
            took: Duration::from_millis(12),
        }
    }

    fn plain(told: &Told<'_>) -> String {
        anstream::adapter::strip_str(&told.to_line("14:30:00")).to_string()
    }

    #[test]
    fn people_read_lines() {
        let id = EventId::from_bits(1, true);
        let position = Position::new(1, 2);
        let envelope = serde_json::value::RawValue::from_string("{}".to_owned()).unwrap().into();
        let event = Event { position, id, event_type: "ticket.created".parse().unwrap(), envelope };
        let good = forwarded(Ok(StatusCode::OK));
        let bad = forwarded(Err("connection refused".into()));
        let lines = [
            Told::Event(&event),
            Told::Forwarded { id, forwarded: &good },
            Told::Forwarded { id, forwarded: &bad },
            Told::Disconnected { reason: "the server closed it\u{1b}[2J", retry_in: Duration::from_secs(2) },
            Told::Replayed { count: 1 },
            Told::Gap(&Gap { from: Some(position), to: Position::new(1, 9), reason: GapReason::Expired }),
        ]
        .map(|told| plain(&told));
        assert_eq!(
            lines.join("\n"),
            "\
14:30:00  --> ticket.created  evt_test_00000000000000000000000001
14:30:00  <-- 200  http://localhost:3000/webhook  12 ms
14:30:00  <-- not forwarded  http://localhost:3000/webhook: connection refused
14:30:00  disconnected: the server closed it\u{fffd}[2J; trying again in 2.0 s
14:30:00  connected again, 1 event replayed
14:30:00  gap: events after 1.2 up to 1.9 cannot be replayed (expired)"
        );
    }

    #[test]
    fn programs_read_one_object_a_line() {
        let id = EventId::from_bits(1, false);
        let bad = forwarded(Ok(StatusCode::INTERNAL_SERVER_ERROR));
        assert_eq!(
            Told::Forwarded { id, forwarded: &bad }.to_json().unwrap(),
            r#"{"told":"forwarded","id":"evt_00000000000000000000000001","target":"http://localhost:3000/webhook","success":false,"status":500,"error":null,"duration_ms":12}"#
        );
    }

    /// T9: an event goes through without a byte changed.
    #[test]
    fn programs_read_the_event_as_it_is() {
        let envelope = r#"{"z":1e+21,"a":{"2":"\u001f","é":[]}}"#;
        let raw = serde_json::value::RawValue::from_string(envelope.to_owned()).unwrap();
        let event = Event {
            position: Position::new(1, 2),
            id: EventId::from_bits(1, false),
            event_type: "ticket.created".parse().unwrap(),
            envelope: raw.into(),
        };
        let line = Told::Event(&event).to_json().unwrap();
        assert!(line.starts_with(r#"{"told":"event","id":"evt_"#), "{line}");
        assert!(line.ends_with(&format!(r#""position":"1.2","event":{envelope}}}"#)), "{line}");
    }
}
