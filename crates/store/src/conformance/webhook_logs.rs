//! The webhook logs (W54): lists of deliveries.

use cstar_types::{Delivery, DeliveryId, DeliveryStatus, DisabledReason, EventId, TeamId, WebhookId};

use super::given::{self, at, recorded};
use super::{AnyStore, Subject, read};
use crate::{DeliveryQuery, StoreError, TypeFilter, Verdict};

const TYPES: [&str; 3] = ["ticket.created", "customer.created", "ticket.closed"];

/// Deliveries of three webhooks, in every status, made second by second; newest first.
async fn mixed_logs(store: &AnyStore) -> (TeamId, [WebhookId; 3], Vec<Delivery>) {
    let team = given::team(store).await;
    let webhooks = [
        given::webhook(store, team, "*").await,
        given::webhook(store, team, "ticket.*").await,
        given::webhook(store, team, "*").await,
    ];
    for second in 0..10 {
        let name = TYPES[second % TYPES.len()];
        given::published(store, team, &[name, "boss.spawned"], at(second as i64)).await;
    }
    let verdicts = [Verdict::Delivered, Verdict::RetryAt(at(90)), Verdict::Failed];
    for (turn, due) in read::due(store, webhooks[0], at(99)).await.iter().enumerate() {
        if let Some(verdict) = verdicts.get(turn % 4) {
            recorded(store, due, *verdict, at(20)).await;
        }
    }
    store.disable_webhook(webhooks[2], None, DisabledReason::Gone, at(30)).await.unwrap();
    let rows = read::deliveries(store, team, read::every_delivery(500)).await.unwrap();
    (team, webhooks, rows)
}

/// Newest first, each delivery once.
pub async fn the_logs_are_newest_first(subject: impl Subject) {
    let store = subject.store();
    let (team, webhooks, rows) = mixed_logs(&store).await;
    let expected: usize = [20, 7, 20].into_iter().sum();
    assert_eq!(rows.len(), expected);
    let log = read::log(&store, team).await;
    let seq = |event: EventId| log.iter().find(|entry| entry.event.id == event).unwrap().position.seq;
    assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse(seq(row.event))));
    for row in &rows {
        assert_eq!(store.delivery(team, row.id).await.unwrap().0, *row);
        assert_eq!(row.team, team);
        assert!(webhooks.contains(&row.webhook));
    }
    for status in DeliveryStatus::ALL {
        assert!(rows.iter().any(|row| row.status == status), "no delivery is {status}");
    }
}

/// Page after page to the end, whatever the filters, brings each row that passes, once, in the order of the whole.
pub async fn filters_and_pages_cut_the_same_list(subject: impl Subject) {
    let store = subject.store();
    let (team, webhooks, rows) = mixed_logs(&store).await;
    let narrow = TypeFilter { visible: given::list("ticket.*"), wanted: Some(given::list("*.created")) };
    let absent = Some(WebhookId::from_bits(7));
    for filter in [TypeFilter::all(), narrow] {
        for webhook in [None, Some(webhooks[0]), Some(webhooks[1]), absent] {
            for status in [None, Some(DeliveryStatus::Retrying), Some(DeliveryStatus::Cancelled)] {
                for (since, until) in [(None, None), (Some(at(3)), Some(at(7))), (Some(at(8)), Some(at(2)))] {
                    let filter = filter.clone();
                    let every = read::every_delivery(0);
                    let query = DeliveryQuery { filter, webhook, status, since, until, ..every };
                    assert_lists(&store, team, &rows, query).await;
                }
            }
        }
    }
    for event in [rows[0].event, rows[9].event, EventId::from_bits(7, false)] {
        for webhook in [None, Some(webhooks[2])] {
            let every = read::every_delivery(0);
            assert_lists(&store, team, &rows, DeliveryQuery { event: Some(event), webhook, ..every }).await;
        }
    }
}

async fn assert_lists(store: &AnyStore, team: TeamId, all: &[Delivery], query: DeliveryQuery) {
    let passing = all.iter().filter(|row| {
        query.filter.passes(&row.event_type)
            && query.webhook.is_none_or(|webhook| webhook == row.webhook)
            && query.event.is_none_or(|event| event == row.event)
            && query.status.is_none_or(|status| status == row.status)
            && query.since.is_none_or(|since| since <= row.created_at)
            && query.until.is_none_or(|until| row.created_at < until)
    });
    let expected: Vec<Delivery> = passing.cloned().collect();
    for limit in [1, 4, 200] {
        let query = DeliveryQuery { limit, ..query.clone() };
        assert_eq!(read::deliveries(store, team, query.clone()).await.unwrap(), expected, "{query:?}");
    }
    if let Some(middle) = expected.get(expected.len() / 2) {
        let query = DeliveryQuery { limit: 4, from: Some(middle.id), ..query };
        let rest = &expected[expected.len() / 2 + 1..];
        assert_eq!(read::deliveries(store, team, query.clone()).await.unwrap(), rest, "{query:?}");
    }
}

/// T24: another team's deliveries are neither listed nor found, nor is one that never was.
pub async fn another_teams_logs_are_not_seen(subject: impl Subject) {
    let store = subject.store();
    let (team, webhook, due) = given::one_delivery(&store).await;
    let other = given::team(&store).await;
    assert_eq!(store.delivery(other, due.id).await.unwrap_err(), StoreError::NotFound);
    assert_eq!(store.delivery(team, DeliveryId::from_bits(7)).await.unwrap_err(), StoreError::NotFound);
    for (webhook, event) in [(None, None), (Some(webhook), None), (None, Some(due.entry.event.id))] {
        let query = DeliveryQuery { webhook, event, ..read::every_delivery(9) };
        assert_eq!(read::deliveries(&store, other, query.clone()).await, Ok(Vec::new()));
        assert_eq!(read::deliveries(&store, team, query).await.unwrap().len(), 1);
    }
}
