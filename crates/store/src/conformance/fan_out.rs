//! DLV-1: which deliveries a commit makes.

use cstar_types::limits::COMMIT_MAX_DELIVERIES;
use cstar_types::{DeliveryStatus, DisabledReason, WebhookId};
use tokio::task::JoinSet;

use super::given::{self, at, new_event, publishing, soon, wanting};
use super::{Subject, read};
use crate::{Append, FanOut, StoreError, WebhookPatch};

/// DLV-1: exactly one delivery for each enabled webhook of the team that wants the type; W4, W5.
pub async fn each_webhook_that_wants_an_event_gets_one_delivery(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let all = given::webhook(&store, team, "*").await;
    let tickets = given::webhook(&store, team, "ticket.*").await;
    let created = given::webhook(&store, team, "*.created").await;
    let twice = given::webhook(&store, team, "ticket.created,ticket.*,*").await;
    let disabled = given::webhook(&store, team, "*").await;
    let deleted = given::webhook(&store, team, "*").await;
    given::webhook(&store, other, "*").await;
    store.disable_webhook(disabled, None, DisabledReason::Gone, at(0)).await.unwrap();
    store.delete_webhook(team, deleted, None, at(0)).await.unwrap();
    let cases: [(&str, &[WebhookId]); 4] = [
        ("ticket.created", &[all, tickets, created, twice]),
        ("ticket.closed", &[all, tickets, twice]),
        ("customer.created", &[all, created, twice]),
        ("boss.spawned", &[all, twice]),
    ];
    let names = cases.map(|(name, _)| name);
    let entries = given::published(&store, team, &names, at(0)).await;
    for (entry, (name, expected)) in entries.iter().zip(cases) {
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(read::receivers(&store, team, entry.event.id).await, expected, "{name}");
    }
}

/// A new delivery carries what was published, is due at once and has no attempt; T8: it has one id.
pub async fn a_new_delivery_is_due_at_once(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    let entry = given::published(&store, team, &["ticket.created"], at(5)).await.remove(0);
    let due = read::due(&store, webhook, at(5)).await.remove(0);
    assert_eq!((due.webhook, due.attempts, due.failed, due.due_at), (webhook, 0, 0, at(5)));
    assert_eq!(due.entry, entry);
    let (delivery, attempts) = store.delivery(team, due.id).await.unwrap();
    assert_eq!((delivery.id, delivery.team, delivery.webhook), (due.id, team, webhook));
    assert_eq!((delivery.event, &delivery.event_type), (entry.event.id, &entry.event.event_type));
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Pending, 0));
    assert_eq!((delivery.created_at, delivery.next_attempt_at), (at(5), Some(at(5))));
    assert_eq!((delivery.last_attempt, attempts), (None, Vec::new()));
}

/// DLV-1: webhooks count as they stand between two appends, in the order of commits; deliveries come from nothing else.
pub async fn webhooks_count_as_they_stand_at_the_commit(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let event = async || given::one_event(&store, team, "ticket.created").await.event.id;
    let mut got = vec![(event().await, false)];
    let webhook = given::webhook(&store, team, "ticket.*").await;
    got.push((event().await, true));
    let patch = async |patch| store.update_webhook(team, webhook, patch, None, at(1)).await.unwrap();
    patch(wanting("boss.*")).await;
    got.push((event().await, false));
    patch(wanting("*.created")).await;
    got.push((event().await, true));
    patch(WebhookPatch { enabled: Some(Err(DisabledReason::ByRequest)), ..WebhookPatch::default() }).await;
    got.push((event().await, false));
    patch(WebhookPatch { enabled: Some(Ok(())), ..WebhookPatch::default() }).await;
    got.push((event().await, true));
    store.disable_webhook(webhook, None, DisabledReason::Gone, at(2)).await.unwrap();
    got.push((event().await, false));
    patch(WebhookPatch { enabled: Some(Ok(())), ..WebhookPatch::default() }).await;
    got.push((event().await, true));
    store.delete_webhook(team, webhook, None, at(3)).await.unwrap();
    got.push((event().await, false));
    for (place, (event, delivered)) in got.into_iter().enumerate() {
        let expected = if delivered { vec![webhook] } else { Vec::new() };
        assert_eq!(read::receivers(&store, team, event).await, expected, "event {place}");
    }
}

