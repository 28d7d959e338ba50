//! Notices: what the server tells its operator by itself.

use std::sync::Arc;

use cstar_types::{
    AuditAction, Author, DELIVERY_FAILED_MAX_OF_TEAM, DeliveryFailed, DisabledReason, Entry, Event, EventId,
    FailureRule, Notice, Outcome, TeamId, Timestamp, WebhookDisabled, WebhookId,
};
use uuid::Uuid;

use super::given::{self, at};
use super::{AnyStore, Subject, read};
use crate::{AuditQuery, Change, Cutoffs, Due, NewEvent, StoreError, Verdict, WebhookPatch};

const OPERATOR: TeamId = TeamId::OPERATOR;

/// A webhook of a team, and the deliveries that wait for it.
async fn waiting(store: &AnyStore, count: usize) -> (TeamId, WebhookId, Vec<Due>) {
    let team = given::team(store).await;
    let webhook = given::webhook(store, team, "*").await;
    given::published(store, team, &vec!["ticket.created"; count], at(0)).await;
    (team, webhook, read::due(store, webhook, at(0)).await)
}

/// A URL that hears these notices.
async fn hearing(store: &AnyStore, types: &str) -> WebhookId {
    given::webhook(store, OPERATOR, types).await
}

/// Every notice so far, in order, as its type and its data.
async fn notices(store: &AnyStore) -> Vec<(String, String)> {
    let told = |entry: Entry| {
        assert_eq!(entry.event.team, OPERATOR);
        let data = String::from_utf8(entry.event.data().to_vec()).expect("data is JSON");
        (entry.event.event_type.to_string(), data)
    };
    read::log(store, OPERATOR).await.into_iter().map(told).collect()
}

fn as_told(notices: &[Notice]) -> Vec<(String, String)> {
    let told = |notice: &Notice| {
        let data = String::from_utf8(notice.data()).expect("data is JSON");
        (notice.notice_type().as_str().to_owned(), data)
    };
    notices.iter().map(told).collect()
}

/// What is told of this delivery, which failed at once.
fn failed(team: TeamId, due: &Due, deliveries_failed: u32) -> Notice {
    Notice::DeliveryFailed(DeliveryFailed {
        team_id: team,
        webhook_id: due.webhook,
        delivery_id: due.id,
        event_id: due.entry.event.id,
        event_type: due.entry.event.event_type.clone(),
        attempts: 1,
        outcome: Outcome::HttpStatus,
        status_code: Some(503),
        deliveries_failed,
    })
}

fn disabled(
    team_id: TeamId,
    webhook_id: WebhookId,
    reason: DisabledReason,
    failing_since: Option<Timestamp>,
) -> Notice {
    let url_host = "example.com".to_owned();
    Notice::WebhookDisabled(WebhookDisabled { team_id, webhook_id, url_host, reason, failing_since })
}

/// The operator has a log from the beginning, and is no team of anybody's.
pub async fn the_operator_is_no_team(subject: impl Subject) {
    let store = subject.store();
    assert_eq!(store.ends(OPERATOR).await.map(|ends| ends.head), Ok(0));
    let team = given::team(&store).await;
    let listed = store.teams(read::first(9)).await.unwrap().rows;
    assert_eq!(listed.iter().map(|team| team.id).collect::<Vec<_>>(), [team]);
    let own = cstar_types::Team { id: OPERATOR, ..given::new_team("Acme") };
    assert!(matches!(store.create_team(own).await, Err(StoreError::Conflict(_))));
    assert_eq!(store.team(OPERATOR).await, Err(StoreError::NotFound));
    assert_eq!(store.rename_team(OPERATOR, "x".to_owned(), None).await, Err(StoreError::NotFound));
    assert_eq!(store.delete_team(OPERATOR, None).await, Err(StoreError::NotFound));
    assert_eq!(store.check().await, Ok(()));
}

