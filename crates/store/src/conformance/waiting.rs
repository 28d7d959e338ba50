//! What waits: lanes, and what is due in each.

use cstar_types::{DisabledReason, Webhook, WebhookId};

use super::given::{self, at, recorded};
use super::{Subject, read};
use crate::{Change, LaneRule, Verdict, WebhookPatch};

/// The longest due comes first, at most so many; `next` is when the first of the others is due.
pub async fn the_longest_due_comes_first(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    given::webhook(&store, team, "*").await;
    given::published(&store, team, &["ticket.created"; 5], at(0)).await;
    let waits = [40, 10, 50, 20, 30];
    for (due, wait) in read::due(&store, webhook, at(0)).await.iter().zip(waits) {
        recorded(&store, due, Verdict::RetryAt(at(wait)), at(1)).await;
    }
    let cases: [(i64, usize, &[u64], Option<i64>); 7] = [
        (9, 9, &[], Some(10)),
        (10, 9, &[2], Some(20)),
        (29, 9, &[2, 4], Some(30)),
        (99, 9, &[2, 4, 5, 1, 3], None),
        (99, 5, &[2, 4, 5, 1, 3], None),
        (99, 2, &[2, 4], Some(30)),
        (30, 1, &[2], Some(20)),
    ];
    for (now, limit, seqs, next) in cases {
        let slice = store.due(webhook, at(now), limit).await.unwrap();
        let got: Vec<u64> = slice.due.iter().map(|due| due.entry.position.seq).collect();
        assert_eq!((got, slice.next), (seqs.to_vec(), next.map(at)), "at {now}, at most {limit}");
    }
}

/// What is due says how its webhook wants it, as it was told when it was made, and as the webhook stands now.
pub async fn what_is_due_says_how_it_is_wanted(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let mut webhook = Webhook { rate_limit: Some(5), ..given::new_webhook(team, "*") };
    webhook = store.create_webhook(webhook, given::secret(), 9).await.unwrap();
    let mut tail = store.tail(1 << 20);
    given::one_event(&store, team, "ticket.created").await;
    let Change::Appended { deliveries, .. } = &*read::told(&mut tail).await else { panic!("an append") };
    for rate_limit in [Some(5), Some(1), None] {
        let patch = WebhookPatch { rate_limit: Some(rate_limit), ..WebhookPatch::default() };
        store.update_webhook(team, webhook.id, patch, None, at(1)).await.unwrap();
        let slice = store.due(webhook.id, at(1), 9).await.unwrap();
        let rule = LaneRule { ordered: false, rate_limit };
        assert_eq!((slice.rule, slice.due[0].rule), (rule, rule));
        assert_eq!(slice.due[0].id, deliveries[0].id);
    }
    assert_eq!(deliveries[0].rule.rate_limit, Some(5));
}

/// What is due together comes in the order of the log.
pub async fn what_is_due_together_comes_in_the_logs_order(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let webhook = given::webhook(&store, team, "*").await;
    for _ in 0..4 {
        given::published(&store, team, &["ticket.created"; 5], at(0)).await;
    }
    for limit in [1, 7, 20] {
        let slice = store.due(webhook, at(0), limit).await.unwrap();
        let got: Vec<u64> = slice.due.iter().map(|due| due.entry.position.seq).collect();
        assert_eq!(got, (1..=limit as u64).collect::<Vec<_>>());
    }
}

/// A lane for each webhook for which something waits, with the time of its first.
pub async fn lanes_are_the_webhooks_with_something_waiting(subject: impl Subject) {
    let store = subject.store();
    assert_eq!(store.lanes().await, Ok(Vec::new()));
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let fresh = given::webhook(&store, team, "*").await;
    let retrying = given::webhook(&store, team, "*").await;
    let done = given::webhook(&store, team, "*").await;
    let disabled = given::webhook(&store, team, "*").await;
    let foreign = given::webhook(&store, other, "*").await;
    given::webhook(&store, team, "boss.*").await;
    given::published(&store, team, &["ticket.created"; 2], at(5)).await;
    given::published(&store, other, &["ticket.created"], at(3)).await;
    for (due, wait) in read::due(&store, retrying, at(5)).await.iter().zip([80, 70]) {
        recorded(&store, due, Verdict::RetryAt(at(wait)), at(6)).await;
    }
    for due in read::due(&store, done, at(5)).await {
        recorded(&store, &due, Verdict::Delivered, at(6)).await;
    }
    store.disable_webhook(disabled, None, DisabledReason::Gone, at(7)).await.unwrap();
    let mut lanes = store.lanes().await.unwrap();
    lanes.sort();
    let mut expected = vec![(fresh, at(5)), (retrying, at(70)), (foreign, at(3))];
    expected.sort();
    assert_eq!(lanes, expected);
}

/// For a webhook that nobody knows nothing waits.
pub async fn nothing_waits_for_an_unknown_webhook(subject: impl Subject) {
    let store = subject.store();
    let slice = store.due(WebhookId::from_bits(7), at(99), 9).await.unwrap();
    assert_eq!((slice.due, slice.next), (Vec::new(), None));
}