/// DLV-1: a webhook made while appends race gets all events behind one place of the log, and none before it.
pub async fn a_webhook_made_in_a_race_begins_at_one_place(subject: impl Subject) {
    const EVENTS: usize = 60;
    let store = subject.store();
    let team = given::team(&store).await;
    let mut racing = JoinSet::new();
    for _ in 0..EVENTS {
        let store = store.clone();
        racing.spawn(async move { drop(given::one_event(&store, team, "ticket.created").await) });
    }
    let (many, made) = (store.clone(), given::new_webhook(team, "*"));
    let webhook = made.id;
    racing.spawn(async move { drop(many.create_webhook(made, given::secret(), 9).await.unwrap()) });
    soon(racing.join_all()).await;
    given::one_event(&store, team, "ticket.created").await;
    let due = read::due(&store, webhook, at(99)).await;
    let got: Vec<u64> = due.iter().map(|due| due.entry.position.seq).collect();
    let head = EVENTS as u64 + 1;
    assert_eq!(got, (head + 1 - got.len() as u64..=head).collect::<Vec<_>>());
    assert!(!got.is_empty());
}

/// [`FanOut::Nobody`] stores the event and makes no delivery.
pub async fn an_append_can_keep_from_webhooks(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    let events = vec![new_event(team, "ticket.created", "{}", at(0))];
    let append = Append { fan_out: FanOut::Nobody, ..publishing(team, events, at(0)) };
    let answer = store.append(append).await.unwrap();
    assert_eq!(read::receivers(&store, team, answer[0].entry.event.id).await, []);
    assert!(read::due(&store, webhook, at(99)).await.is_empty());
    assert_eq!(read::log(&store, team).await.len(), 1);
}

/// [`FanOut::Only`] makes one delivery, for the webhook that it names, whether that wants the event or not.
pub async fn an_append_can_go_to_one_webhook_alone(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let chosen = given::webhook(&store, team, "boss.*").await;
    let wanting = given::webhook(&store, team, "*").await;
    let theirs = given::webhook(&store, other, "*").await;
    let append = async |webhook: WebhookId| {
        let events = vec![new_event(team, "ticket.created", "{}", at(0))];
        store.append(Append { fan_out: FanOut::Only(webhook), ..publishing(team, events, at(0)) }).await
    };
    let entry = append(chosen).await.unwrap().remove(0).entry;
    assert_eq!(read::receivers(&store, team, entry.event.id).await, [chosen]);
    let due = read::due(&store, chosen, at(0)).await.remove(0);
    assert_eq!((due.entry, due.due_at, due.attempts), (entry, at(0), 0));
    assert!(read::due(&store, wanting, at(99)).await.is_empty());

    assert_eq!(append(theirs).await, Err(StoreError::NotFound), "T24");
    store.disable_webhook(chosen, None, DisabledReason::ByRequest, at(1)).await.unwrap();
    assert!(matches!(append(chosen).await, Err(StoreError::Conflict(_))));
    store.delete_webhook(team, chosen, None, at(2)).await.unwrap();
    assert_eq!(append(chosen).await, Err(StoreError::NotFound));
    assert_eq!(store.ends(team).await.unwrap().head, 1, "what is refused is not stored");
}

/// One commit holds so many deliveries and not one more; a refused append leaves nothing.
pub async fn a_fan_out_past_the_limit_is_refused_whole(subject: impl Subject) {
    const WEBHOOKS: usize = 40;
    const EVENTS: usize = COMMIT_MAX_DELIVERIES / WEBHOOKS;
    let store = subject.store();
    let team = given::team(&store).await;
    let mut making = JoinSet::new();
    for _ in 0..WEBHOOKS {
        let store = store.clone();
        making.spawn(async move { given::webhook(&store, team, "ticket.*").await });
    }
    soon(making.join_all()).await;
    let events = |count: usize| {
        let silent = new_event(team, "boss.spawned", "{}", at(0));
        let loud = (0..count).map(|_| new_event(team, "ticket.created", "{}", at(0)));
        publishing(team, loud.chain([silent]).collect(), at(0))
    };
    let refused = StoreError::FanOutTooLarge {
        deliveries: COMMIT_MAX_DELIVERIES + WEBHOOKS,
        limit: COMMIT_MAX_DELIVERIES,
    };
    assert_eq!(store.append(events(EVENTS + 1)).await, Err(refused));
    assert_eq!(store.ends(team).await.unwrap().head, 0);
    assert_eq!(store.lanes().await, Ok(Vec::new()));
    assert!(store.append(Append { fan_out: FanOut::Nobody, ..events(EVENTS + 1) }).await.is_ok());
    assert!(store.append(events(EVENTS)).await.is_ok(), "exactly the limit is allowed");
    assert_eq!(store.lanes().await.unwrap().len(), WEBHOOKS);
}
