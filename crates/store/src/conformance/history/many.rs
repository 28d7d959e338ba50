//! Operations, each from its beginning to its end.

use cstar_types::{OperationId, OperationWork, ResendFilter};

use super::Difference;
use super::op::Op;
use super::sides::{Pair, Side, Sides, pick};
use crate::conformance::operations::finish;
use crate::conformance::{Subject, given, read};
use crate::{DeliveryQuery, NewOperation};

impl<M: Subject, S: Subject> Sides<M, S> {
    /// Begins an operation on both sides, does all of it, and compares what it came to.
    pub(super) async fn operate(&mut self, op: &Op) -> Result<(), Difference> {
        let (team, cut, work) = match op {
            Op::ResendMany { team, cut, status, webhook } => {
                let (since, until) = self.times(cut);
                let webhook = webhook.and_then(|webhook| pick(&self.webhooks, webhook)).map(|(_, id)| id);
                let types = cut.wanted.map(given::list);
                let filter = ResendFilter { webhook, event: None, status: *status, types, since, until };
                (self.team(*team), cut, OperationWork::Resend(filter))
            }
            Op::Recover { webhook, whose, cut } => {
                let Some((owner, webhook)) = pick(&self.webhooks, *webhook) else { return Ok(()) };
                let (since, until) = self.times(cut);
                let since = since.unwrap_or_else(|| self.now());
                (self.asked_under(owner, *whose), cut, OperationWork::Recover { webhook, since, until })
            }
            _ => return Ok(()),
        };
        let id = OperationId::from_bits(self.new_bits());
        let operation = NewOperation { id, team, work, visible: given::list(cut.visible) };
        let now = self.now();
        let begun = self.both("begin", async |side| side.store.begin(operation.clone(), now).await).await?;
        for side in &self.sides {
            finish(&side.store, cut.limit, now).await; // how many slices is the store's affair
        }
        self.both("operation", async |side| side.store.operation(team, id).await).await?.ok();
        if let (Ok(_), OperationWork::Recover { webhook, .. }) = (begun, operation.work) {
            self.learn_of_all(team, webhook).await;
        }
        Ok(())
    }

    /// A recovery may have made deliveries.
    async fn learn_of_all(&mut self, team: cstar_types::TeamId, webhook: cstar_types::WebhookId) {
        let list = async |side: &Side| {
            let query = DeliveryQuery { webhook: Some(webhook), ..read::every_delivery(9) };
            read::deliveries(&side.store, team, query).await.expect("the logs can be read")
        };
        let (model, store) = (list(&self.sides[0]).await, list(&self.sides[1]).await);
        for row in model {
            let pair = Pair { team, webhook, event: row.event };
            if let Some(other) = store.iter().find(|other| other.event == row.event) {
                self.learn(pair, vec![row.id, other.id]);
            }
        }
    }
}
