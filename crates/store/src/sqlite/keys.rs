//! Making, using and revoking keys.

use std::collections::HashMap;

use cstar_types::{AuditAction, Key, KeyId, TeamId, Timestamp};

use super::fault::Fault;
use super::key_rows::KeyRow;
use super::tx::Tx;
use crate::{Change, KeyDigest, StoreError};

/// Stores a key.
pub(super) fn create(tx: &mut Tx<'_>, key: &Key, digest: &KeyDigest) -> Result<(), Fault> {
    let look = tx.look();
    let team = look.team(key.team)?;
    let taken = look
        .conn
        .prepare_cached("SELECT 1 FROM keys WHERE id = ?1")?
        .exists([key.id.bits().to_be_bytes()])?;
    if taken {
        return Err(StoreError::Conflict("the key's id is taken").into());
    }
    if let Some(maker) = key.maker {
        let maker = look.key(maker)?.map(|row| row.key);
        let alive = maker.filter(|maker| maker.team == key.team && maker.revoked_at.is_none());
        alive.ok_or(StoreError::NotFound)?;
    }
    KeyRow { team_number: team.number, key: key.clone(), digest: *digest }.save(look)?;
    tx.record(AuditAction::KeyCreated, Some(key.team), key.id)
}

/// Revokes a key for good, and those that die with it (SEC-2).
pub(super) fn revoke(tx: &mut Tx<'_>, team: TeamId, key: KeyId, now: Timestamp) -> Result<Key, Fault> {
    let look = tx.look();
    let found = look.key(key)?.filter(|row| row.key.team == team); // T24
    let mut row = found.ok_or(StoreError::NotFound)?;
    if row.key.revoked_at.is_none() {
        revoke_row(tx, &mut row, now)?;
        for mut made in look.keys_made_with(key)?.into_iter().filter(|made| made.key.revoked_at.is_none()) {
            revoke_row(tx, &mut made, now)?;
        }
        tx.record(AuditAction::KeyRevoked, Some(team), key)?;
    }
    Ok(row.key)
}

fn revoke_row(tx: &mut Tx<'_>, row: &mut KeyRow, now: Timestamp) -> Result<(), Fault> {
    row.key.revoked_at = Some(now);
    row.save(tx.look())?;
    tx.effects.keys.push(row.key.id);
    tx.effects.told.push(Change::KeyRevoked(row.key.id));
    Ok(())
}

/// Writes down when keys were last used.
pub(super) fn write_uses(tx: &mut Tx<'_>, uses: &HashMap<KeyId, Timestamp>) -> Result<(), Fault> {
    let look = tx.look();
    for (key, at) in uses {
        let Some(mut row) = look.key(*key)? else { continue };
        if row.key.last_used_at < Some(*at) {
            row.key.last_used_at = Some(*at);
            row.save(look)?;
        }
    }
    Ok(())
}
