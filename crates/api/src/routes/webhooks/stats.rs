//! `…/webhooks/{webhook}/stats`: how a webhook has been doing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use cstar_store::{DeliveryQuery, StoreError, TypeFilter};
use cstar_types::{Delivery, DeliveryId, DeliveryStatus, Patterns, Scope, TeamId, Timestamp, WebhookId};
use cstar_wire::{DeliveryCounts, HourStats, WebhookStats};
use tokio::sync::Mutex;

use super::{Api, visible};
use crate::answer;
use crate::auth::{Access, PathId};
use crate::error::{ApiError, ApiResult};
use crate::query::NoQuery;
use crate::shared::Shared;

const HOURS: i64 = 24;
const HOUR_MS: i64 = 3_600_000;

/// At most so many deliveries are counted. Each is read with its newest attempt, whole, since that is how damage is found
/// (LOG-3); the newest say how things are.
const COUNTED_MAX: usize = 2_000;

/// For so long they are not counted anew: a page shows many webhooks, in many tabs.
const KEPT: Duration = Duration::from_secs(10);

/// The stats of so many webhooks are kept, a megabyte.
const WEBHOOKS_MAX: usize = 512;

/// What was counted a moment ago, for whom. Who counts holds the lock, so that however many ask, the store's readers are
/// there for the others.
#[derive(Debug, Default)]
pub(crate) struct Counted(Mutex<HashMap<WebhookId, (Patterns, WebhookStats)>>);

/// `GET …/webhooks/{webhook}/stats`
pub(crate) async fn stats(
    State(shared): Api,
    access: Access,
    PathId(id): PathId<WebhookId>,
    _: NoQuery,
) -> ApiResult {
    access.caller.needs(Scope::DeliveriesRead)?;
    visible(&shared, &access, id).await?;
    // A task of its own, since a reading goes on when who asked has gone: until it ends, the next one waits.
    let counting = tokio::spawn(fresh(Arc::clone(&shared), access.team, id, access.caller.visible()));
    Ok(answer::ok(&counting.await.map_err(ApiError::internal)??))
}

/// The stats as they were a moment ago, or now.
async fn fresh(
    shared: Arc<Shared>,
    team: TeamId,
    webhook: WebhookId,
    visible: Patterns,
) -> Result<WebhookStats, StoreError> {
    let mut kept = shared.stats.0.lock().await;
    let now = shared.now();
    let is_fresh = |stats: &WebhookStats| now >= stats.until && now.since(stats.until) < KEPT;
    if let Some((of, stats)) = kept.get(&webhook)
        && *of == visible
        && is_fresh(stats)
    {
        return Ok(stats.clone());
    }
    let stats = count(&shared, team, webhook, visible.clone(), now).await?;
    if kept.len() >= WEBHOOKS_MAX {
        kept.retain(|_, (_, stats)| is_fresh(stats));
    }
    if kept.len() < WEBHOOKS_MAX {
        kept.insert(webhook, (visible, stats.clone()));
    }
    Ok(stats)
}

async fn count(
    shared: &Shared,
    team: TeamId,
    webhook: WebhookId,
    visible: Patterns,
    now: Timestamp,
) -> Result<WebhookStats, StoreError> {
    let first = first_hour(now);
    let query = DeliveryQuery {
        filter: TypeFilter { visible, wanted: None },
        webhook: Some(webhook),
        event: None,
        status: None,
        since: Some(first),
        until: None,
        from: None,
        limit: COUNTED_MAX,
    };
    let page = shared.store().deliveries(team, query).await?;
    let cut = match page.next {
        Some(last) => Some(made_at(shared, team, last).await?.unwrap_or(now)),
        None => None,
    };
    Ok(counted(&page.rows, cut, now))
}

/// When the last delivery that the store looked at was made, shown or not; `None` if it is gone by now.
async fn made_at(shared: &Shared, team: TeamId, last: DeliveryId) -> Result<Option<Timestamp>, StoreError> {
    match shared.store().delivery(team, last).await {
        Ok((delivery, _)) => Ok(Some(delivery.created_at)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// When the oldest of the hours began.
fn first_hour(now: Timestamp) -> Timestamp {
    let this_hour = now.as_millis() - now.as_millis().rem_euclid(HOUR_MS);
    Timestamp::from_millis(this_hour - (HOURS - 1) * HOUR_MS)
}

/// Counts deliveries that were made since the first hour began, or since the `cut`.
fn counted(deliveries: &[Delivery], cut: Option<Timestamp>, now: Timestamp) -> WebhookStats {
    let first = first_hour(now);
    let hour_of = |delivery: &Delivery| (delivery.created_at.as_millis() - first.as_millis()) / HOUR_MS;
    let hours = (0..HOURS).map(|hour| {
        let at = Timestamp::from_millis(first.as_millis() + hour * HOUR_MS);
        HourStats { at, counts: counts(deliveries.iter().filter(|delivery| hour_of(delivery) == hour)) }
    });
    WebhookStats {
        since: cut.unwrap_or(first),
        until: now,
        complete: cut.is_none(),
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
        let none = counted(&[], None, now);
        assert_eq!(none.hours.len(), 24);
        assert_eq!(none.since, Timestamp::from_millis(77 * HOUR_MS));
        assert_eq!(none.hours[23].at, Timestamp::from_millis(100 * HOUR_MS));
    }
}
