//! The webhooks that are being sent to, read once until they change.

use std::collections::HashMap;
use std::sync::Arc;

use cstar_store::{Store, StoreError};
use cstar_types::{RetrySchedule, TeamId, WebhookId, WebhookStatus};
use parking_lot::Mutex;

use crate::endpoint::Endpoint;
use crate::target::Names;

/// The most endpoints that are remembered: with their keys and headers some twenty megabytes.
const ENDPOINTS_MAX: usize = 10_000;

pub(crate) struct Endpoints {
    store: Arc<dyn Store>,
    names: Names,
    schedule: RetrySchedule,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    endpoints: HashMap<WebhookId, Arc<Endpoint>>,
    /// Counts what was forgotten: what was read before a change is not remembered after it.
    changes: u64,
}

impl Endpoints {
    pub(crate) fn new(store: Arc<dyn Store>, names: Names, schedule: RetrySchedule) -> Self {
        Self { store, names, schedule, known: Mutex::default() }
    }

    /// `None` if there is nobody to send to: the webhook was deleted or disabled, and what waited for it is cancelled; or it
    /// cannot be read now.
    pub(crate) async fn get(&self, webhook: WebhookId) -> Option<Arc<Endpoint>> {
        let changes = {
            let known = self.known.lock();
            if let Some(endpoint) = known.endpoints.get(&webhook) {
                return Some(Arc::clone(endpoint));
            }
            known.changes
        };
        let endpoint = Arc::new(self.read(webhook).await?);
        self.remember(&endpoint, changes);
        Some(endpoint)
    }

    async fn read(&self, webhook: WebhookId) -> Option<Endpoint> {
        let (webhook, secrets) = match self.store.webhook_to_send(webhook).await {
            Ok(read) => read,
            Err(StoreError::NotFound) => return None,
            Err(error) => {
                tracing::error!(%webhook, %error, "a webhook cannot be read");
                return None;
            }
        };
        if webhook.status == WebhookStatus::Disabled {
            return None;
        }
        let endpoint = Endpoint::new(&webhook, &secrets, self.names.rule(), &self.schedule);
        endpoint.inspect_err(|error| tracing::error!(%error, "a webhook cannot be sent to")).ok()
    }

    fn remember(&self, endpoint: &Arc<Endpoint>, changes: u64) {
        let mut known = self.known.lock();
        if known.changes != changes {
            return;
        }
        if known.endpoints.len() >= ENDPOINTS_MAX {
            let other = known.endpoints.keys().next().copied();
            other.and_then(|other| known.endpoints.remove(&other));
        }
        known.endpoints.insert(endpoint.webhook, Arc::clone(endpoint));
    }

    /// The webhook has changed.
    pub(crate) fn forget(&self, webhook: WebhookId) {
        let mut known = self.known.lock();
        known.changes += 1;
        known.endpoints.remove(&webhook);
    }

    /// A team was deleted; answers which of its webhooks were remembered.
    pub(crate) fn forget_team(&self, team: TeamId) -> Vec<WebhookId> {
        let mut known = self.known.lock();
        known.changes += 1;
        let of_team = known.endpoints.extract_if(|_, endpoint| endpoint.team == team);
        of_team.map(|(webhook, _)| webhook).collect()
    }

    /// Anything may have changed.
    pub(crate) fn forget_all(&self) {
        let mut known = self.known.lock();
        known.changes += 1;
        known.endpoints.clear();
    }
}
