//! Operations: long work in slices, and the resend of many (T8).

use std::collections::BTreeSet;

use cstar_types::limits::OPERATIONS_A_TEAM;
use cstar_types::{
    DeliveryId, DeliveryStatus, DisabledReason, FailureRule, Operation, OperationId, OperationStatus,
    OperationWork, Patterns, ResendFilter, TeamId, Timestamp, WebhookId,
};
use uuid::Uuid;

use super::given::{self, at, recorded, soon};
use super::{AnyStore, Subject, read};
use crate::{
    ATTEMPTS_MAX, Change, Cutoffs, Due, ListQuery, NewOperation, StoreError, TailReader, Told, Verdict,
};

/// Room for everything that a rule has told.
const BUDGET_BYTES: usize = 64 << 20;

/// An operation that no store knows, made by a key that sees everything.
pub(super) fn new_operation(team: TeamId, work: OperationWork) -> NewOperation {
    let id = OperationId::from_uuid(Uuid::now_v7());
    NewOperation { id, team, work, visible: Patterns::all() }
}

fn resending(team: TeamId, filter: ResendFilter) -> NewOperation {
    new_operation(team, OperationWork::Resend(filter))
}

fn failed() -> ResendFilter {
    ResendFilter { status: Some(DeliveryStatus::Failed), ..ResendFilter::default() }
}

/// Goes on, some rows at a time, until nothing is under way.
pub(super) async fn finish(store: &AnyStore, rows: usize, now: Timestamp) {
    while store.go_on(rows, now).await.expect("operations go on") {}
}

/// Begins an operation and finishes it.
pub(super) async fn done(store: &AnyStore, operation: NewOperation, now: Timestamp) -> Operation {
    let begun = store.begin(operation, now).await.expect("an operation begins");
    assert_eq!((begun.status, begun.created_at, begun.ended_at), (OperationStatus::Running, now, None));
    finish(store, 3, now).await;
    let ended = store.operation(begun.team, begun.id).await.expect("it can be read");
    assert_eq!(ended.ended_at, Some(now));
    ended
}

/// Publishes so many events in appends of 500, and ends their deliveries to one webhook as failed.
async fn failures(store: &AnyStore, team: TeamId, webhook: WebhookId, count: usize) -> Vec<Due> {
    for events in vec!["ticket.created"; count].chunks(500) {
        given::published(store, team, events, at(0)).await;
    }
    let due = read::due(store, webhook, at(0)).await;
    assert_eq!(due.len(), count);
    for due in due.chunks(500) {
        let reports = due.iter().map(|due| given::report(due, Verdict::Failed, at(1))).collect();
        store.record(reports, FailureRule::NEVER).await.expect("results are recorded");
    }
    due
}

/// The deliveries that were told to wait again, in order.
fn reopened(tail: &mut TailReader) -> Vec<DeliveryId> {
    let mut reopened = Vec::new();
    while let Some(Some(Told::Change(change))) = tail.try_next() {
        if let Change::Reopened { delivery, .. } = &*change {
            reopened.push(*delivery);
        }
    }
    reopened
}

async fn statuses(store: &AnyStore, team: TeamId, due: &[Due]) -> Vec<DeliveryStatus> {
    let mut statuses = Vec::new();
    for due in due {
        statuses.push(store.delivery(team, due.id).await.expect("it is in the logs").0.status);
    }
    statuses
}

/// T8, DLV-1: each delivery that the filter matches is due now with a new schedule, attempt numbers go on, and no delivery is
/// made.
pub async fn a_resend_reopens_what_its_filter_matches(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    let due = failures(&store, team, webhook, 7).await;
    store.resend(team, due[2].id, at(2)).await.unwrap();
    recorded(&store, &Due { attempts: 1, ..due[2].clone() }, Verdict::Delivered, at(3)).await;
    let mut tail = store.tail(BUDGET_BYTES);
    let ended = done(&store, resending(team, failed()), at(10)).await;
    assert_eq!((ended.status, ended.done, ended.skipped), (OperationStatus::Done, 6, 0));
    let expected: Vec<DeliveryId> = due.iter().map(|due| due.id).filter(|id| *id != due[2].id).collect();
    assert_eq!(soon(async { reopened(&mut tail) }).await, expected, "oldest first");
    let waiting = read::due(&store, webhook, at(10)).await;
    assert_eq!(waiting.iter().map(|due| due.id).collect::<Vec<_>>(), expected);
    assert!(waiting.iter().all(|due| (due.attempts, due.failed, due.due_at) == (1, 0, at(10))));
    assert_eq!(read::deliveries(&store, team, read::every_delivery(50)).await.unwrap().len(), 7);
}

