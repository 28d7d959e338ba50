//! A delivery's way through its lane.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use cstar_store::{Due, DueSlice, LaneRule};
use cstar_types::{DeliveryId, Entry, Position, WebhookId};

use crate::lanes::{Ended, LaneLimits, Lanes, Step};
use crate::{Case, Run, given};

const LIMITS: LaneLimits = LaneLimits { in_flight: 512, in_flight_a_lane: 128, waiting_bytes: 1 << 20 };

pub(crate) fn cases() -> Vec<Case> {
    vec![("lane_step", lane_step)]
}

/// From the commit to the recorded success, where nothing else waits and everything goes well.
fn lane_step() -> Run {
    let mut lanes = Lanes::new(LIMITS);
    let webhook = WebhookId::from_bits(7);
    let entry = Arc::new(Entry { position: Position::new(1, 1), event: given::event() });
    let mut number = 0;
    Box::new(move || {
        number += 1;
        let (id, entry) = (DeliveryId::from_bits(number), Arc::clone(&entry));
        let (due_at, rule) = (given::NOW, LaneRule::default());
        lanes.offer(Due { id, webhook, entry, attempts: 0, failed: 0, due_at, rule });
        while let Some(step) = lanes.next(black_box(given::NOW)) {
            match step {
                Step::Start { due, .. } => {
                    lanes.ended(due.webhook, Ended::Succeeded(Duration::from_millis(1)));
                    lanes.settled(due.webhook, due.id, None);
                }
                Step::Load { webhook, .. } => lanes.loaded(webhook, DueSlice::default(), given::NOW),
            }
        }
    })
}
