//! What a listener tells, in order, on stdout: lines for people, or one JSON object a line.

use std::time::Duration;

use cstar_client::{Event, Gap};
use cstar_types::{EventId, format_duration};
use serde_json::{Value, json};

use super::forward::Forwarded;
use crate::output::{BAD, DIM, GOOD, STRONG, harmless};

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
    /// For people.
    pub(crate) fn to_line(&self, time: &str) -> String {
        match self {
            Self::Ready { url, team, secret, targets } => ready(url, team, secret, targets),
            Self::Event(Event { id, event_type, .. }) => {
                format!("{DIM}{time}{DIM:#}  --> {STRONG}{event_type}{STRONG:#}  {id}")
            }
            Self::Forwarded { forwarded, .. } => format!("{DIM}{time}{DIM:#}  <-- {}", answer(forwarded)),
            Self::Disconnected { reason, retry_in } => {
                let (reason, wait) = (harmless(reason), format_duration(*retry_in));
                format!("{DIM}{time}{DIM:#}  {BAD}disconnected{BAD:#}: {reason}; trying again in {wait}")
            }
            Self::Replayed { count } => {
                let events = if *count == 1 { "event" } else { "events" };
                format!("{DIM}{time}{DIM:#}  {GOOD}connected again{GOOD:#}, {count} {events} replayed")
            }
            Self::Gap(Gap { from, to, reason }) => {
                let from = from.map(|from| format!("after {from} ")).unwrap_or_default();
                format!(
                    "{DIM}{time}{DIM:#}  {BAD}gap{BAD:#}: events {from}up to {to} cannot be replayed ({reason})"
                )
            }
        }
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Ready { url, team, secret, targets } => {
                json!({"told": "ready", "url": url, "team": team, "secret": secret, "targets": targets})
            }
            Self::Event(event) => json!({
                "told": "event",
                "id": event.id,
                "type": event.event_type,
                "position": event.position.to_string(),
                "event": event.envelope,
            }),
            Self::Forwarded { id, forwarded } => json!({
                "told": "forwarded",
                "id": id,
                "target": forwarded.target.as_str(),
                "success": forwarded.succeeded(),
                "status": forwarded.result.as_ref().ok().map(|status| status.as_u16()),
                "error": forwarded.result.as_ref().err(),
                "duration_ms": millis(forwarded.took),
            }),
            Self::Disconnected { reason, retry_in } => {
                json!({"told": "disconnected", "reason": reason, "retry_in_ms": millis(*retry_in)})
            }
            Self::Replayed { count } => json!({"told": "replayed", "count": count}),
            Self::Gap(Gap { from, to, reason }) => json!({
                "told": "gap",
                "from": from.map(|from| from.to_string()),
                "to": to.to_string(),
                "reason": reason.to_string(),
            }),
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
    use cstar_types::Position;
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
14:30:00  disconnected: the server closed it\u{fffd}[2J; trying again in 2s
14:30:00  connected again, 1 event replayed
14:30:00  gap: events after 1.2 up to 1.9 cannot be replayed (expired)"
        );
    }

    #[test]
    fn programs_read_one_object_a_line() {
        let id = EventId::from_bits(1, false);
        let bad = forwarded(Ok(StatusCode::INTERNAL_SERVER_ERROR));
        let told = Told::Forwarded { id, forwarded: &bad }.to_json();
        assert_eq!(told["status"], 500);
        assert_eq!(told["success"], false);
        assert_eq!(told["told"], "forwarded");
    }
}
