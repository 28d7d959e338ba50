//! Webhooks.

use std::sync::Arc;

use cstar_types::{TeamId, WebhookId};
use cstar_wire::{
    Attempt, CreateWebhook, CreatedWebhook, RotateSecret, RotatedSecret, TestWebhook, UpdateWebhook, Webhook,
};

use crate::call::Call;
use crate::transport::Transport;
use crate::{Pages, Result};

/// The webhooks of a team.
#[derive(Debug, Clone, Copy)]
pub struct Webhooks<'a> {
    pub(crate) transport: &'a Arc<Transport>,
    pub(crate) team: TeamId,
}

impl Webhooks<'_> {
    /// Registers an endpoint. The answer alone shows its secret.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn create(&self, webhook: &CreateWebhook) -> Result<CreatedWebhook> {
        self.transport.fetch(&Call::post(&[&"v1", &"teams", &self.team, &"webhooks"]).json(webhook)?).await
    }

    /// Every webhook.
    #[must_use]
    pub fn list(&self) -> Pages<Webhook> {
        Pages::new(self.transport, Call::get(&[&"v1", &"teams", &self.team, &"webhooks"]))
    }

    /// One webhook.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn get(&self, webhook: WebhookId) -> Result<Webhook> {
        self.transport.fetch(&Call::get(&[&"v1", &"teams", &self.team, &"webhooks", &webhook])).await
    }

    /// Changes a webhook.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn update(&self, webhook: WebhookId, change: &UpdateWebhook) -> Result<Webhook> {
        let call = Call::patch(&[&"v1", &"teams", &self.team, &"webhooks", &webhook]);
        self.transport.fetch(&call.json(change)?).await
    }

    /// Replaces a webhook's secret. The answer alone shows the new one; if it is lost, rotate back, without an overlap, to the
    /// secret that the receivers hold.
    ///
    /// # Errors
    /// See [`crate::Error`]; `conflict` while the overlap of another rotation is open, unless this one asks for none.
    pub async fn rotate_secret(&self, webhook: WebhookId, rotation: &RotateSecret) -> Result<RotatedSecret> {
        let call = Call::post(&[&"v1", &"teams", &self.team, &"webhooks", &webhook, &"secret"]);
        self.transport.fetch(&call.json(rotation)?).await
    }

    /// Ends the overlap of the last rotation: from now on requests are signed with the new secret alone.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn end_overlap(&self, webhook: WebhookId) -> Result<()> {
        let path: [&dyn std::fmt::Display; 7] =
            [&"v1", &"teams", &self.team, &"webhooks", &webhook, &"secret", &"previous"];
        self.transport.send(&Call::delete(&path)).await.map(|_| ())
    }

    /// Sends an example to a webhook now, as a test event, and answers with what came of it: a failed attempt is no error.
    ///
    /// # Errors
    /// See [`crate::Error`]; `conflict` if the webhook is disabled, `outcome_unknown` if the attempt waits for its turn for long.
    pub async fn test(&self, webhook: WebhookId, test: &TestWebhook) -> Result<Attempt> {
        let call = Call::post(&[&"v1", &"teams", &self.team, &"webhooks", &webhook, &"test"]);
        self.transport.fetch(&call.json(test)?).await
    }

    /// Deletes a webhook; what waits for it is cancelled.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn delete(&self, webhook: WebhookId) -> Result<()> {
        let call = Call::delete(&[&"v1", &"teams", &self.team, &"webhooks", &webhook]);
        self.transport.send(&call).await.map(|_| ())
    }
}
