//! Webhooks whose deliveries go one at a time, in the log's order.

use cstar_types::{DisabledReason, OperationWork, TeamId, Timestamp, Webhook, WebhookId};

use super::given::{self, at, recorded};
use super::operations::{done, new_operation};
use super::{AnyStore, Subject, read};
use crate::{Change, LaneRule, Told, Verdict, WebhookPatch};

const ORDERED: LaneRule = LaneRule { ordered: true, rate_limit: None };

async fn ordered(store: &AnyStore, team: TeamId, patterns: &str) -> WebhookId {
    let webhook = Webhook { ordered: true, ..given::new_webhook(team, patterns) };
    store.create_webhook(webhook, given::secret(), given::WEBHOOKS_MAX).await.expect("it is taken").id
}

/// The seqs of what is due, and when the next is.
async fn due(
    store: &AnyStore,
    webhook: WebhookId,
    now: Timestamp,
    limit: usize,
) -> (Vec<u64>, Option<Timestamp>) {
    let slice = store.due(webhook, now, limit).await.expect("what is due can be read");
    assert!(slice.due.iter().all(|due| due.rule == slice.rule));
    (slice.due.iter().map(|due| due.entry.position.seq).collect(), slice.next)
}

/// What is due comes in the log's order, at most so many, and says that it is ordered, as it was told when it was made.
pub async fn the_first_of_the_log_comes_first(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = ordered(&store, team, "*").await;
    let mut tail = store.tail(64 << 20);
    for second in [9, 5, 7] {
        given::published(&store, team, &["ticket.created"; 3], at(second)).await;
    }
    while let Some(Some(Told::Change(change))) = tail.try_next() {
        let Change::Appended { deliveries, .. } = &*change else { continue };
        assert!(deliveries.iter().all(|due| due.rule == ORDERED));
    }
    assert_eq!(due(&store, webhook, at(9), 99).await, ((1..=9).collect(), None));
    assert_eq!(due(&store, webhook, at(9), 4).await, ((1..=4).collect(), Some(at(5))));
    assert_eq!(store.due(webhook, at(9), 1).await.unwrap().rule, ORDERED);
}

/// One that waits for its retry holds back what is behind it and nothing before it, until it has ended; after a restart too.
pub async fn what_is_not_due_holds_back_what_is_behind_it(subject: impl Subject) {
    let mut subject = subject;
    let mut store = subject.store();
    let team = given::team(&store).await;
    let webhook = ordered(&store, team, "*").await;
    given::published(&store, team, &["ticket.created"; 4], at(0)).await;
    let all = read::due(&store, webhook, at(0)).await;
    recorded(&store, &all[1], Verdict::RetryAt(at(40)), at(1)).await;
    for restarted in [false, true] {
        if restarted {
            drop(store);
            subject = subject.reopened().await;
            store = subject.store();
        }
        assert_eq!(due(&store, webhook, at(39), 99).await, (vec![1], Some(at(40))));
        assert_eq!(due(&store, webhook, at(40), 99).await, (vec![1, 2, 3, 4], None));
    }
    recorded(&store, &all[0], Verdict::Delivered, at(41)).await;
    assert_eq!(due(&store, webhook, at(39), 99).await, (vec![], Some(at(40))));
    let again = read::due(&store, webhook, at(40)).await.remove(0);
    assert_eq!((again.entry.position.seq, again.attempts, again.failed), (2, 1, 1));
    recorded(&store, &again, Verdict::Failed, at(42)).await;
    assert_eq!(due(&store, webhook, at(39), 99).await, (vec![3, 4], None));
}

/// What a call makes pending again, or makes, goes before what stands behind it in the log.
pub async fn a_resend_takes_its_place_in_the_log(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = ordered(&store, team, "ticket.*").await;
    let names = ["ticket.created", "boss.spawned", "ticket.closed", "ticket.updated"];
    let events = given::published(&store, team, &names, at(0)).await;
    let first = read::due(&store, webhook, at(0)).await.remove(0);
    recorded(&store, &first, Verdict::Delivered, at(1)).await;
    assert_eq!(due(&store, webhook, at(9), 99).await.0, [3, 4]);
    store.resend(team, first.id, at(2)).await.unwrap();
    store.deliver(team, events[1].event.id, webhook, at(3)).await.unwrap();
    assert_eq!(due(&store, webhook, at(9), 99).await, (vec![1, 2, 3, 4], None));

    store.disable_webhook(webhook, None, DisabledReason::ByRequest, at(4)).await.unwrap();
    given::published(&store, team, &["ticket.created"], at(5)).await;
    let enable = WebhookPatch { enabled: Some(Ok(())), ..WebhookPatch::default() };
    store.update_webhook(team, webhook, enable, None, at(6)).await.unwrap();
    given::published(&store, team, &["ticket.created"], at(7)).await;
    let work = OperationWork::Recover { webhook, since: at(0), until: None };
    assert_eq!(done(&store, new_operation(team, work), at(8)).await.done, 5);
    assert_eq!(due(&store, webhook, at(9), 99).await, (vec![1, 2, 3, 4, 5, 6], None));
}

/// A webhook that becomes ordered while something waits is ordered from then on, and back.
pub async fn a_webhook_can_become_ordered(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    given::published(&store, team, &["ticket.created"; 3], at(0)).await;
    let all = read::due(&store, webhook, at(0)).await;
    recorded(&store, &all[0], Verdict::RetryAt(at(40)), at(1)).await;
    assert_eq!(due(&store, webhook, at(1), 99).await, (vec![2, 3], Some(at(40))));
    for (ordered, expected) in [(true, (vec![], Some(at(40)))), (false, (vec![2, 3], Some(at(40))))] {
        let patch = WebhookPatch { ordered: Some(ordered), ..WebhookPatch::default() };
        let changed = store.update_webhook(team, webhook, patch, None, at(2)).await.unwrap();
        assert_eq!(changed.ordered, ordered);
        assert_eq!(due(&store, webhook, at(2), 99).await, expected);
    }
}
