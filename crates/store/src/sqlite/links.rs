//! Making links to the settings page, and exchanging them.

use cstar_types::{AuditAction, Key};

use super::fault::Fault;
use super::keys;
use super::link_rows::LinkRow;
use super::tx::Tx;
use crate::{LinkDigest, PortalLink, SessionKey, StoreError};

/// Keeps a link.
pub(super) fn create(tx: &mut Tx<'_>, link: &PortalLink) -> Result<(), Fault> {
    let look = tx.look();
    let team = look.team(link.team)?;
    if look.conn.prepare_cached("SELECT 1 FROM portal_links WHERE digest = ?1")?.exists([link.digest])? {
        return Err(StoreError::Conflict("the link's digest is taken").into());
    }
    LinkRow { team_number: team.number, link: link.clone() }.insert(look)?;
    tx.record(AuditAction::LinkCreated, Some(link.team), link.team)
}

/// Takes a link away for the key of a session.
pub(super) fn exchange(tx: &mut Tx<'_>, link: &LinkDigest, session: &SessionKey) -> Result<Key, Fault> {
    let look = tx.look();
    let found = look.link(link)?.filter(|row| session.now < row.link.expires_at);
    let key = session.of(&found.ok_or(StoreError::NotFound)?.link);
    // First, since it may refuse, and what is refused has written nothing.
    keys::create(tx, &key, &session.digest)?;
    look.conn.prepare_cached("DELETE FROM portal_links WHERE digest = ?1")?.execute([link])?;
    Ok(key)
}
