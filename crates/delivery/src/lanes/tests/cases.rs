//! What a lane does in one situation each.

use std::collections::HashSet;
use std::time::Duration;

use cstar_types::{DeliveryId, Timestamp, WebhookId};

use super::super::{Ended, LaneLimits, Lanes, Step};
use super::world::{SLOTS, World, webhook};

/// DLV-4: with every other endpoint hanging, a healthy one is served at its own pace.
#[test]
fn a_healthy_lane_is_not_held_up_by_those_that_hang() {
    let mut world = World::new();
    let healthy = webhook(200);
    world.publish(healthy);
    world.hear();
    world.run();
    world.end(0, Some(Duration::from_millis(1)));
    for number in 0..100 {
        world.publish(webhook(number));
    }
    world.hear();
    world.run();
    let hanging: HashSet<DeliveryId> = world.in_flight.iter().map(|(_, id)| *id).collect();
    assert_eq!(hanging.len(), SLOTS / 2);
    for _ in 0..50 {
        world.publish(healthy);
        world.hear();
        world.run();
        let place = world.in_flight.iter().position(|(webhook, _)| *webhook == healthy);
        let place = place.expect("it starts at once");
        world.end(u8::try_from(place).unwrap(), Some(Duration::from_millis(1)));
        world.run();
    }
}

/// DLV-3: what was read from the store, sent and put on record before the tail told of it is not sent once more when it does.
#[test]
fn what_the_tail_tells_too_late_is_not_sent_again() {
    let mut world = World::new();
    world.publish(webhook(1)); // and is heard of later
    world.lanes.due_at(webhook(1), world.now);
    world.run();
    world.finish_loads();
    assert_eq!(world.in_flight.len(), 1, "it was read");
    let (_, delivery) = world.in_flight.remove(0);
    world.lanes.ended(webhook(1), Ended::Succeeded(Duration::from_millis(1)));
    world.lanes.settled(webhook(1), delivery, None);
    world.hear();
    assert!(!matches!(world.lanes.next(world.now), Some(Step::Start { .. })), "it was sent before");
}

/// A million due at once are looked at in slices.
#[test]
fn a_storm_is_taken_in_slices() {
    let mut lanes = Lanes::new(LaneLimits { in_flight: 512, in_flight_a_lane: 128, waiting_bytes: 1 << 20 });
    let now = Timestamp::from_millis(1_000_000);
    for number in 0..20_000u32 {
        lanes.due_at(WebhookId::from_bits(number.into()), now);
    }
    let mut loads = 0;
    while let Some(step) = lanes.next(now) {
        assert!(matches!(step, Step::Load { limit: 1..=8, .. }));
        loads += 1;
    }
    assert!(loads <= 8, "{loads} reads at once");
    assert_eq!(lanes.counts().waiting, 0);
}

/// A webhook that was changed may be another endpoint: neither what was learned before nor what is still in flight from
/// then says anything of it, and it is tried with one request.
#[test]
fn a_changed_webhook_is_tried_anew() {
    let mut world = World::new();
    let changed = webhook(1);
    let quick = Some(Duration::from_millis(1));
    world.publish(changed);
    world.hear();
    world.run();
    world.end(0, quick);
    (0..9).for_each(|_| world.publish(changed));
    world.hear();
    world.run();
    assert_eq!(world.in_flight.len(), 2, "it has proven itself");
    world.change(changed, false);
    world.hear();
    world.end(0, None);
    world.run();
    assert_eq!((world.in_flight.len(), world.lanes.counts().failing), (1, 0));
    world.end(0, quick);
    world.finish_loads();
    assert_eq!(world.in_flight.len(), 1, "as one that was never tried");
    assert!(!world.lanes.lanes[&changed].pace.is_proven());
    world.finish();
}

/// Nothing stays of a webhook that is deleted, not even that it failed.
#[test]
fn a_deleted_webhook_leaves_no_lane() {
    let mut world = World::new();
    let [gone, other] = [1, 2].map(webhook);
    for webhook in [gone, other] {
        world.publish(webhook);
    }
    world.hear();
    world.run();
    world.end(0, None);
    world.end(0, None);
    (0..2).for_each(|_| world.record_one());
    world.settle();
    assert_eq!((world.lanes.counts().lanes, world.lanes.counts().failing), (2, 2));
    world.change(gone, true);
    world.hear();
    world.now = world.lanes.next_timer().unwrap();
    world.run();
    world.finish_loads();
    assert_eq!((world.lanes.counts().lanes, world.lanes.counts().failing), (1, 1));
}

