//! Links to the settings page.

use async_trait::async_trait;
use cstar_types::{AuditAction, Key, Scope, Scopes};
use tokio_postgres::types::Type;

use super::columns::{at, team_id};
use super::fault::Fault;
use super::keys;
use super::store::Postgres;
use super::tx::{Tx, change};
use crate::stored::text::{read_list, scope_list};
use crate::{LinkDigest, PortalLink, PortalLinks, SessionKey, StoreError};

#[async_trait]
impl PortalLinks for Postgres {
    async fn create_link(&self, link: PortalLink) -> Result<(), StoreError> {
        change!(self, [], |tx| create(&mut tx, &link))
    }

    async fn exchange_link(&self, link: LinkDigest, session: SessionKey) -> Result<Key, StoreError> {
        change!(self, [], |tx| exchange(&mut tx, &link, &session))
    }
}

/// Keeps a link.
async fn create(tx: &mut Tx, link: &PortalLink) -> Result<(), Fault> {
    let team = tx.lock(link.team).await?;
    if tx.portal_link(&link.digest).await?.is_some() {
        return Err(StoreError::Conflict("the link's digest is taken").into());
    }
    tx.run(
        "INSERT INTO portal_links (team, digest, scopes, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5)",
        &[
            (&team.number, Type::INT8),
            (&&link.digest[..], Type::BYTEA),
            (&scope_list(link.scopes), Type::TEXT),
            (&link.created_at.as_millis(), Type::INT8),
            (&link.expires_at.as_millis(), Type::INT8),
        ],
    )
    .await?;
    tx.record(AuditAction::LinkCreated, Some(link.team), link.team).await
}

/// Takes a link away for the key of a session.
async fn exchange(tx: &mut Tx, digest: &LinkDigest, session: &SessionKey) -> Result<Key, Fault> {
    let found = tx.portal_link(digest).await?.filter(|link| session.now < link.expires_at);
    let key = session.of(&found.ok_or(StoreError::NotFound)?);
    keys::create(tx, &key, &session.digest).await?;
    // Whoever came at the same time has waited for the team: of all, one takes it away.
    match tx.run("DELETE FROM portal_links WHERE digest = $1", &[(&&digest[..], Type::BYTEA)]).await? {
        0 => Err(StoreError::NotFound.into()),
        _ => Ok(key),
    }
}

impl Tx {
    /// A link whose team was not deleted.
    async fn portal_link(&self, digest: &LinkDigest) -> Result<Option<PortalLink>, Fault> {
        let sql = "SELECT l.scopes, l.created_ms, l.expires_ms, t.id AS team_id FROM portal_links l
                   JOIN teams t ON t.number = l.team AND t.state = 0 WHERE l.digest = $1";
        let Some(row) = self.row(sql, &[(&&digest[..], Type::BYTEA)]).await? else { return Ok(None) };
        let damaged = || Fault::damaged("portal_links", format_args!("{:02x?}…", &digest[..4]));
        Ok(Some(PortalLink {
            digest: *digest,
            team: team_id(&row, "team_id"),
            scopes: read_list::<Scope, Scopes>(row.get("scopes")).ok_or_else(damaged)?,
            created_at: at(&row, "created_ms"),
            expires_at: at(&row, "expires_ms"),
        }))
    }
}