/// What each part of a filter leaves out is left alone, and so is what the maker does not see (SEC-2).
pub async fn each_part_of_a_filter_cuts(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let (wide, narrow) =
        (given::webhook(&store, team, "*").await, given::webhook(&store, team, "ticket.*").await);
    let other = given::team(&store).await;
    let of_other = given::webhook(&store, other, "*").await;
    failures(&store, other, of_other, 1).await;
    let mut events = Vec::new();
    for (second, name) in [(0, "ticket.created"), (10, "ticket.closed"), (20, "boss.spawned")] {
        events.extend(given::published(&store, team, &[name], at(second)).await);
    }
    for webhook in [wide, narrow] {
        for due in read::due(&store, webhook, at(20)).await {
            recorded(&store, &due, Verdict::Failed, at(21)).await;
        }
    }
    let any = ResendFilter::default;
    let cases = [
        (any(), "*", 5),
        (failed(), "*", 5),
        (ResendFilter { status: Some(DeliveryStatus::Delivered), ..any() }, "*", 0),
        (ResendFilter { webhook: Some(narrow), ..any() }, "*", 2),
        (ResendFilter { webhook: Some(wide), ..failed() }, "*", 3),
        (ResendFilter { event: Some(events[1].event.id), ..any() }, "*", 2),
        (ResendFilter { types: Some(given::list("boss.*")), ..any() }, "*", 1),
        (ResendFilter { since: Some(at(10)), ..any() }, "*", 3),
        (ResendFilter { until: Some(at(10)), ..any() }, "*", 2),
        (ResendFilter { since: Some(at(10)), until: Some(at(20)), ..failed() }, "*", 2),
        (any(), "ticket.*", 4),
        (ResendFilter { types: Some(given::list("*.created")), ..any() }, "boss.*", 0),
    ];
    for (round, (filter, visible, matches)) in cases.into_iter().enumerate() {
        let now = at(100 * (round as i64 + 1));
        let visible = given::list(visible);
        let counted = store.count_resend(team, filter.clone(), visible.clone()).await.unwrap();
        assert_eq!((counted.deliveries, counted.complete), (matches, true), "{filter:?}");
        let operation = NewOperation { visible, ..resending(team, filter.clone()) };
        let ended = done(&store, operation, now).await;
        assert_eq!((ended.done, ended.skipped), (matches, 0), "{filter:?}");
        for webhook in [wide, narrow] {
            for due in read::due(&store, webhook, now).await {
                recorded(&store, &due, Verdict::Failed, now.plus(std::time::Duration::from_secs(1))).await;
            }
        }
    }
    assert!(read::due(&store, of_other, at(9999)).await.is_empty(), "T24");
}

/// What is made, or fails, after an operation was asked for is none of its business.
pub async fn what_comes_later_is_not_resent(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    let before = failures(&store, team, webhook, 2).await;
    given::published(&store, team, &["ticket.closed"], at(5)).await;
    let waiting = given::only_due(&store, webhook).await;
    let begun = store.begin(resending(team, ResendFilter::default()), at(10)).await.unwrap();
    recorded(&store, &waiting, Verdict::Failed, at(11)).await;
    given::published(&store, team, &["ticket.closed"], at(12)).await;
    recorded(&store, &given::only_due(&store, webhook).await, Verdict::Failed, at(13)).await;
    finish(&store, 10, at(20)).await;
    let ended = store.operation(team, begun.id).await.unwrap();
    assert_eq!((ended.done, ended.skipped), (2, 1));
    let due: Vec<DeliveryId> = read::due(&store, webhook, at(99)).await.iter().map(|due| due.id).collect();
    assert_eq!(due, [before[0].id, before[1].id]);
}

