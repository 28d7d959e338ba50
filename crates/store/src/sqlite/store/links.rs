//! Links to the settings page.

use async_trait::async_trait;
use cstar_types::Key;

use super::{ONE, SqliteStore};
use crate::sqlite::links;
use crate::sqlite::queue::Class;
use crate::sqlite::tx::Tx;
use crate::{LinkDigest, PortalLink, PortalLinks, SessionKey, StoreError};

#[async_trait]
impl PortalLinks for SqliteStore {
    async fn create_link(&self, link: PortalLink) -> Result<(), StoreError> {
        self.change(Class::Change, ONE, move |tx| links::create(tx, &link)).await
    }

    async fn exchange_link(&self, link: LinkDigest, session: SessionKey) -> Result<Key, StoreError> {
        let exchange = move |tx: &mut Tx<'_>| links::exchange(tx, &link, &session);
        self.change(Class::Change, ONE, exchange).await
    }
}
