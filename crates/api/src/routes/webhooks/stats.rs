//! `…/webhooks/{webhook}/stats`: how a webhook has been doing.

use axum::extract::State;
use cstar_store::{DeliveryQuery, TypeFilter};
use cstar_types::{Delivery, DeliveryStatus, Scope, Timestamp, WebhookId};
use cstar_wire::{DeliveryCounts, HourStats, WebhookStats};

use super::{Api, visible};
use crate::answer;
use crate::auth::{Access, PathId};
use crate::error::ApiResult;
use crate::query::NoQuery;

const HOURS: i64 = 24;
const HOUR_MS: i64 = 3_600_000;

/// At most so many deliveries are counted: it bounds what a look at the page costs, and the newest say how things are. It is half of
/// the rows that the store looks at in one call.
const COUNTED_MAX: usize = 5_000;

/// `GET …/webhooks/{webhook}/stats`
pub(crate) async fn stats(
    State(shared): Api,
    access: Access,
    PathId(id): PathId<WebhookId>,
    _: NoQuery,
) -> ApiResult {
    access.caller.needs(Scope::DeliveriesRead)?;
    visible(&shared, &access, id).await?;
    let now = shared.now();
    let since = first_hour(now);
    let query = DeliveryQuery {
        filter: TypeFilter { visible: access.caller.visible(), wanted: None },
        webhook: Some(id),
        event: None,
        status: None,
        since: Some(since),
        until: None,
        from: None,
        limit: COUNTED_MAX,
    };
    let page = shared.store().deliveries(access.team, query).await?;
    Ok(answer::ok(&counted(&page.rows, page.next.is_none(), now)))
}

/// When the oldest of the hours began.
fn first_hour(now: Timestamp) -> Timestamp {
    let this_hour = now.as_millis() - now.as_millis().rem_euclid(HOUR_MS);
    Timestamp::from_millis(this_hour - (HOURS - 1) * HOUR_MS)
}

/// Counts deliveries, newest first, that were made since the first hour began: all of them, if `complete`.
fn counted(deliveries: &[Delivery], complete: bool, now: Timestamp) -> WebhookStats {
    let first = first_hour(now);
    let hour_of = |delivery: &Delivery| (delivery.created_at.as_millis() - first.as_millis()) / HOUR_MS;
    let hours = (0..HOURS).map(|hour| {
        let at = Timestamp::from_millis(first.as_millis() + hour * HOUR_MS);
        HourStats { at, counts: counts(deliveries.iter().filter(|delivery| hour_of(delivery) == hour)) }
    });
    let oldest = deliveries.last().map_or(first, |oldest| oldest.created_at);
    WebhookStats {
        since: if complete { first } else { oldest },
        until: now,
        complete,
        total: counts(deliveries.iter()),
        hours: hours.collect(),
    }
}

fn counts<'a>(deliveries: impl Iterator<Item = &'a Delivery>) -> DeliveryCounts {
    let mut counts = DeliveryCounts::default();
    let mut took = Vec::new();
    for delivery in deliveries {
        *match delivery.status {
            DeliveryStatus::Pending => &mut counts.pending,
            DeliveryStatus::Retrying => &mut counts.retrying,
            DeliveryStatus::Delivered => &mut counts.delivered,
            DeliveryStatus::Failed => &mut counts.failed,
            DeliveryStatus::Cancelled => &mut counts.cancelled,
        } += 1;
        took.extend(delivery.last_attempt.as_ref().map(|attempt| attempt.duration_ms));
    }
    took.sort_unstable();
    (counts.p50_ms, counts.p95_ms) = (percentile(&took, 50), percentile(&took, 95));
    counts
}

/// The smallest of the values, which rise, that so many of 100 do not exceed.
fn percentile(values: &[u32], of_100: usize) -> Option<u32> {
    values.get((values.len() * of_100).div_ceil(100).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&[7], 95), Some(7));
        assert_eq!(percentile(&[1, 2], 50), Some(1));
        let hundred: Vec<u32> = (1..=100).collect();
        assert_eq!((percentile(&hundred, 50), percentile(&hundred, 95)), (Some(50), Some(95)));
    }

    #[test]
    fn the_hours_are_those_of_the_clock_and_this_one_is_the_last() {
        let now = Timestamp::from_millis(100 * HOUR_MS + 5);
        let none = counted(&[], true, now);
        assert_eq!(none.hours.len(), 24);
        assert_eq!(none.since, Timestamp::from_millis(77 * HOUR_MS));
        assert_eq!(none.hours[23].at, Timestamp::from_millis(100 * HOUR_MS));
    }
}
