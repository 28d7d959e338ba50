//! What the tail tells.

use std::time::Duration;

use cstar_store::{Change, Due, Told};

use super::Dispatch;
use crate::lanes::Lanes;

/// How many deliveries are offered under one hold of the lanes: one commit can bring thousands, and whoever has made an
/// attempt would wait for all of them.
const OFFERED_AT_ONCE: usize = 100;

/// What is due in order is read from a store that several nodes write to: another may have what goes before it.
fn offer(lanes: &mut Lanes, due: &Due, is_shared: bool) {
    if is_shared && due.rule.ordered {
        lanes.due_at(due.webhook, due.due_at);
    } else {
        lanes.offer(due.clone());
    }
}

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
                self.desk.tell(Lanes::changed_all);
                self.survey(Duration::ZERO);
            }
        }
    }

    pub(super) fn changed(&mut self, change: &Change) {
        match change {
            Change::Appended { deliveries, .. } => {
                let is_shared = self.is_shared;
                for some in deliveries.chunks(OFFERED_AT_ONCE) {
                    self.desk.tell(|lanes| some.iter().for_each(|due| offer(lanes, due, is_shared)));
                }
            }
            Change::Reopened { delivery, webhook } => {
                self.desk.tell(|lanes| lanes.reopened(*webhook, *delivery));
            }
            Change::Due(None) => self.survey(Duration::ZERO),
            Change::Due(Some(webhook)) => {
                let now = self.attempts.steady.now();
                self.desk.tell(|lanes| lanes.is_due(*webhook, now));
            }
            Change::WebhookChanged(webhook) => {
                self.attempts.endpoints.forget(*webhook);
                self.desk.tell(|lanes| lanes.changed(*webhook));
            }
            // What is in memory would be sent; the store has it no more.
            Change::Erased { webhooks, .. } => {
                self.desk.tell(|lanes| webhooks.iter().for_each(|webhook| lanes.read_again(*webhook)));
            }
            Change::TeamDeleted(team) => {
                let webhooks = self.attempts.endpoints.forget_team(*team);
                self.desk.tell(|lanes| webhooks.into_iter().for_each(|webhook| lanes.changed(webhook)));
            }
            Change::KeyRevoked(_) => {}
        }
    }
}
