//! Operations, and the calls that begin one.

use std::sync::Arc;

use cstar_types::{OperationId, TeamId, WebhookId};
use cstar_wire::{Operation, RecoverWebhook, ResendCount, ResendDeliveries};

use super::{Deliveries, Webhooks};
use crate::call::Call;
use crate::transport::Transport;
use crate::{Pages, Result};

/// The operations of a team: long work that goes on after its answer.
#[derive(Debug, Clone, Copy)]
pub struct Operations<'a> {
    pub(crate) transport: &'a Arc<Transport>,
    pub(crate) team: TeamId,
}

impl Operations<'_> {
    /// Operations, newest first.
    #[must_use]
    pub fn list(&self) -> Pages<Operation> {
        Pages::new(self.transport, Call::get(&[&"v1", &"teams", &self.team, &"operations"]))
    }

    /// One operation, and how far it is.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn get(&self, operation: OperationId) -> Result<Operation> {
        self.transport.fetch(&Call::get(&[&"v1", &"teams", &self.team, &"operations", &operation])).await
    }

    /// Ends an operation where it stands; what was done stays done.
    ///
    /// # Errors
    /// See [`crate::Error`]; `conflict` if it has ended.
    pub async fn cancel(&self, operation: OperationId) -> Result<()> {
        let call = Call::delete(&[&"v1", &"teams", &self.team, &"operations", &operation]);
        self.transport.send(&call).await.map(|_| ())
    }
}

impl Deliveries<'_> {
    /// Begins to resend all that a filter matches. [`ResendDeliveries::dry_run`] is left out: see
    /// [`Deliveries::count_resend`].
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn resend_all(&self, filter: &ResendDeliveries) -> Result<Operation> {
        self.transport.fetch(&self.resending(filter, None)?).await
    }

    /// Counts what [`Deliveries::resend_all`] would resend.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn count_resend(&self, filter: &ResendDeliveries) -> Result<ResendCount> {
        self.transport.fetch(&self.resending(filter, Some(true))?).await
    }

    fn resending(&self, filter: &ResendDeliveries, dry_run: Option<bool>) -> Result<Call> {
        let call = Call::post(&[&"v1", &"teams", &self.team, &"deliveries", &"resend"]);
        call.json(&ResendDeliveries { dry_run, ..filter.clone() })
    }
}

impl Webhooks<'_> {
    /// Begins to make pending again what failed, was cancelled or was missed while the webhook was disabled.
    ///
    /// # Errors
    /// See [`crate::Error`]; `conflict` if it is disabled.
    pub async fn recover(&self, webhook: WebhookId, range: &RecoverWebhook) -> Result<Operation> {
        let call = Call::post(&[&"v1", &"teams", &self.team, &"webhooks", &webhook, &"recover"]);
        self.transport.fetch(&call.json(range)?).await
    }
}
