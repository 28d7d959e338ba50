//! Seven rules that hold after every fault.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::time::Instant;

use cstar_signature::{Headers, verify_body, verify_standard};
use cstar_types::{DeliveryStatus, Position};
use serde_json::Value;

use super::{Crash, Delivered, Endpoint, Evidence, Ledger, Life, Note, Verdict};
use crate::receiver::Received;

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    /// Everything that was answered 2xx is readable, byte for byte; what was refused is absent; what was unknown is one
    /// event once it was repeated with the same idempotency key.
    C1,
    /// Each acknowledged event ended delivered at the webhook that wants it, or failed or cancelled with attempts on
    /// record.
    C2,
    /// Positions rise without holes or repeats, for every reader, over restarts and replay.
    C3,
    /// Nothing arrived that was not accepted.
    C4,
    /// Each duplicate has a cause, and the same `x-cstar-delivery`.
    C5,
    /// The signatures of every request verify.
    C6,
    /// Memory, descriptors and disk stay within their bounds, and what waits drains once the fault is over.
    C7,
}

/// A rule that was broken, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breach {
    /// Which rule.
    pub(super) rule: Rule,
    /// What was found.
    pub(super) what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

/// Every breach that the evidence shows; none is what a test wants.
#[must_use]
pub(super) fn breaches(ledger: &Ledger, evidence: &Evidence) -> Vec<Breach> {
    let notes = ledger.notes();
    let mut found = vec![
        (Rule::C1, readable(&notes, evidence)),
        (Rule::C3, in_order(evidence)),
        (Rule::C4, nothing_foreign(evidence)),
        (Rule::C7, within_bounds(evidence)),
    ];
    for endpoint in &evidence.endpoints {
        found.push((Rule::C2, delivered(evidence, endpoint)));
        found.push((Rule::C5, duplicates_explained(evidence, endpoint)));
        found.push((Rule::C6, signed(endpoint)));
    }
    let found = found.into_iter();
    found.flat_map(|(rule, found)| found.into_iter().map(move |what| Breach { rule, what })).collect()
}

fn readable(notes: &[Note], evidence: &Evidence) -> Vec<String> {
    let mut found = Vec::new();
    let at: HashMap<Position, &str> =
        evidence.log.iter().map(|(position, body)| (*position, body.as_str())).collect();
    let listed: HashSet<&str> = evidence.listed.iter().map(String::as_str).collect();
    let mut times: HashMap<u64, usize> = HashMap::new();
    for (_, body) in &evidence.log {
        *times.entry(number(body)).or_default() += 1;
    }
    for note in notes {
        let times = times.get(&(note.number as u64)).copied().unwrap_or_default();
        match &note.verdict {
            Verdict::Ok(published) => {
                if at.get(&published.position) != Some(&published.envelope.as_str()) {
                    found.push(format!(
                        "event {} is not at {} as acknowledged",
                        note.number, published.position
                    ));
                }
                if !listed.contains(published.envelope.as_str()) {
                    found.push(format!("event {} is not in the list as acknowledged", note.number));
                }
                if !published.envelope.ends_with(&format!(",\"data\":{}}}", note.data)) {
                    found.push(format!(
                        "event {} was acknowledged with other data than was published",
                        note.number
                    ));
                }
                if times != 1 {
                    found.push(format!("event {} is in the log {times} times", note.number));
                }
            }
            Verdict::Failed(status, code) if times > 0 => {
                found.push(format!(
                    "event {} was refused with {status} {code} and is in the log",
                    note.number
                ));
            }
            Verdict::Failed(..) => {}
            Verdict::Unknown => found.push(format!("event {} was not settled", note.number)),
        }
    }
    found
}

/// The number that the ledger wrote into an event.
fn number(envelope: &str) -> u64 {
    let envelope: Value = serde_json::from_str(envelope).unwrap_or_default();
    envelope["data"]["number"].as_u64().unwrap_or(u64::MAX)
}

fn member(envelope: &str, name: &str) -> String {
    let envelope: Value = serde_json::from_str(envelope).unwrap_or_default();
    envelope[name].as_str().unwrap_or_default().to_owned()
}

fn delivered(evidence: &Evidence, endpoint: &Endpoint) -> Vec<String> {
    let mut of_event: BTreeMap<String, Vec<&Delivered>> = BTreeMap::new();
    for delivery in &endpoint.deliveries {
        of_event.entry(delivery.event.to_string()).or_default().push(delivery);
    }
    let arrived: HashSet<&str> =
        endpoint.arrivals.iter().map(|arrival| arrival.header("x-cstar-delivery")).collect();
    let problem = |(_, body): &(Position, String)| {
        let (id, event_type) = (member(body, "id"), member(body, "type"));
        let wanted = event_type.parse().is_ok_and(|event_type| endpoint.wants.matches(&event_type));
        match of_event.get(&id).map(Vec::as_slice).unwrap_or_default() {
            [] if !wanted => None,
            [_, ..] if !wanted => Some(format!("{id} is delivered to who does not want {event_type}")),
            [one] if one.status == DeliveryStatus::Delivered && !arrived.contains(one.id.as_str()) => {
                Some(format!("{id} counts as delivered and never arrived"))
            }
            [one] if !one.status.has_ended() || one.attempts == 0 => {
                Some(format!("the delivery of {id} is {} after {} attempts", one.status, one.attempts))
            }
            [_] => None,
            others => Some(format!("{id} has {} deliveries to one webhook", others.len())),
        }
    };
    evidence.log.iter().filter_map(problem).collect()
}

