//! Calls of the store, which take their time, and what follows when they are done.

use std::sync::Arc;
use std::time::Duration;

use cstar_store::{DueSlice, StoreError};
use cstar_types::{DeliveryId, DisabledReason, Timestamp, WebhookId};
use tokio::time::sleep;

use super::super::desk::Load;
use super::{AGAIN, Dispatch};

/// When an attempt whose result cannot be recorded is repeated: for as long the delivery is held, or it would be sent
/// again at once and for ever.
const HELD: Duration = Duration::from_secs(600);

/// Something that took its time and is done.
pub(super) enum Done {
    Loaded { webhook: WebhookId, asked_at: Timestamp, slice: Result<DueSlice, StoreError> },
    Surveyed(Result<Vec<(WebhookId, Timestamp)>, StoreError>),
    Disabled(WebhookId, u64, Result<(), StoreError>),
    Held(WebhookId, DeliveryId),
}

/// A webhook that was deleted need not be disabled.
fn unless_it_is_not_there(error: StoreError) -> Result<(), StoreError> {
    if error == StoreError::NotFound { Ok(()) } else { Err(error) }
}

impl Dispatch {
    pub(super) fn load(&mut self, Load { webhook, limit, asked_at }: Load) {
        let store = Arc::clone(&self.store);
        self.calls.push(Box::pin(async move {
            Done::Loaded { webhook, asked_at, slice: store.due(webhook, asked_at, limit).await }
        }));
    }

    pub(super) fn survey(&mut self, after: Duration) {
        let store = Arc::clone(&self.store);
        self.calls.push(Box::pin(async move {
            sleep(after).await;
            Done::Surveyed(store.lanes().await)
        }));
    }

    /// However many attempts of it are answered 410 meanwhile, it is asked for once.
    pub(super) fn disable(&mut self, webhook: WebhookId, version: u64) {
        if !self.disabling.insert((webhook, version)) {
            return;
        }
        let store = Arc::clone(&self.store);
        let now = (self.attempts.clock)();
        self.calls.push(Box::pin(async move {
            let disabled = store.disable_webhook(webhook, Some(version), DisabledReason::Gone, now).await;
            Done::Disabled(webhook, version, disabled)
        }));
    }

    /// The delivery stays known, so that it is not started although the store shows it as due.
    pub(super) fn hold(&mut self, webhook: WebhookId, delivery: DeliveryId) {
        self.calls.push(Box::pin(async move {
            sleep(HELD).await;
            Done::Held(webhook, delivery)
        }));
    }

    pub(super) fn done(&mut self, done: Done) -> Result<(), StoreError> {
        match done {
            Done::Loaded { webhook, asked_at, slice: Ok(slice) } => {
                self.desk.tell(|lanes| lanes.loaded(webhook, slice, asked_at));
            }
            Done::Surveyed(Ok(lanes)) => {
                self.desk.tell(|known| lanes.into_iter().for_each(|(webhook, at)| known.due_at(webhook, at)));
            }
            Done::Held(webhook, delivery) => {
                let now = self.attempts.steady.now();
                self.desk.tell(|lanes| lanes.settled(webhook, delivery, Some(now)));
            }
            Done::Loaded { slice: Err(StoreError::Poisoned), .. }
            | Done::Surveyed(Err(StoreError::Poisoned)) => {
                return Err(StoreError::Poisoned);
            }
            Done::Loaded { webhook, slice: Err(error), .. } => {
                tracing::error!(%webhook, %error, "what is due could not be read; trying again");
                let again_at = self.attempts.steady.now().plus(AGAIN);
                self.desk.tell(|lanes| lanes.load_failed(webhook, again_at));
            }
            Done::Surveyed(Err(error)) => {
                tracing::error!(%error, "what is due could not be read; trying again");
                self.survey(AGAIN);
            }
            Done::Disabled(webhook, version, disabled) => {
                self.disabling.remove(&(webhook, version));
                if let Err(error) = disabled.or_else(unless_it_is_not_there) {
                    tracing::error!(%webhook, %error, "a webhook that is gone could not be disabled; its next 410 tries again");
                }
            }
        }
        Ok(())
    }
}
