//! Each rule is broken on purpose, and seen to be broken.

use std::time::Duration;

use bytes::Bytes;
use cstar_signature::{Secret, Signer};
use cstar_types::{EventId, Patterns, TeamId};
use hyper::header::{HeaderMap, HeaderValue};

use super::*;
use crate::footprint::Footprint;
use crate::stream::{Connection, Frame};
use crate::team::Published;

const EVENTS: usize = 3;
const TOOK: Footprint = Footprint { memory_bytes: 100, descriptors: 100, disk_bytes: 100 };

fn team() -> TeamId {
    "550e8400-e29b-41d4-a716-446655440000".parse().unwrap()
}

/// A ledger of three acknowledged events, and evidence that all is well.
fn sound() -> (Ledger, Evidence) {
    let ledger = Ledger::new("t");
    let secret = Secret::generate([7; 32]);
    let mut evidence = Evidence {
        team: team(),
        log: Vec::new(),
        listed: Vec::new(),
        endpoints: vec![Endpoint {
            wants: Patterns::parse_list("ticket.*,customer.created").unwrap(),
            deliveries: Vec::new(),
            arrivals: Vec::new(),
            secret: secret.clone(),
        }],
        stream: vec![Connection::default()],
        life: Life { crashes: Vec::new(), took: TOOK, bounds: TOOK },
    };
    for _ in 0..EVENTS {
        let note = ledger.begin();
        let id = EventId::from_bits(note.number as u128 + 1, false);
        let position = Position::new(1, note.number as u64 + 1);
        let envelope = format!(
            r#"{{"id":"{id}","type":"{}","team_id":"{}","created_at":"2025-12-10T14:30:00Z","data":{}}}"#,
            note.event_type,
            team(),
            note.data
        );
        ledger.settle_as(note.number, Verdict::Ok(Published { id, position, envelope: envelope.clone() }));
        evidence.log.push((position, envelope.clone()));
        evidence.listed.push(envelope.clone());
        evidence.endpoints[0].deliveries.push(Delivered {
            id: format!("dlv_{}", note.number),
            event: id,
            status: DeliveryStatus::Delivered,
            attempts: 1,
            failures: 0,
        });
        evidence.stream[0].frames.push(Frame {
            name: None,
            id: position.to_string(),
            data: envelope.clone(),
        });
        let came = arrival(&secret, &id.to_string(), &format!("dlv_{}", note.number), envelope);
        evidence.endpoints[0].arrivals.push(came);
    }
    (ledger, evidence)
}

