//! Making, using and revoking keys.

use cstar_types::{AuditAction, Key, KeyId, TeamId, Timestamp};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::fault::Fault;
use super::key_rows::uuid;
use super::tx::Tx;
use crate::{Change, KeyDigest, StoreError};

/// Stores a key.
pub(super) async fn create(tx: &mut Tx, key: &Key, digest: &KeyDigest) -> Result<(), Fault> {
    let team = tx.lock(key.team).await?;
    let taken = tx.row("SELECT 1 FROM keys WHERE id = $1", &[(&uuid(key.id), Type::UUID)]).await?;
    if taken.is_some() {
        return Err(StoreError::Conflict("the key's id is taken").into());
    }
    if let Some(maker) = key.maker {
        let maker = tx.key(maker).await?.map(|(maker, _)| maker);
        let alive = maker.filter(|maker| maker.team == key.team && maker.revoked_at.is_none());
        alive.ok_or(StoreError::NotFound)?;
    }
    tx.insert_key(team.number, key, digest).await?;
    tx.record(AuditAction::KeyCreated, Some(key.team), key.id).await
}

/// Revokes a key for good, and those that die with it (SEC-2).
pub(super) async fn revoke(tx: &mut Tx, team: TeamId, key: KeyId, now: Timestamp) -> Result<Key, Fault> {
    let number = tx.lock(team).await?.number;
    let found = tx.key(key).await?.map(|(key, _)| key).filter(|key| key.team == team); // T24
    let mut found = found.ok_or(StoreError::NotFound)?;
    if found.revoked_at.is_some() {
        return Ok(found);
    }
    found.revoked_at = Some(now);
    let made = tx.keys_made_with(number, key).await?;
    let alive = made.into_iter().filter(|made| made.revoked_at.is_none()).map(|made| made.id);
    let dying: Vec<KeyId> = std::iter::once(key).chain(alive).collect();
    let ids: Vec<Uuid> = dying.iter().copied().map(uuid).collect();
    tx.run(
        "UPDATE keys SET revoked_ms = $3 WHERE team = $1 AND id = ANY($2)",
        &[(&number, Type::INT8), (&ids, Type::UUID_ARRAY), (&now.as_millis(), Type::INT8)],
    )
    .await?;
    tx.record(AuditAction::KeyRevoked, Some(team), key).await?;
    tx.effects.told.extend(dying.iter().copied().map(Change::KeyRevoked));
    tx.effects.keys.extend(dying);
    Ok(found)
}

/// Writes down when keys were last used. Losing some is no harm, so nobody waits for the disk.
pub(super) async fn touch(tx: &mut Tx, uses: &[(KeyId, Timestamp)]) -> Result<(), Fault> {
    let ids: Vec<Uuid> = uses.iter().map(|(key, _)| uuid(*key)).collect();
    let at: Vec<i64> = uses.iter().map(|(_, at)| at.as_millis()).collect();
    tx.run("SET LOCAL synchronous_commit = off", &[]).await?;
    // In one order, so that no two wait for each other.
    tx.run(
        "UPDATE keys SET last_used_ms = greatest(last_used_ms, used.at)
         FROM (SELECT id, max(at) AS at FROM unnest($1, $2) AS one (id, at) GROUP BY id) AS used
         WHERE keys.id = used.id AND keys.id IN (SELECT id FROM keys WHERE id = ANY($1) ORDER BY id FOR UPDATE)",
        &[(&ids, Type::UUID_ARRAY), (&at, Type::INT8_ARRAY)],
    )
    .await?;
    tx.effects.keys.extend(uses.iter().map(|(key, _)| *key));
    Ok(())
}
