//! Links to the settings page.

use async_trait::async_trait;
use cstar_types::{AuditAction, Key};

use super::Model;
use crate::{LinkDigest, PortalLink, PortalLinks, SessionKey, StoreError};

#[async_trait]
impl PortalLinks for Model {
    async fn create_link(&self, link: PortalLink) -> Result<(), StoreError> {
        self.change(|state| {
            state.team(link.team)?;
            if state.links.contains_key(&link.digest) {
                return Err(StoreError::Conflict("the link's digest is taken"));
            }
            state.put_on_record(AuditAction::LinkCreated, Some(link.team), link.team);
            state.links.insert(link.digest, link);
            Ok(((), None))
        })
    }

    async fn exchange_link(&self, link: LinkDigest, session: SessionKey) -> Result<Key, StoreError> {
        self.change(|state| {
            let found = state.links.get(&link).filter(|link| session.now < link.expires_at);
            let key = session.of(found.ok_or(StoreError::NotFound)?);
            state.create_key(key.clone(), session.digest)?;
            state.links.remove(&link);
            Ok((key, None))
        })
    }
}