/// What waits, what has no webhook that is enabled, no event, or as many attempts as one may have, is counted and left
/// alone.
pub async fn what_cannot_be_reopened_is_skipped(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let [enabled, disabled, deleted] = [
        given::webhook(&store, team, "*").await,
        given::webhook(&store, team, "*").await,
        given::webhook(&store, team, "*").await,
    ];
    given::published(&store, team, &["ticket.created"], at(-5)).await;
    given::published(&store, team, &["ticket.created"; 3], at(0)).await;
    let due = read::due(&store, enabled, at(0)).await;
    let last = Due { attempts: ATTEMPTS_MAX - 1, ..due[1].clone() };
    recorded(&store, &last, Verdict::Failed, at(1)).await;
    recorded(&store, &due[2], Verdict::Failed, at(1)).await;
    recorded(&store, &due[0], Verdict::Delivered, at(1)).await;
    store.disable_webhook(disabled, None, DisabledReason::ByRequest, at(2)).await.unwrap();
    store.delete_webhook(team, deleted, None, at(2)).await.unwrap();
    let cutoffs = Cutoffs { events: at(0), deliveries: at(-9), idempotency_keys: at(0) };
    given::remove_all_old(&store, cutoffs, 100).await;
    let ended = done(&store, resending(team, ResendFilter::default()), at(10)).await;
    assert_eq!((ended.done, ended.skipped), (1, 11));
    assert_eq!(
        statuses(&store, team, &due).await,
        [DeliveryStatus::Delivered, DeliveryStatus::Failed, DeliveryStatus::Pending, DeliveryStatus::Pending]
    );
}

/// LOG-1: after a restart in the middle an operation goes on where it stood: none of 10,000 deliveries is left out, and none is
/// resent a second time though it has failed again.
pub async fn a_restart_goes_on_where_it_stood(subject: impl Subject) {
    const COUNT: usize = 10_000;
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    failures(&store, team, webhook, COUNT).await;
    let mut tail = store.tail(BUDGET_BYTES);
    let begun = store.begin(resending(team, failed()), at(10)).await.unwrap();
    for second in 11..16 {
        assert!(store.go_on(700, at(second)).await.unwrap());
    }
    let again = store.due(webhook, at(16), 300).await.unwrap().due;
    let reports = again.iter().map(|due| given::report(due, Verdict::Failed, at(5))).collect();
    store.record(reports, FailureRule::NEVER).await.unwrap();
    let mut all = reopened(&mut tail);
    assert_eq!(store.operation(team, begun.id).await.unwrap().done, all.len() as u64);
    assert!((1..COUNT).contains(&all.len()), "it stands in the middle: {}", all.len());
    drop((tail, store));

    let subject = subject.reopened().await;
    let store = subject.store();
    let mut tail = store.tail(BUDGET_BYTES);
    finish(&store, 700, at(20)).await;
    all.extend(reopened(&mut tail));
    assert_eq!(all.len(), COUNT, "none twice");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), COUNT, "none left out");
    let ended = store.operation(team, begun.id).await.unwrap();
    assert_eq!((ended.status, ended.done, ended.skipped), (OperationStatus::Done, COUNT as u64, 0));
    assert_eq!(read::due(&store, webhook, at(99)).await.len(), COUNT - again.len());
    store.check().await.unwrap();
}

/// What was done before stays done, and nothing more is.
pub async fn a_cancelled_operation_stops_where_it_stands(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    failures(&store, team, webhook, 9).await;
    let begun = store.begin(resending(team, failed()), at(10)).await.unwrap();
    assert!(store.go_on(4, at(11)).await.unwrap());
    let cancelled = store.cancel_operation(team, begun.id, at(12)).await.unwrap();
    assert_eq!((cancelled.status, cancelled.done), (OperationStatus::Cancelled, 4));
    assert_eq!((cancelled.updated_at, cancelled.ended_at), (at(12), Some(at(12))));
    assert!(!store.go_on(4, at(13)).await.unwrap(), "nothing is under way");
    assert_eq!(store.operation(team, begun.id).await.unwrap(), cancelled);
    assert_eq!(read::due(&store, webhook, at(99)).await.len(), 4);
    let again = store.cancel_operation(team, begun.id, at(14)).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
}

/// One that has much to do does not keep another waiting until it has done it all.
pub async fn operations_take_turns(subject: impl Subject) {
    let store = subject.store();
    let mut begun = Vec::new();
    for second in [10, 11] {
        let team = given::team(&store).await;
        let webhook = given::webhook(&store, team, "*").await;
        failures(&store, team, webhook, 6).await;
        begun.push(store.begin(resending(team, failed()), at(second)).await.unwrap());
    }
    for second in 20..24 {
        assert!(store.go_on(2, at(second)).await.unwrap());
    }
    for operation in begun {
        assert_eq!(store.operation(operation.team, operation.id).await.unwrap().done, 4);
    }
}

