//! A copy of everything that a server stores.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;

use crate::answer::refused;
use crate::call::Call;
use crate::transport::Transport;
use crate::{Client, Error, Result};

/// The copy is made before the answer begins, so from then on it comes as fast as the network is; a server that is silent
/// for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);

/// A backup on its way. Dropped before its end, it is given up.
#[derive(Debug)]
pub struct Backup {
    transport: Arc<Transport>,
    response: Response,
}

impl Client {
    /// Begins a backup; it needs the platform key. The server makes a copy first, which takes as long as its data is large.
    ///
    /// # Errors
    /// See [`crate::Error`]; `conflict` while another one is under way, `storage_full` if the server has no room for it.
    pub async fn backup(&self) -> Result<Backup> {
        let transport = Arc::clone(self.transport());
        let bearer = transport.bearer(None).await?;
        let sent = transport.request(&Call::post(&[&"v1", &"backup"]), &bearer).send().await;
        let response = sent.map_err(|error| transport.failed(error))?;
        if response.status().is_success() {
            Ok(Backup { transport, response })
        } else {
            Err(refused(response).await)
        }
    }
}

impl Backup {
    /// How many bytes there are in all, if the server said so.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The next piece; `None` at the end, once all that the server announced has come.
    ///
    /// # Errors
    /// See [`crate::Error`]; what came so far is of no use then.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        let piece = tokio::time::timeout(SILENCE, self.response.chunk()).await;
        piece.map_err(|_| Error::Timeout(SILENCE))?.map_err(|error| self.transport.failed(error))
    }
}