/// A delivery that fails for good is told to whoever hears that type, in the commit that ends it; what nobody hears is not
/// written.
pub async fn a_failed_delivery_is_told(subject: impl Subject) {
    let store = subject.store();
    let (team, _, due) = waiting(&store, 3).await;
    hearing(&store, "storage.*").await;
    given::recorded(&store, &due[0], Verdict::Failed, at(1)).await;
    assert_eq!(notices(&store).await, [], "nobody hears it");

    let (one, other) = (hearing(&store, "delivery.failed").await, hearing(&store, "*").await);
    let mut tail = store.tail(1 << 20);
    given::recorded(&store, &due[1], Verdict::RetryAt(at(60)), at(2)).await;
    assert_eq!(notices(&store).await, [], "it has not ended");
    given::recorded(&store, &due[2], Verdict::Failed, at(3)).await;
    assert_eq!(notices(&store).await, as_told(&[failed(team, &due[2], 1)]));
    let told = read::told(&mut tail).await;
    let Change::Appended { team: OPERATOR, deliveries, .. } = &*told else { panic!("{told:?}") };
    let to: Vec<_> = deliveries.iter().map(|due| due.webhook).collect();
    assert_eq!(to, [one.min(other), one.max(other)]);
    // A late failure of one that has ended is told to nobody.
    given::recorded(&store, &due[2], Verdict::Failed, at(100)).await;
    assert_eq!(notices(&store).await.len(), 1);
}

/// Many that fail are one notice a minute for each webhook, which counts them. Of test events nothing is told.
pub async fn failed_deliveries_are_told_once_a_minute(subject: impl Subject) {
    let store = subject.store();
    hearing(&store, "*").await;
    let (team, webhook, due) = waiting(&store, 4).await;
    let (other_team, _, other) = waiting(&store, 1).await;
    let reports = due[..3].iter().map(|due| given::report(due, Verdict::Failed, at(1))).collect();
    store.record(reports, FailureRule::NEVER).await.unwrap();
    given::recorded(&store, &other[0], Verdict::Failed, at(2)).await;
    let told = [failed(team, &due[0], 1), failed(other_team, &other[0], 1)];
    assert_eq!(notices(&store).await, as_told(&told));
    given::recorded(&store, &due[3], Verdict::Failed, at(62)).await;
    let told = [&told[..], &[failed(team, &due[3], 3)]].concat();
    assert_eq!(notices(&store).await, as_told(&told));

    let id = EventId::from_uuid(Uuid::now_v7(), true);
    let event = Event::new(id, given::event_type("ticket.created"), team, at(200), b"{}");
    let test = NewEvent { event, idempotency_key: None };
    store.append(given::publishing(team, vec![test], at(200))).await.unwrap();
    given::recorded(&store, &given::only_due(&store, webhook).await, Verdict::Failed, at(200)).await;
    assert_eq!(notices(&store).await, as_told(&told));
}

/// Webhooks that are made, fail and are deleted are told of so many times a minute, and other teams' all the same.
pub async fn one_team_is_told_of_only_so_often(subject: impl Subject) {
    let store = subject.store();
    hearing(&store, "delivery.failed").await;
    let team = given::team(&store).await;
    for _ in 0..=DELIVERY_FAILED_MAX_OF_TEAM {
        let webhook = given::webhook(&store, team, "*").await;
        given::published(&store, team, &["ticket.created"], at(0)).await;
        given::recorded(&store, &given::only_due(&store, webhook).await, Verdict::Failed, at(1)).await;
        store.delete_webhook(team, webhook, None, at(1)).await.unwrap();
    }
    assert_eq!(notices(&store).await.len(), DELIVERY_FAILED_MAX_OF_TEAM as usize);
    let (other_team, _, other) = waiting(&store, 1).await;
    given::recorded(&store, &other[0], Verdict::Failed, at(2)).await;
    assert_eq!(notices(&store).await[10..], as_told(&[failed(other_team, &other[0], 1)]));
}

/// What the server disables is told with its reason; what somebody disables is not.
pub async fn a_webhook_that_the_server_disables_is_told(subject: impl Subject) {
    let store = subject.store();
    hearing(&store, "webhook.disabled").await;
    let (team, gone, _) = waiting(&store, 1).await;
    let by_hand = given::webhook(&store, team, "*").await;
    let off = WebhookPatch { enabled: Some(Err(DisabledReason::ByRequest)), ..WebhookPatch::default() };
    store.update_webhook(team, by_hand, off, None, at(1)).await.unwrap();
    assert_eq!(notices(&store).await, []);
    for _ in 0..2 {
        store.disable_webhook(gone, None, DisabledReason::Gone, at(2)).await.unwrap();
    }
    let (other_team, failing, due) = waiting(&store, 1).await;
    let rule = FailureRule { after: std::time::Duration::ZERO, attempts: 1 };
    store.record([given::report(&due[0], Verdict::RetryAt(at(90)), at(3))].into(), rule).await.unwrap();
    let told = [
        disabled(team, gone, DisabledReason::Gone, None),
        disabled(other_team, failing, DisabledReason::Failing, Some(at(3))),
    ];
    assert_eq!(notices(&store).await, as_told(&told));
}

