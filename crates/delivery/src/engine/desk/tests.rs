//! Who is given what, and when the dispatcher is woken.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cstar_store::{AttemptReport, Change, LaneRule, Tail, TailReader, Verdict};
use cstar_types::{Attempt, AttemptRequest, Entry, Event, EventId, Position, TeamId};
use futures_util::future::FutureExt as _;
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const WEBHOOK: WebhookId = WebhookId::from_bits(1);

/// A desk with so many deliveries offered.
fn desk(in_flight: usize, deliveries: u128) -> Desk {
    desk_beside(&Tail::default().subscribe(0), in_flight, deliveries)
}

fn desk_beside(tail: &TailReader, in_flight: usize, deliveries: u128) -> Desk {
    let limits = LaneLimits { in_flight, in_flight_a_lane: 8, waiting_bytes: 1 << 20 };
    let desk = Desk::new(limits, tail.overtaken());
    desk.tell(|lanes| (0..deliveries).for_each(|number| lanes.offer(due(WEBHOOK, number))));
    desk
}

fn due(webhook: WebhookId, number: u128) -> Due {
    let (team, id) = (TeamId::from_uuid(Uuid::nil()), EventId::from_bits(1, false));
    let event = Event::new(id, "ticket.created".parse().unwrap(), team, NOW, b"{}");
    Due {
        id: DeliveryId::from_bits(number),
        webhook,
        entry: Arc::new(Entry { position: Position::new(1, 1), event }),
        attempts: 0,
        failed: 0,
        due_at: NOW,
        rule: LaneRule::default(),
    }
}

fn succeeded(start: &Start) -> Finished {
    let attempt = Attempt {
        number: 1,
        started_at: NOW,
        duration_ms: 1,
        outcome: Outcome::Success,
        status_code: Some(200),
        detail: String::new(),
        response_headers: Vec::new(),
        response_body: String::new(),
        request: AttemptRequest::default(),
    };
    let (webhook, delivery) = (start.due.webhook, start.due.id);
    let report = AttemptReport { delivery, webhook, failed_before: 0, attempt, verdict: Verdict::Delivered };
    Finished {
        webhook,
        delivery,
        result: Ok(Made { report, took: Duration::ZERO, gone: None, awaited: false }),
    }
}

/// Makes one attempt after the other until there is no next one; how many.
fn run(desk: &Desk) -> usize {
    let (mut made, mut next) = (0, desk.next(NOW));
    while let Some(start) = next {
        made += 1;
        next = desk.finished(succeeded(&start), NOW, NOW);
    }
    made
}

#[test]
fn whoever_is_free_takes_the_next() {
    let desk = desk(8, 5);
    assert_eq!(run(&desk), 5);
    assert_eq!(desk.take().results.len(), 5);
    assert!(desk.next(NOW).is_none() && desk.take().is_empty());
}

/// A store that has fallen behind gets time.
#[test]
fn nothing_is_started_while_too_much_is_unrecorded() {
    let desk = desk(1, 8);
    assert_eq!(run(&desk), UNRECORDED_A_SLOT);
    assert!(desk.next(NOW).is_none());
    desk.settled(Recording::Soon, WEBHOOK, desk.take().results[0].report.delivery, None);
    assert_eq!(run(&desk), 1);
}

/// DLV-4: results that cannot go on record for now keep their own lane from starting more, and no other.
#[test]
fn what_is_aside_holds_its_own_lane_alone() {
    let desk = desk(1, 8);
    assert_eq!(run(&desk), UNRECORDED_A_SLOT);
    let held: Vec<DeliveryId> = desk.take().results.iter().map(|result| result.report.delivery).collect();
    held.iter().for_each(|_| desk.put_aside(WEBHOOK));
    assert_eq!(run(&desk), 0, "its own lane");
    const OTHER: WebhookId = WebhookId::from_bits(2);
    desk.tell(|lanes| (0..3).for_each(|number| lanes.offer(due(OTHER, 100 + number))));
    assert_eq!(run(&desk), 3, "another one");
    assert_eq!(desk.counts().1, UNRECORDED_A_SLOT + 3);
    let (last, first) = held.split_last().unwrap();
    first.iter().for_each(|delivery| desk.settled(Recording::Aside, WEBHOOK, *delivery, None));
    assert_eq!(run(&desk), 0, "one is not on record yet");
    desk.settled(Recording::Aside, WEBHOOK, *last, None);
    assert_eq!(run(&desk), 1, "its lane goes on, as far as what is unrecorded lets it");
}

#[test]
fn nothing_is_started_behind_a_closed_desk() {
    let desk = desk(8, 5);
    let first = desk.next(NOW).unwrap();
    desk.close();
    assert!(desk.finished(succeeded(&first), NOW, NOW).is_none());
    assert_eq!(desk.take().results.len(), 1, "its result is recorded");
}

