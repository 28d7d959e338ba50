//! Notices: what the server tells its operator by itself.

use std::sync::Arc;

use cstar_types::WebhookId;
use cstar_wire::{Attempt, CreateNoticeWebhook, CreatedNoticeWebhook, NoticeWebhook, TestNoticeWebhook};

use crate::call::Call;
use crate::transport::Transport;
use crate::{Pages, Result};

/// The URLs that hear notices; they need the platform key.
#[derive(Debug, Clone, Copy)]
pub struct Notices<'a> {
    pub(crate) transport: &'a Arc<Transport>,
}

impl Notices<'_> {
    /// Registers a URL. The answer alone shows its secret.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn create(&self, webhook: &CreateNoticeWebhook) -> Result<CreatedNoticeWebhook> {
        self.transport.fetch(&Call::post(&[&"v1", &"notices"]).json(webhook)?).await
    }

    /// Every URL.
    #[must_use]
    pub fn list(&self) -> Pages<NoticeWebhook> {
        Pages::new(self.transport, Call::get(&[&"v1", &"notices"]))
    }

    /// Sends an example to a URL now, as a test event, and answers with what came of it: a failed attempt is no error.
    ///
    /// # Errors
    /// See [`crate::Error`]; `conflict` if the URL is disabled, `outcome_unknown` if the attempt waits for its turn for long.
    pub async fn test(&self, webhook: WebhookId, test: &TestNoticeWebhook) -> Result<Attempt> {
        self.transport.fetch(&Call::post(&[&"v1", &"notices", &webhook, &"test"]).json(test)?).await
    }

    /// Deletes a URL; what waits for it is cancelled.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn delete(&self, webhook: WebhookId) -> Result<()> {
        self.transport.send(&Call::delete(&[&"v1", &"notices", &webhook])).await.map(|_| ())
    }
}
