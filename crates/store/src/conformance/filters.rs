//! DLV-1: payload filters, which look into an event's data.

use std::collections::BTreeMap;

use cstar_types::{DisabledReason, Filter, OperationStatus, OperationWork, TeamId, Webhook, WebhookId};

use super::given::{self, at, new_event, publishing, recorded, soon};
use super::operations::{done, new_operation};
use super::{AnyStore, Subject, read};
use crate::{Append, Change, FanOut, Told, Verdict, WebhookPatch};

const HIGH: &str = r#"{"pointer":"/priority","equals":"high"}"#;
const LOW: &str = r#"{"pointer":"/priority","equals":"low"}"#;
const DATA: [&str; 4] = [
    r#"{"id":"1","priority":"high"}"#,
    r#"{"id":"2","priority":"low"}"#,
    r#"{"id":"3","priority":null}"#,
    r#"{"id":"4"}"#,
];

fn filter(text: &str) -> Filter {
    text.parse().expect("filters of the rules are well formed")
}

/// A patch of the filter alone.
fn filtering(text: Option<&str>) -> WebhookPatch {
    WebhookPatch { filter: Some(text.map(filter)), ..WebhookPatch::default() }
}

async fn webhook(store: &AnyStore, team: TeamId, patterns: &str, text: &str) -> WebhookId {
    let webhook = Webhook { filter: Some(filter(text)), ..given::new_webhook(team, patterns) };
    store.create_webhook(webhook, given::secret(), given::WEBHOOKS_MAX).await.expect("it is taken").id
}

/// Publishes one event of each of [`DATA`] in one append; answers which of them each webhook has deliveries of.
async fn received(store: &AnyStore, team: TeamId, name: &str) -> BTreeMap<WebhookId, Vec<usize>> {
    let events = DATA.iter().map(|data| new_event(team, name, data, at(0))).collect();
    let entries = given::entries(store.append(publishing(team, events, at(0))).await.unwrap());
    let mut received = BTreeMap::<_, Vec<_>>::new();
    for (place, entry) in entries.iter().enumerate() {
        for webhook in read::receivers(store, team, entry.event.id).await {
            received.entry(webhook).or_default().push(place);
        }
    }
    received
}

