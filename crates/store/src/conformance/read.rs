//! Reading to the end, as a caller would: page by page, slice by slice.

use std::fmt::Debug;

use cstar_types::{Delivery, Entry, EventId, TeamId, WebhookId};

use super::AnyStore;
use super::given::soon;
use crate::{
    Change, DeliveryQuery, Due, EventQuery, ListQuery, LogEnds, Order, Page, SliceLimit, StoreError,
    TailReader, Told, TypeFilter,
};

/// More pages than any list of a rule has: a list that never ends fails.
const PAGES_MAX: usize = 10_000;

/// Every event.
#[must_use]
pub fn every_event(order: Order, limit: usize) -> EventQuery {
    EventQuery { filter: TypeFilter::all(), since: None, until: None, order, from: None, limit }
}

/// Every delivery.
#[must_use]
pub fn every_delivery(limit: usize) -> DeliveryQuery {
    DeliveryQuery {
        filter: TypeFilter::all(),
        webhook: None,
        event: None,
        status: None,
        since: None,
        until: None,
        from: None,
        limit,
    }
}

/// The first rows of an id-ordered list.
#[must_use]
pub const fn first<I>(limit: usize) -> ListQuery<I> {
    ListQuery { from: None, limit }
}

/// Follows a list to its end. No page is longer than the limit; `ask` is given where each page begins.
pub async fn to_the_end<T, C: Copy + PartialEq + Debug>(
    limit: usize,
    mut from: Option<C>,
    ask: impl AsyncFn(Option<C>) -> Result<Page<T, C>, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut rows = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = ask(from).await?;
        assert!(page.rows.len() <= limit, "a page of {} rows where {limit} are the limit", page.rows.len());
        rows.extend(page.rows);
        match page.next {
            None => return Ok(rows),
            next => assert_ne!(next, from, "the list stands still"),
        }
        from = page.next;
    }
    panic!("the list has no end");
}

/// The events of a list, to its end.
pub async fn events(store: &AnyStore, team: TeamId, query: EventQuery) -> Result<Vec<Entry>, StoreError> {
    to_the_end(query.limit, query.from, async |from| {
        store.events(team, EventQuery { from, ..query.clone() }).await
    })
    .await
}

/// The deliveries of a list, to its end.
pub async fn deliveries(
    store: &AnyStore,
    team: TeamId,
    query: DeliveryQuery,
) -> Result<Vec<Delivery>, StoreError> {
    to_the_end(query.limit, query.from, async |from| {
        store.deliveries(team, DeliveryQuery { from, ..query.clone() }).await
    })
    .await
}

/// The webhooks that got a delivery of an event, in the order of their ids.
pub async fn receivers(store: &AnyStore, team: TeamId, event: EventId) -> Vec<WebhookId> {
    let query = DeliveryQuery { event: Some(event), ..every_delivery(200) };
    let rows = deliveries(store, team, query).await.expect("the logs can be read");
    let mut webhooks: Vec<WebhookId> = rows.into_iter().map(|row| row.webhook).collect();
    webhooks.sort();
    webhooks
}

/// The one delivery of an event to a webhook.
pub async fn delivery_of(store: &AnyStore, team: TeamId, event: EventId, webhook: WebhookId) -> Delivery {
    let query = DeliveryQuery { event: Some(event), webhook: Some(webhook), ..every_delivery(200) };
    let mut rows = deliveries(store, team, query).await.expect("the logs can be read");
    assert_eq!(rows.len(), 1, "DLV-1: one delivery for each event and webhook");
    rows.remove(0)
}

/// The whole log behind `after`, in slices of `limit`, and its ends; each seq one more than the one before (LOG-2).
pub async fn log_behind(
    store: &AnyStore,
    team: TeamId,
    mut after: u64,
    limit: SliceLimit,
) -> Result<(Vec<Entry>, LogEnds), StoreError> {
    let mut whole: Vec<Entry> = Vec::new();
    loop {
        let slice = store.read(team, after, limit).await?;
        let Some(last) = slice.entries.last() else { return Ok((whole, slice.ends)) };
        let begins = after.max(slice.ends.oldest - 1) + 1;
        after = last.position.seq;
        for (seq, entry) in (begins..).zip(&slice.entries) {
            assert_eq!(entry.position.seq, seq, "LOG-2: a hole or a repeat");
            assert_eq!(entry.position.epoch, slice.ends.epoch);
        }
        whole.extend(slice.entries);
    }
}

/// The whole log.
pub async fn log(store: &AnyStore, team: TeamId) -> Vec<Entry> {
    const LIMIT: SliceLimit = SliceLimit { entries: 100, bytes: 1 << 20 };
    log_behind(store, team, 0, LIMIT).await.expect("the log can be read").0
}

/// What is due for a webhook at `now`, all of it.
pub async fn due(store: &AnyStore, webhook: WebhookId, now: cstar_types::Timestamp) -> Vec<Due> {
    store.due(webhook, now, usize::from(u16::MAX)).await.expect("what is due can be read").due
}

/// The next change that the tail tells.
pub async fn told(reader: &mut TailReader) -> std::sync::Arc<Change> {
    match soon(reader.next()).await {
        Some(Told::Change(change)) => change,
        other => panic!("expected a change, was told {other:?}"),
    }
}