fn in_order(evidence: &Evidence) -> Vec<String> {
    let mut found = Vec::new();
    let positions: Vec<Position> = evidence.log.iter().map(|(position, _)| *position).collect();
    if !positions.iter().zip(1..).all(|(position, seq)| position.seq == seq) {
        found.push(format!("the log does not count 1, 2, 3: {positions:?}"));
    }
    let frames = evidence.stream.iter().flat_map(|connection| &connection.frames);
    let events: Vec<_> = frames.clone().filter(|frame| frame.name.is_none()).collect();
    let told: Vec<Option<Position>> = events.iter().map(|frame| frame.id.parse().ok()).collect();
    if told != positions.iter().copied().map(Some).collect::<Vec<_>>() {
        found.push(format!("the stream told {told:?} of {} events", positions.len()));
    }
    for frame in frames.filter(|frame| frame.name.as_deref() == Some("cstar.gap")) {
        found.push(format!("the stream told a gap where none is: {}", frame.data));
    }
    found
}

fn nothing_foreign(evidence: &Evidence) -> Vec<String> {
    let accepted: HashSet<&str> = evidence.log.iter().map(|(_, body)| body.as_str()).collect();
    let team = format!("\"team_id\":\"{}\"", evidence.team);
    let arrivals = evidence.endpoints.iter().flat_map(|endpoint| &endpoint.arrivals);
    let arrived = arrivals.map(|arrival| String::from_utf8_lossy(&arrival.body).into_owned());
    let frames = evidence.stream.iter().flat_map(|connection| &connection.frames);
    let told = frames.filter(|frame| frame.name.is_none()).map(|frame| frame.data.clone());
    let foreign =
        arrived.chain(told).filter(|body| !accepted.contains(body.as_str()) || !body.contains(&team));
    foreign.map(|body| format!("arrived and was not accepted: {body}")).collect()
}

/// An attempt on record that failed is followed by another; a crash may have come between an attempt and its record, if there was one
/// between the event's first arrival and its last; and within one attempt a connection that was kept is replaced, once, if it proves dead before a byte of the answer.
fn duplicates_explained(evidence: &Evidence, endpoint: &Endpoint) -> Vec<String> {
    let recorded: HashMap<&str, usize> = endpoint
        .deliveries
        .iter()
        .map(|one| (one.id.as_str(), one.failures + usize::from(one.status == DeliveryStatus::Delivered)))
        .collect();
    let mut of_event: BTreeMap<&str, (BTreeSet<&str>, Vec<Instant>)> = BTreeMap::new();
    let mut used = HashSet::new();
    for arrival in &endpoint.arrivals {
        let (deliveries, moments) = of_event.entry(arrival.header("webhook-id")).or_default();
        deliveries.insert(arrival.header("x-cstar-delivery"));
        let was_kept = !used.insert(arrival.connection);
        moments.extend((!(was_kept && arrival.hung_up_on)).then_some(arrival.at));
    }
    let crashes = |moments: &[Instant]| {
        let span = moments.iter().min().zip(moments.iter().max());
        let explains = |crash: &&Crash| span.is_some_and(|(first, last)| crash.explains(*first, *last));
        evidence.life.crashes.iter().filter(explains).count()
    };
    let problem = |(event, (deliveries, moments)): (&str, (BTreeSet<&str>, Vec<Instant>))| {
        let explained: usize = deliveries.iter().filter_map(|delivery| recorded.get(delivery)).sum();
        let (count, crashes) = (moments.len(), crashes(&moments));
        if deliveries.len() != 1 {
            return Some(format!("{event} came under {deliveries:?}"));
        }
        (count > explained + crashes).then(|| {
            format!(
                "{event} came {count} times: {explained} attempts on record and {crashes} crashes meanwhile explain no more"
            )
        })
    };
    of_event.into_iter().filter_map(problem).collect()
}

fn signed(endpoint: &Endpoint) -> Vec<String> {
    let check = |arrival: &Received| {
        let get = |name| arrival.headers.get(name).map(hyper::header::HeaderValue::as_bytes);
        // As old as it says itself: how long a test may take is no business of this rule.
        let signed_at = arrival.header("webhook-timestamp").parse().unwrap_or_default();
        let body = verify_body(&endpoint.secret, &arrival.body, Some(arrival.header("x-cstar-signature")));
        let standard = verify_standard(&endpoint.secret, Headers::from_fn(get), &arrival.body, signed_at, 0);
        let what = body.and(standard).err()?;
        Some(format!("{}: {what}", arrival.header("x-cstar-delivery")))
    };
    endpoint.arrivals.iter().filter_map(check).collect()
}

fn within_bounds(evidence: &Evidence) -> Vec<String> {
    let Life { took, bounds, .. } = &evidence.life;
    let mut found: Vec<String> = [
        ("bytes of memory", took.memory_bytes, bounds.memory_bytes),
        ("descriptors", took.descriptors, bounds.descriptors),
        ("bytes of disk", took.disk_bytes, bounds.disk_bytes),
    ]
    .into_iter()
    .filter(|(_, took, bound)| took > bound)
    .map(|(what, took, bound)| format!("the server took {took} {what}, and may take {bound}"))
    .collect();
    let deliveries = evidence.endpoints.iter().flat_map(|endpoint| &endpoint.deliveries);
    let waiting = deliveries.filter(|delivery| !delivery.status.has_ended()).count();
    if waiting > 0 {
        found.push(format!("{waiting} deliveries did not drain"));
    }
    found
}

#[cfg(test)]
mod tests;
