//! What the two tails tell, compared.

use std::sync::Arc;
use std::time::Duration;

use cstar_types::{Entry, EventId, KeyId, TeamId, WebhookId};
use proptest::test_runner::TestCaseError;

use super::Difference;
use super::sides::{Pair, Side, Sides};
use crate::conformance::Subject;
use crate::{Change, Due, Told};

/// How long after its answer a change may be told.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

/// One change, as both sides tell it: an append entry by entry, since commits may be grouped, and without ids that
/// the sides gave.
#[derive(Debug, PartialEq)]
enum Heard {
    Appended { team: TeamId, entry: Arc<Entry>, deliveries: Vec<Due> },
    Reopened { event: EventId, webhook: WebhookId },
    Webhook(WebhookId),
    Erased { team: TeamId, seq: u64, webhooks: Vec<WebhookId> },
    Key(KeyId),
    Team(TeamId),
}

impl<M: Subject, S: Subject> Sides<M, S> {
    /// Compares what was told since the last look, and learns of the deliveries that were made.
    pub(super) async fn compare_told(&mut self) -> Result<(), Difference> {
        let [model, store] = &mut self.sides;
        let mut expected = Vec::new();
        while let Some(Some(told)) = model.tail.try_next() {
            expected.extend(model.hear(told));
        }
        let mut heard = Vec::new();
        while heard.len() < expected.len() {
            // What was answered is told at once or never; shrinking waits for it many times.
            let Ok(told) = tokio::time::timeout(TOLD_WITHIN, store.tail.next()).await else { break };
            heard.extend(store.hear(told.expect("the store is open")));
        }
        while let Some(Some(told)) = store.tail.try_next() {
            heard.extend(store.hear(told));
        }
        if heard != expected {
            let text = format!("told\n  model: {expected:?}\n  store: {heard:?}");
            return Err(TestCaseError::fail(text));
        }
        for one in expected {
            if let Heard::Appended { team, entry, deliveries } = one {
                let event = entry.event.id;
                let pairs = deliveries.into_iter().map(|due| Pair { team, event, webhook: due.webhook });
                self.deliveries.extend(pairs);
            }
        }
        Ok(())
    }
}

impl Side {
    fn hear(&mut self, told: Told) -> Vec<Heard> {
        let Told::Change(change) = told else { panic!("the budget is wide enough") };
        match &*change {
            Change::Appended { team, entries, deliveries } => {
                entries.iter().map(|entry| self.hear_entry(*team, entry, deliveries)).collect()
            }
            Change::Reopened { delivery, webhook } => {
                let known = self.ids.iter().find(|(_, id)| *id == delivery);
                let ((event, _), _) = known.expect("a reopened delivery was made before");
                vec![Heard::Reopened { event: *event, webhook: *webhook }]
            }
            Change::Due(_) => vec![], // whoever hears it looks; one node has nothing to look for
            Change::WebhookChanged(webhook) => vec![Heard::Webhook(*webhook)],
            Change::Erased { team, seq, webhooks } => {
                let mut webhooks = webhooks.clone();
                webhooks.sort();
                vec![Heard::Erased { team: *team, seq: *seq, webhooks }]
            }
            Change::KeyRevoked(key) => vec![Heard::Key(*key)],
            Change::TeamDeleted(team) => vec![Heard::Team(*team)],
        }
    }

    /// DLV-1: with each entry come its deliveries, one for each webhook; in which order is the store's own affair.
    fn hear_entry(&mut self, team: TeamId, entry: &Arc<Entry>, deliveries: &[Due]) -> Heard {
        let mut of_entry: Vec<Due> = deliveries.iter().filter(|due| due.entry == *entry).cloned().collect();
        of_entry.sort_by_key(|due| due.webhook);
        for due in &mut of_entry {
            let before = self.ids.insert((entry.event.id, due.webhook), due.id);
            assert_eq!(before, None, "DLV-1: two deliveries for one event and webhook");
            due.id = cstar_types::DeliveryId::from_bits(0);
        }
        Heard::Appended { team, entry: Arc::clone(entry), deliveries: of_entry }
    }
}