/// However many teams are locked, what is kept of their results is bounded.
#[test]
fn too_many_aside_count_like_the_others() {
    let desk = desk(1, 0);
    let mut started = 0;
    for lane in 2..200 {
        desk.tell(|lanes| lanes.offer(due(WebhookId::from_bits(lane), lane)));
        let Some(start) = desk.next(NOW) else { break };
        started += 1;
        desk.finished(succeeded(&start), NOW, NOW);
        desk.put_aside(start.due.webhook);
    }
    assert_eq!(started, UNRECORDED_A_SLOT * (ASIDE_A_RESULT + 1));
}

/// The dispatcher is woken for the first result that nobody comes for, not for each.
#[test]
fn the_bell_is_rung_once_and_not_while_a_group_is_on_its_way() {
    let desk = desk(8, 3);
    let rung = || desk.rung().now_or_never().is_some();
    desk.wait(false);
    let first = desk.next(NOW).unwrap();
    let second = desk.finished(succeeded(&first), NOW, NOW).unwrap();
    assert!(rung());
    let third = desk.finished(succeeded(&second), NOW, NOW).unwrap();
    assert!(!rung(), "what is there is fetched already");
    desk.take();
    desk.wait(true);
    desk.finished(succeeded(&third), NOW, NOW);
    assert!(!rung(), "it is fetched when the group is on record");
    assert_eq!(desk.take().results.len(), 1);
}

/// What a lane waits for is fetched at once: the dispatcher may have given the next group its time.
#[test]
fn the_bell_is_rung_for_what_is_awaited() {
    let desk = desk(8, 2);
    desk.wait(true);
    let mut finished = succeeded(&desk.next(NOW).unwrap());
    finished.result.as_mut().unwrap().awaited = true;
    desk.finished(finished, NOW, NOW).unwrap();
    assert!(desk.rung().now_or_never().is_some());
}

/// A result that is handed over after the dispatcher looked, and before it waits, is fetched too.
#[test]
fn the_bell_is_rung_for_what_came_before_the_wait() {
    let desk = desk(8, 2);
    desk.wait(true);
    let first = desk.next(NOW).unwrap();
    desk.take();
    desk.finished(succeeded(&first), NOW, NOW).unwrap();
    desk.wait(false);
    assert!(desk.rung().now_or_never().is_some());
}

/// What was changed or erased is not sent from memory once that is answered, however long the dispatcher takes to hear of it.
#[test]
fn nobody_takes_the_next_before_a_change_is_heard() {
    let tail = Tail::default();
    let mut reader = tail.subscribe(1 << 20);
    let desk = desk_beside(&reader, 8, 3);
    let first = desk.next(NOW).unwrap();
    tail.tell(Change::WebhookChanged(WEBHOOK));
    assert!(desk.finished(succeeded(&first), NOW, NOW).is_none());
    assert_eq!(desk.take().results.len(), 1, "its result is recorded");
    while reader.try_next().is_some() {}
    let second = desk.next(NOW).expect("the dispatcher goes on");
    assert!(desk.finished(succeeded(&second), NOW, NOW).is_some(), "and everybody with it");
}

/// An attempt that could not be made is tried again although nothing else happens.
#[test]
fn the_bell_is_rung_for_an_earlier_alarm() {
    let desk = desk(8, 1);
    assert_eq!(desk.wait(false), None);
    let Start { due, .. } = desk.next(NOW).unwrap();
    let again_at = NOW.plus(Duration::from_secs(1));
    let (webhook, delivery) = (due.webhook, due.id);
    desk.finished(Finished { webhook, delivery, result: Err(NotMade) }, NOW, again_at);
    assert!(desk.rung().now_or_never().is_some());
    assert_eq!(desk.wait(false), Some(again_at));
}

/// Who has no attempt to make is given the next one, and is let go at the end.
#[test]
fn who_is_free_is_given_the_next() {
    let desk = desk(8, 2);
    let start = desk.give(desk.next(NOW).unwrap()).expect("nobody is free yet");
    let delivery = start.due.id;
    let given = {
        let mut waiting = pin!(desk.given());
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(desk.give(start).is_none());
        waiting.now_or_never().flatten().expect("it was given")
    };
    assert_eq!(given.due.id, delivery);
    assert!(desk.give(given).is_some(), "nobody is free any more");
    let mut waiting = pin!(desk.given());
    assert!(waiting.as_mut().now_or_never().is_none());
    desk.close();
    assert!(matches!(waiting.now_or_never(), Some(None)));
    assert!(matches!(desk.given().now_or_never(), Some(None)), "nobody waits for what is not started");
}