/// Operations are read by their team alone, newest first, and outlive a restart; an id is given once.
pub async fn operations_are_listed_newest_first(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let webhook = given::webhook(&store, team, "*").await;
    let filter = ResendFilter {
        webhook: Some(webhook),
        event: Some(given::one_event(&store, team, "ticket.created").await.event.id),
        status: Some(DeliveryStatus::Cancelled),
        types: Some(given::list("ticket.*,*.closed")),
        since: Some(at(1)),
        until: Some(at(2)),
    };
    let recover = |until| OperationWork::Recover { webhook, since: at(3), until };
    let mut begun = Vec::new();
    for work in [OperationWork::Resend(filter), recover(None), recover(Some(at(4)))] {
        let operation = NewOperation { visible: given::list("ticket.*"), ..new_operation(team, work) };
        begun.insert(0, store.begin(operation, at(10)).await.unwrap());
    }
    let taken = NewOperation { id: begun[0].id, ..resending(other, failed()) };
    assert!(matches!(store.begin(taken, at(11)).await, Err(StoreError::Conflict(_))));
    assert_eq!(store.operation(other, begun[0].id).await, Err(StoreError::NotFound), "T24");
    assert_eq!(store.cancel_operation(other, begun[0].id, at(12)).await, Err(StoreError::NotFound));
    drop(store);
    let subject = subject.reopened().await;
    let store = subject.store();
    let ask = async |from| store.operations(team, ListQuery { from, limit: 2 }).await;
    assert_eq!(read::to_the_end(2, None, ask).await.unwrap(), begun);
    let none = store.operations(other, ListQuery { from: None, limit: 2 }).await.unwrap();
    assert_eq!(none.rows, []);
}

/// Some bounds: what is named must be there, and a team has so many under way.
pub async fn an_operation_that_makes_no_sense_does_not_begin(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let webhook = given::webhook(&store, team, "*").await;
    let of_webhook = ResendFilter { webhook: Some(webhook), ..ResendFilter::default() };
    let recover = OperationWork::Recover { webhook, since: at(0), until: None };
    for work in [OperationWork::Resend(of_webhook.clone()), recover.clone()] {
        assert_eq!(store.begin(new_operation(other, work), at(1)).await, Err(StoreError::NotFound), "T24");
    }
    assert_eq!(store.count_resend(other, of_webhook, Patterns::all()).await, Err(StoreError::NotFound));
    store.disable_webhook(webhook, None, DisabledReason::ByRequest, at(2)).await.unwrap();
    let refused = store.begin(new_operation(team, recover), at(3)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    for _ in 0..OPERATIONS_A_TEAM {
        store.begin(resending(team, failed()), at(4)).await.unwrap();
    }
    let one_more = store.begin(resending(team, failed()), at(5)).await;
    assert!(matches!(one_more, Err(StoreError::Conflict(_))), "{one_more:?}");
    store.begin(resending(other, failed()), at(6)).await.unwrap();
    finish(&store, 9, at(7)).await;
    store.begin(resending(team, failed()), at(8)).await.unwrap();
}

/// Whoever waits for an operation to begin is woken, also if it began shortly before.
pub async fn who_waits_for_an_operation_is_woken(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    store.begin(resending(team, failed()), at(1)).await.unwrap();
    soon(store.begun()).await;
    let waiting = tokio::spawn({
        let store = std::sync::Arc::clone(&store);
        async move { store.begun().await }
    });
    store.begin(resending(team, failed()), at(2)).await.unwrap();
    soon(waiting).await.unwrap();
}

/// Ended operations go with the deliveries of their time; those under way stay; a deleted team's are gone.
pub async fn old_operations_go_once_they_have_ended(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let old = done(&store, resending(team, failed()), at(1)).await;
    let young = done(&store, resending(team, failed()), at(5)).await;
    let running = store.begin(resending(team, failed()), at(2)).await.unwrap();
    let cutoffs = Cutoffs { events: at(0), deliveries: at(5), idempotency_keys: at(0) };
    given::remove_all_old(&store, cutoffs, 1).await;
    assert_eq!(store.operation(team, old.id).await, Err(StoreError::NotFound));
    for kept in [young, running] {
        assert_eq!(store.operation(team, kept.id).await, Ok(kept));
    }
    store.delete_team(team, None).await.unwrap();
    assert!(!store.go_on(1, at(9)).await.unwrap(), "what a deleted team had under way is over");
    given::remove_all_old(&store, cutoffs, 1).await;
    store.check().await.unwrap();
}
