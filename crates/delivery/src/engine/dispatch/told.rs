//! What the tail tells.

use std::time::Duration;

use cstar_store::{Change, Told};

use super::Dispatch;

impl Dispatch {
    /// Everything that the tail has to tell.
    pub(super) fn hear(&mut self) {
        while let Some(told) = self.tail.try_next().filter(|_| !self.tail_ended) {
            self.told(told);
        }
    }

    pub(super) fn told(&mut self, told: Option<Told>) {
        match told {
            None => self.tail_ended = true,
            Some(Told::Change(change)) => self.changed(&change),
            Some(Told::Lagged) => {
                self.attempts.endpoints.forget_all();
                self.lanes.changed_all();
                self.survey(Duration::ZERO);
            }
        }
    }

    pub(super) fn changed(&mut self, change: &Change) {
        match change {
            Change::Appended { deliveries, .. } => {
                deliveries.iter().for_each(|due| self.lanes.offer(due.clone()));
            }
            Change::Reopened { delivery, webhook } => self.lanes.reopened(*webhook, *delivery),
            Change::WebhookChanged(webhook) => {
                self.attempts.endpoints.forget(*webhook);
                self.lanes.changed(*webhook);
            }
            // What is in memory would be sent; the store has it no more.
            Change::Erased { webhooks, .. } => {
                webhooks.iter().for_each(|webhook| self.lanes.read_again(*webhook));
            }
            Change::TeamDeleted(team) => {
                let webhooks = self.attempts.endpoints.forget_team(*team);
                webhooks.into_iter().for_each(|webhook| self.lanes.changed(webhook));
            }
            Change::KeyRevoked(_) => {}
        }
    }
}
