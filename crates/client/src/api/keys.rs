//! Team keys.

use std::sync::Arc;

use cstar_types::{KeyId, TeamId};
use cstar_wire::{CreateKey, CreatedKey, Key};

use crate::call::Call;
use crate::transport::Transport;
use crate::{Pages, Result};

/// The keys of a team.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    pub(crate) transport: &'a Arc<Transport>,
    pub(crate) team: TeamId,
}

impl Keys<'_> {
    /// Makes a key. The answer alone shows it.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn create(&self, key: &CreateKey) -> Result<CreatedKey> {
        self.transport.fetch(&Call::post(&[&"v1", &"teams", &self.team, &"keys"]).json(key)?).await
    }

    /// Every key, revoked ones too.
    #[must_use]
    pub fn list(&self) -> Pages<Key> {
        Pages::new(self.transport, Call::get(&[&"v1", &"teams", &self.team, &"keys"]))
    }

    /// Revokes a key; its streams close.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn revoke(&self, key: KeyId) -> Result<()> {
        let call = Call::delete(&[&"v1", &"teams", &self.team, &"keys", &key]);
        self.transport.send(&call).await.map(|_| ())
    }
}
