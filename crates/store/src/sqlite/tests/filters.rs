//! Filters are asked before the writer has its turn, and again only if they have changed meanwhile.

use cstar_types::{TeamId, Webhook, WebhookId};

use super::{OnDisk, until};
use crate::conformance::given::{self, at, new_event, publishing, soon};
use crate::conformance::{AnyStore, read};
use crate::sqlite::append::Publish;
use crate::sqlite::queue::Class;
use crate::stored::filters::Verdicts;
use crate::{Append, WebhookPatch};

const HIGH: &str = r#"{"pointer":"/priority","equals":"high"}"#;
const LOW: &str = r#"{"pointer":"/priority","equals":"low"}"#;

async fn filtering(store: &AnyStore) -> (TeamId, WebhookId) {
    let team = given::team(store).await;
    let webhook = Webhook { filter: Some(HIGH.parse().unwrap()), ..given::new_webhook(team, "*") };
    let webhook = store.create_webhook(webhook, given::secret(), 9).await.unwrap().id;
    given::one_event(store, team, "ticket.created").await; // the writer learns of the filter
    (team, webhook)
}

fn low(team: TeamId) -> Append {
    publishing(team, vec![new_event(team, "ticket.created", r#"{"priority":"low"}"#, at(0))], at(0))
}

/// DLV-1: an event that was held against a filter which is changed before its commit meets the one that holds then.
#[tokio::test]
async fn a_filter_that_changes_before_the_commit_is_asked_anew() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let (team, webhook) = filtering(&store).await;
    let held = disk.hold().await;
    let changing = {
        let (store, filter) = (store.clone(), LOW.parse().unwrap());
        let patch = WebhookPatch { filter: Some(Some(filter)), ..WebhookPatch::default() };
        tokio::spawn(async move { store.update_webhook(team, webhook, patch, None, at(1)).await })
    };
    until("the change to wait", || disk.store.shared.queue.len() == 1).await;
    let publishing = {
        let store = store.clone();
        tokio::spawn(async move { store.append(low(team)).await })
    };
    until("the publish to wait behind it", || disk.store.shared.queue.len() == 2).await;
    held.go_on().await;
    soon(changing).await.unwrap().unwrap();
    let entry = soon(publishing).await.unwrap().unwrap().remove(0).entry;
    assert_eq!(read::receivers(&store, team, entry.event.id).await, [webhook]);
}

/// What was said before the writer's turn is taken as it is while the filters are the same: the writer does not look into
/// events.
#[tokio::test]
async fn what_was_said_before_is_not_asked_again() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let (team, webhook) = filtering(&store).await;
    let shared = &disk.store.shared;
    let known = shared.shelf.filters.of(team).expect("the filters are known");
    for (verdict, expected) in [(r#"{"priority":"high"}"#, vec![webhook]), ("{}", vec![])] {
        // The verdict of another event, handed over with one that the filter would refuse.
        let mut verdicts = Verdicts::none_yet(known.clone());
        verdicts.judge(&new_event(team, "ticket.created", verdict, at(0)).event);
        let publish = Publish::prepare(low(team)).with_verdicts(verdicts);
        let size = publish.size();
        let appended = shared.write(Class::Append, size, move |tx| publish.apply(tx)).await.unwrap();
        assert_eq!(read::receivers(&store, team, appended[0].entry.event.id).await, expected);
    }
}

/// A team without filters is not among those that are looked up, and one that has none any more is forgotten.
#[tokio::test]
async fn who_has_no_filter_is_not_known() {
    let disk = OnDisk::fresh();
    let store = disk.any();
    let (team, webhook) = filtering(&store).await;
    let other = given::team(&store).await;
    given::webhook(&store, other, "*").await;
    given::one_event(&store, other, "ticket.created").await;
    let known = &disk.store.shared.shelf.filters;
    assert!(known.of(other).is_none() && known.of(team).is_some());
    let none = WebhookPatch { filter: Some(None), ..WebhookPatch::default() };
    store.update_webhook(team, webhook, none, None, at(1)).await.unwrap();
    given::one_event(&store, team, "ticket.created").await;
    assert!(known.of(team).is_none());
}