/// An ordered lane has one under way, and goes on only once the store has said what came of it; one that is to be retried
/// holds back those behind it, also those that are published meanwhile, until it has ended.
#[test]
fn an_ordered_lane_waits_for_its_first() {
    let mut world = World::new();
    let ordered = webhook(1);
    world.ordered.insert(ordered);
    world.heard_ordered.insert(ordered);
    (0..3).for_each(|_| world.publish(ordered));
    world.hear();
    world.finish_loads();
    assert_eq!(world.in_flight.len(), 1, "one at a time");
    world.end(0, None);
    world.run();
    assert!(world.in_flight.is_empty(), "its result is not on record");
    world.record_one();
    world.settle();
    (0..2).for_each(|_| world.publish(ordered));
    world.hear();
    world.finish_loads();
    assert!(world.in_flight.is_empty() && world.lanes.next_timer().is_some(), "it waits for its retry");
    world.now = world.lanes.next_timer().unwrap();
    world.finish_loads();
    let quick = Some(Duration::from_millis(1));
    for number in 1..=5u128 {
        assert_eq!(world.in_flight, [(ordered, DeliveryId::from_bits(number))]);
        world.end(0, quick);
        world.record_one();
        world.settle();
        world.finish_loads();
    }
    world.finish();
}

/// What was resent of an ordered webhook goes before what stands behind it in the log.
#[test]
fn a_resend_goes_before_what_is_behind_it() {
    let mut world = World::new();
    let ordered = webhook(1);
    world.ordered.insert(ordered);
    world.heard_ordered.insert(ordered);
    let quick = Some(Duration::from_millis(1));
    (0..4).for_each(|_| world.publish(ordered));
    world.hear();
    world.finish_loads();
    world.end(0, quick);
    world.record_one();
    world.settle();
    world.finish_loads();
    world.reopen(200);
    world.hear();
    world.end(0, quick);
    world.record_one();
    world.settle();
    world.finish_loads();
    assert_eq!(world.in_flight, [(ordered, DeliveryId::from_bits(1))], "the first again, before the third");
    world.finish();
}

/// What is committed while the store is still being surveyed does not go before what the tail could not hold.
#[test]
fn an_ordered_lane_overtakes_nothing_that_was_not_told() {
    let mut world = World::new();
    let ordered = webhook(1);
    world.ordered.insert(ordered);
    world.heard_ordered.insert(ordered);
    let quick = Some(Duration::from_millis(1));
    world.publish(ordered);
    world.hear();
    for number in 1..=3u128 {
        world.finish_loads();
        assert_eq!(world.in_flight, [(ordered, DeliveryId::from_bits(number))]);
        world.end(0, quick);
        world.record_one();
        world.settle();
        world.finish_loads();
        if number == 1 {
            world.publish(ordered);
            world.lag();
            world.publish(ordered);
            world.hear();
        }
    }
    world.finish();
}

/// A webhook that was disabled and comes back as an ordered one does not wait for a retry that was cancelled.
#[test]
fn an_ordered_lane_does_not_wait_for_what_is_gone() {
    let mut world = World::new();
    let back = webhook(1);
    world.publish(back);
    world.hear();
    world.run();
    world.end(0, None);
    world.record_one();
    world.settle();
    world.change(back, true);
    world.order(back, true);
    world.publish(back);
    world.hear();
    world.finish_loads();
    assert_eq!(world.in_flight, [(back, DeliveryId::from_bits(2))]);
    world.finish();
}

/// A webhook with a rate limit of 3 gets three attempts at once and then three a second, first ones and retries alike; while
/// it waits it holds no slot, and another lane is served as ever.
#[test]
fn a_rate_limit_counts_every_attempt_and_holds_up_nobody() {
    let mut world = World::new();
    let (limited, other) = (webhook(6), webhook(1));
    let quick = Some(Duration::from_millis(1));
    (0..20).for_each(|_| world.publish(limited));
    world.hear();
    let mut begun = Vec::new();
    for _ in 0..4 {
        let before = world.begun.len();
        world.finish_loads();
        while !world.in_flight.is_empty() {
            // Every other one fails, and is due again before the next second.
            world.end(0, quick.filter(|_| world.begun.len().is_multiple_of(2)));
            world.record_one();
            world.settle();
            world.finish_loads();
        }
        begun.push(world.begun.len());
        assert_eq!((world.in_flight.len(), world.lanes.counts().in_flight), (0, 0), "it holds no slot");
        world.publish(other);
        world.hear();
        world.finish_loads();
        assert_eq!(world.in_flight.len(), 1, "the other one is served");
        world.end(0, quick);
        world.record_one();
        world.settle();
        assert_eq!(world.begun.len() - before, 4);
        world.now = world.now.plus(Duration::from_millis(1001));
    }
    assert_eq!(begun, [3, 7, 11, 15], "three a second, and those of the other lane");
    world.finish();
    assert_eq!(world.lanes.next_timer(), None);
}

/// DLV-3: what is committed for a webhook that was enabled again is not forgotten with what was cancelled before.
#[test]
fn what_comes_after_an_attempt_that_was_not_made_is_found() {
    let mut world = World::new();
    let back = webhook(1);
    world.publish(back);
    world.hear();
    world.run();
    let (_, delivery) = world.in_flight.remove(0);
    world.change(back, true);
    world.publish(back);
    world.hear();
    world.lanes.given_up(back, delivery, world.now.plus(Duration::from_secs(1)));
    world.finish();
}