fn arrival(secret: &Secret, event: &str, delivery: &str, body: String) -> Received {
    let signer = Signer::new(secret, None);
    let mut headers = HeaderMap::new();
    let standard = signer.standard(event, 1_765_377_000, body.as_bytes());
    for (name, value) in [
        ("x-cstar-delivery", delivery),
        ("webhook-id", event),
        ("webhook-timestamp", "1765377000"),
        ("webhook-signature", &standard),
        ("x-cstar-signature", signer.body(body.as_bytes()).as_str()),
    ] {
        headers.insert(
            hyper::header::HeaderName::try_from(name).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let (method, path, body) = ("POST".into(), "/".into(), Bytes::from(body));
    Received { connection: 0, at: Instant::now(), method, path, headers, body, hung_up_on: false }
}

#[track_caller]
fn check(rule: Rule, word: &str, spoil: impl FnOnce(&Ledger, &mut Evidence)) {
    let (ledger, mut evidence) = sound();
    spoil(&ledger, &mut evidence);
    let found = breaches(&ledger, &evidence);
    assert!(found.iter().any(|breach| breach.rule == rule && breach.what.contains(word)), "{found:#?}");
}

#[test]
fn nothing_is_found_where_all_is_well() {
    let (ledger, evidence) = sound();
    assert_eq!(breaches(&ledger, &evidence), []);
}

#[test]
fn c1_finds_what_was_lost_changed_or_kept_against_its_word() {
    check(Rule::C1, "event 2 is not at 1.3", |_, evidence| drop(evidence.log.pop()));
    check(Rule::C1, "event 0 is not at 1.1", |_, evidence| {
        evidence.log[0].1 = evidence.log[0].1.replace("high", "higher")
    });
    check(Rule::C1, "event 1 is not in the list", |_, evidence| drop(evidence.listed.remove(1)));
    check(Rule::C1, "event 1 was refused with 507 storage_full and is in the log", |ledger, _| {
        ledger.settle_as(1, Verdict::Failed(507, "storage_full".into()));
    });
    check(Rule::C1, "event 2 was not settled", |ledger, _| ledger.settle_as(2, Verdict::Unknown));
    check(Rule::C1, "event 0 is in the log 2 times", |_, evidence| {
        let again = evidence.log[0].1.clone();
        evidence.log.push((Position::new(1, 4), again));
    });
    check(Rule::C1, "other data than was published", |ledger, _| {
        let Verdict::Ok(mut published) = ledger.notes()[0].verdict.clone() else { unreachable!() };
        published.envelope = published.envelope.replace("open", "opened");
        ledger.settle_as(0, Verdict::Ok(published));
    });
}

#[test]
fn c2_finds_deliveries_that_are_missing_unfinished_or_untrue() {
    check(Rule::C2, "has 0 deliveries", |_, evidence| drop(evidence.endpoints[0].deliveries.pop()));
    check(Rule::C2, "has 2 deliveries", |_, evidence| {
        let again = evidence.endpoints[0].deliveries[0].clone();
        evidence.endpoints[0].deliveries.push(again);
    });
    check(Rule::C2, "is retrying", |_, evidence| {
        evidence.endpoints[0].deliveries[0].status = DeliveryStatus::Retrying
    });
    check(Rule::C2, "is failed after 0 attempts", |_, evidence| {
        evidence.endpoints[0].deliveries[0].status = DeliveryStatus::Failed;
        evidence.endpoints[0].deliveries[0].attempts = 0;
    });
    check(Rule::C2, "to who does not want ticket.created", |_, evidence| {
        evidence.endpoints[0].wants = Patterns::parse_list("boss.*").unwrap();
    });
    check(Rule::C2, "never arrived", |_, evidence| drop(evidence.endpoints[0].arrivals.remove(1)));
}

#[test]
fn c3_finds_holes_repeats_and_false_gaps() {
    check(Rule::C3, "does not count", |_, evidence| drop(evidence.log.remove(1)));
    check(Rule::C3, "the stream told", |_, evidence| drop(evidence.stream[0].frames.remove(1)));
    check(Rule::C3, "the stream told", |_, evidence| {
        let again = evidence.stream[0].frames[2].clone();
        evidence.stream.push(Connection { cursor: None, frames: vec![again] });
    });
    check(Rule::C3, "a gap", |_, evidence| {
        let gap = Frame { name: Some("cstar.gap".into()), id: "1.3".into(), data: "{}".into() };
        evidence.stream[0].frames.push(gap);
    });
}

#[test]
fn c4_finds_what_was_never_accepted() {
    check(Rule::C4, "not accepted", |_, evidence| {
        evidence.endpoints[0].arrivals[0].body = Bytes::from_static(b"{}")
    });
    check(Rule::C4, "not accepted", |_, evidence| evidence.stream[0].frames[1].data.push(' '));
    check(Rule::C4, "not accepted", |_, evidence| {
        evidence.team = "550e8400-e29b-41d4-a716-446655440001".parse().unwrap();
    });
}

#[test]
fn c5_finds_duplicates_without_a_cause_or_under_another_name() {
    let twice = |_: &Ledger, evidence: &mut Evidence| {
        let again = evidence.endpoints[0].arrivals[0].clone();
        evidence.endpoints[0].arrivals.push(again);
    };
    check(Rule::C5, "came 2 times", twice);
    check(Rule::C5, "came 2 times", |ledger, evidence| {
        twice(ledger, evidence);
        // It was delivered twice over: no failure led to the second attempt.
        evidence.endpoints[0].deliveries[0].attempts = 2;
    });
    check(Rule::C5, "came under", |_, evidence| {
        let endpoint = &mut evidence.endpoints[0];
        let event = endpoint.deliveries[0].event.to_string();
        endpoint.arrivals.push(arrival(&endpoint.secret, &event, "dlv_9", evidence.log[0].1.clone()));
    });
    let (ledger, mut evidence) = sound();
    twice(&ledger, &mut evidence);
    evidence.life.crashes = vec![Crash::now()];
    assert_eq!(breaches(&ledger, &evidence).len(), 1, "it had come twice when the server died");
    evidence.endpoints[0].arrivals[EVENTS].at = Instant::now();
    assert_eq!(breaches(&ledger, &evidence), [], "a crash in between explains it");
    let over = Crash::since(evidence.endpoints[0].arrivals[0].at - Duration::from_millis(1));
    evidence.life.crashes = vec![over];
    for at in [0, EVENTS] {
        evidence.endpoints[0].arrivals[at].at = Instant::now() + Duration::from_millis(1);
    }
    assert_eq!(breaches(&ledger, &evidence).len(), 1, "that was over before it came at all");
    evidence.life.crashes = Vec::new();
    evidence.endpoints[0].deliveries[0].failures = 1;
    assert_eq!(breaches(&ledger, &evidence), [], "so does a failure");
    evidence.endpoints[0].deliveries[0].failures = 0;
    evidence.endpoints[0].arrivals[EVENTS].hung_up_on = true;
    assert_eq!(breaches(&ledger, &evidence), [], "so does a connection that was kept and was dead");
    evidence.endpoints[0].arrivals[EVENTS].connection = 1;
    assert_eq!(breaches(&ledger, &evidence).len(), 1, "a new one is not replaced");
}

#[test]
fn c6_finds_signatures_that_do_not_verify() {
    let spoil = |name: &'static str| {
        check(Rule::C6, "dlv_0", |_, evidence| {
            evidence.endpoints[0].arrivals[0].headers.insert(name, HeaderValue::from_static("v1,AAAA"));
        });
        check(Rule::C6, "dlv_0", |_, evidence| drop(evidence.endpoints[0].arrivals[0].headers.remove(name)));
    };
    spoil("x-cstar-signature");
    spoil("webhook-signature");
    spoil("webhook-id");
}

#[test]
fn c7_finds_what_is_beyond_its_bounds_or_does_not_drain() {
    for (what, bounds) in [
        ("memory", Footprint { memory_bytes: 99, ..TOOK }),
        ("descriptors", Footprint { descriptors: 99, ..TOOK }),
        ("disk", Footprint { disk_bytes: 99, ..TOOK }),
    ] {
        check(Rule::C7, what, |_, evidence| evidence.life.bounds = bounds);
    }
    check(Rule::C7, "1 deliveries did not drain", |_, evidence| {
        evidence.endpoints[0].deliveries[0].status = DeliveryStatus::Pending;
    });
}