/// Of what becomes of notices there is no notice, but that a URL is disabled is told to the others.
pub async fn a_notice_makes_no_notice(subject: impl Subject) {
    let store = subject.store();
    let (gone, failing) = (hearing(&store, "*").await, hearing(&store, "*").await);
    let (_, _, due) = waiting(&store, 1).await;
    given::recorded(&store, &due[0], Verdict::Failed, at(1)).await;
    given::recorded(&store, &given::only_due(&store, gone).await, Verdict::Failed, at(2)).await;
    let due = given::only_due(&store, failing).await;
    store.disable_webhook(gone, None, DisabledReason::Gone, at(3)).await.unwrap();
    let rule = FailureRule { after: std::time::Duration::ZERO, attempts: 1 };
    store.record([given::report(&due, Verdict::Failed, at(4))].into(), rule).await.unwrap();
    let listed = store.webhooks(OPERATOR, read::first(9)).await.unwrap().rows;
    assert!(listed.iter().all(|webhook| webhook.disabled_reason.is_some()), "{listed:?}");
    let told = notices(&store).await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].0 == "webhook.disabled" && told[1].1.contains(&gone.to_string()), "{told:?}");
}

/// A notice and where it is to go outlive a restart; it is sent as every event is.
pub async fn notices_outlive_a_restart(subject: impl Subject) {
    let store = subject.store();
    let webhook = hearing(&store, "*").await;
    let (team, _, due) = waiting(&store, 2).await;
    given::recorded(&store, &due[0], Verdict::Failed, at(1)).await;
    let before = read::log(&store, OPERATOR).await;
    drop(store);
    let subject = subject.reopened().await;
    let store = subject.store();
    let waits = given::only_due(&store, webhook).await;
    assert_eq!(waits.entry, Arc::new(before[0].clone()));
    assert_eq!(store.webhook_to_send(webhook).await.unwrap().1.current, given::secret());
    given::recorded(&store, &waits, Verdict::Delivered, at(2)).await;
    given::recorded(&store, &due[1], Verdict::Failed, at(99)).await;
    assert_eq!(notices(&store).await[1], as_told(&[failed(team, &due[1], 1)])[0]);
    assert_eq!(store.check().await, Ok(()));
}

/// Notices are kept as long as events are, and positions go on behind those that went (LOG-2).
pub async fn old_notices_go(subject: impl Subject) {
    let store = subject.store();
    let webhook = hearing(&store, "*").await;
    let (_, _, due) = waiting(&store, 2).await;
    given::recorded(&store, &due[0], Verdict::Failed, at(1)).await;
    given::recorded(&store, &given::only_due(&store, webhook).await, Verdict::Delivered, at(2)).await;
    given::recorded(&store, &due[1], Verdict::Failed, at(99)).await;
    let cutoffs = Cutoffs { events: at(50), deliveries: at(50), idempotency_keys: at(50) };
    assert!(given::remove_all_old(&store, cutoffs, 1).await > 0);
    let ends = store.ends(OPERATOR).await.unwrap();
    assert_eq!((ends.oldest, ends.head), (2, 2));
    assert_eq!(given::only_due(&store, webhook).await.entry.position.seq, 2);
    assert_eq!(store.check().await, Ok(()));
}

/// Who hears notices is on record as a change of no team's.
pub async fn who_hears_notices_is_on_record(subject: impl Subject) {
    let store = subject.store();
    let by = store.by(Author::platform(at(5)));
    let webhook = given::new_webhook(OPERATOR, "*");
    by.create_webhook(webhook.clone(), given::secret(), 1).await.unwrap();
    let one_more = by.create_webhook(given::new_webhook(OPERATOR, "*"), given::secret(), 1).await;
    assert_eq!(one_more, Err(StoreError::TooMany { limit: 1 }));
    by.delete_webhook(OPERATOR, webhook.id, None, at(6)).await.unwrap();
    assert_eq!(store.webhooks(OPERATOR, read::first(9)).await.unwrap().rows, []);
    let every =
        AuditQuery { team: None, action: None, actor: None, since: None, until: None, from: None, limit: 9 };
    let entries = store.audit(every).await.unwrap().rows;
    let told: Vec<_> = entries.iter().map(|entry| (entry.action, entry.team, &*entry.resource)).collect();
    let id = webhook.id.to_string();
    assert_eq!(told, [(AuditAction::NoticeDeleted, None, &*id), (AuditAction::NoticeCreated, None, &*id)]);
}