/// Exactly one delivery for each enabled webhook whose patterns and filter both match, in the first publish that it sees and in
/// those behind it.
pub async fn patterns_and_filter_both_decide(subject: impl Subject) {
    let store = subject.store();
    let (team, other) = (given::team(&store).await, given::team(&store).await);
    let all = given::webhook(&store, team, "*").await;
    let high = webhook(&store, team, "*", HIGH).await;
    let twin = webhook(&store, team, "ticket.*", HIGH).await;
    let low = webhook(&store, team, "ticket.created", LOW).await;
    let unset = webhook(&store, team, "*", r#"{"pointer":"/priority","exists":false}"#).await;
    let disabled = webhook(&store, team, "*", HIGH).await;
    store.disable_webhook(disabled, None, DisabledReason::ByRequest, at(0)).await.unwrap();
    webhook(&store, other, "*", HIGH).await;
    let tickets = BTreeMap::from([
        (all, vec![0, 1, 2, 3]),
        (high, vec![0]),
        (twin, vec![0]),
        (low, vec![1]),
        (unset, vec![3]),
    ]);
    let bosses = BTreeMap::from([(all, vec![0, 1, 2, 3]), (high, vec![0]), (unset, vec![3])]);
    for _ in 0..3 {
        assert_eq!(received(&store, team, "ticket.created").await, tickets);
        assert_eq!(received(&store, team, "boss.spawned").await, bosses);
    }
    drop(store);
    let store = subject.reopened().await.store();
    assert_eq!(received(&store, team, "ticket.created").await, tickets);
}

/// A filter that is set, changed or taken away counts from the next commit on; so does one of a webhook that is enabled again.
pub async fn a_filter_counts_as_it_stands_at_the_commit(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let id = given::webhook(&store, team, "*").await;
    let expect = async |places: &[usize]| {
        let got = received(&store, team, "ticket.created").await.remove(&id).unwrap_or_default();
        assert_eq!(got, places);
    };
    let patch = async |patch| store.update_webhook(team, id, patch, None, at(1)).await.unwrap();
    expect(&[0, 1, 2, 3]).await;
    patch(filtering(Some(HIGH))).await;
    expect(&[0]).await;
    patch(filtering(Some(LOW))).await;
    expect(&[1]).await;
    patch(WebhookPatch { description: Some("other".to_owned()), ..WebhookPatch::default() }).await;
    expect(&[1]).await;
    patch(WebhookPatch { enabled: Some(Err(DisabledReason::ByRequest)), ..WebhookPatch::default() }).await;
    expect(&[]).await;
    patch(WebhookPatch { enabled: Some(Ok(())), ..WebhookPatch::default() }).await;
    expect(&[1]).await;
    patch(filtering(None)).await;
    expect(&[0, 1, 2, 3]).await;
}

/// While filters change in a race with publishing, each event meets the filter that holds at its commit: changes are told in
/// the order of commits.
pub async fn a_filter_that_changes_in_a_race_holds_at_its_commit(subject: impl Subject) {
    const CHANGES: usize = 40;
    let store = subject.store();
    let team = given::team(&store).await;
    let id = webhook(&store, team, "*", HIGH).await;
    received(&store, team, "ticket.created").await;
    let mut tail = store.tail(64 << 20);
    let filter_after = |changes: usize| if changes.is_multiple_of(2) { HIGH } else { LOW };
    let changing = {
        let store = store.clone();
        tokio::spawn(async move {
            for change in 1..=CHANGES {
                let patch = filtering(Some(filter_after(change)));
                store.update_webhook(team, id, patch, None, at(1)).await.expect("it is changed");
            }
        })
    };
    let mut published = 0;
    while !changing.is_finished() {
        let events = DATA.iter().map(|data| new_event(team, "ticket.created", data, at(0))).collect();
        store.append(publishing(team, events, at(0))).await.unwrap();
        published += DATA.len();
    }
    soon(changing).await.unwrap();
    let (mut changes, mut seen) = (0, 0);
    while seen < published || changes < CHANGES {
        let Some(Told::Change(change)) = soon(tail.next()).await else { panic!("the budget is wide enough") };
        match &*change {
            Change::WebhookChanged(_) => changes += 1,
            Change::Appended { entries, deliveries, .. } => {
                seen += entries.len();
                let holds = filter(filter_after(changes));
                let expected = entries.iter().filter(|entry| holds.matches(&entry.event.data_tree()));
                assert!(
                    expected.map(|entry| entry.event.id).eq(deliveries.iter().map(|due| due.entry.event.id)),
                    "after {changes} changes"
                );
            }
            _ => {}
        }
    }
}

/// A call that names what is sent does not ask the filter: a test, and a resend of an event.
pub async fn an_explicit_call_does_not_ask_the_filter(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let id = webhook(&store, team, "*", HIGH).await;
    let events = vec![new_event(team, "ticket.created", DATA[1], at(0))];
    let append = Append { fan_out: FanOut::Only(id), ..publishing(team, events.clone(), at(0)) };
    let test = store.append(append).await.unwrap().remove(0).entry;
    assert_eq!(read::receivers(&store, team, test.event.id).await, [id]);
    let other = vec![new_event(team, "ticket.created", DATA[1], at(0))];
    let other = store.append(publishing(team, other, at(0))).await.unwrap().remove(0).entry;
    assert_eq!(read::receivers(&store, team, other.event.id).await, []);
    store.deliver(team, other.event.id, id, at(1)).await.unwrap();
    assert_eq!(read::receivers(&store, team, other.event.id).await, [id]);
}

/// A recovery makes deliveries of what was missed and passes the filter as it stands then; what had failed waits again, whatever
/// the filter says now.
pub async fn a_recovery_asks_the_filter(subject: impl Subject) {
    let store = subject.store();
    let team = given::team(&store).await;
    let id = webhook(&store, team, "*", LOW).await;
    assert_eq!(received(&store, team, "ticket.created").await, BTreeMap::from([(id, vec![1])]));
    recorded(&store, &given::only_due(&store, id).await, Verdict::Failed, at(1)).await;
    store.disable_webhook(id, None, DisabledReason::ByRequest, at(2)).await.unwrap();
    assert_eq!(received(&store, team, "boss.spawned").await, BTreeMap::new());
    let back = WebhookPatch { enabled: Some(Ok(())), ..filtering(Some(HIGH)) };
    store.update_webhook(team, id, back, None, at(3)).await.unwrap();
    let work = OperationWork::Recover { webhook: id, since: at(0), until: None };
    let ended = done(&store, new_operation(team, work), at(4)).await;
    assert_eq!((ended.status, ended.done, ended.skipped), (OperationStatus::Done, 3, 0));
    let waiting = read::due(&store, id, at(99)).await;
    let waiting: Vec<_> =
        waiting.iter().map(|due| (due.entry.position.seq, due.entry.event.data())).collect();
    // The second had been made before; the first was not wanted when it was published, and is now.
    assert_eq!(waiting, [(2, DATA[1]), (1, DATA[0]), (5, DATA[0])].map(|(seq, data)| (seq, data.as_bytes())));
}
