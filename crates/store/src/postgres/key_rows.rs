//! The rows of keys.

use cstar_types::{Key, KeyId, Pattern, Patterns, Scope, Scopes};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::columns::{LAST_ID, at, key_id, maybe_at, millis, team_id, written};
use super::fault::Fault;
use super::tx::Tx;
use crate::KeyDigest;
use crate::stored::text::{read_list, scope_list};

/// Of keys whose team was not deleted.
const SELECT: &str =
    "SELECT k.id, k.digest, k.name, k.scopes, k.types, k.maker, k.created_ms, k.expires_ms, k.revoked_ms,
    k.last_used_ms, t.id AS team_id FROM keys k JOIN teams t ON t.number = k.team AND t.state = 0";

/// A row of [`SELECT`].
fn read(row: &Row) -> Result<(Key, KeyDigest), Fault> {
    let id = key_id(row, "id");
    let damaged = || Fault::damaged("keys", id);
    let maker: Option<Uuid> = row.get("maker");
    let key = Key {
        id,
        team: team_id(row, "team_id"),
        name: written(row, "name").ok_or_else(damaged)?,
        scopes: read_list::<Scope, Scopes>(row.get("scopes")).ok_or_else(damaged)?,
        types: read_list::<Pattern, Patterns>(row.get("types")).ok_or_else(damaged)?,
        maker: maker.map(|maker| KeyId::from_bits(maker.as_u128())),
        created_at: at(row, "created_ms"),
        expires_at: maybe_at(row, "expires_ms"),
        revoked_at: maybe_at(row, "revoked_ms"),
        last_used_at: maybe_at(row, "last_used_ms"),
    };
    let digest = row.get::<_, &[u8]>("digest").try_into().map_err(|_| damaged())?;
    Ok((key, digest))
}

impl Tx {
    /// A key whose team was not deleted.
    pub(super) async fn key(&self, key: KeyId) -> Result<Option<(Key, KeyDigest)>, Fault> {
        let sql = format!("{SELECT} WHERE k.id = $1");
        self.row(&sql, &[(&uuid(key), Type::UUID)]).await?.as_ref().map(read).transpose()
    }

    /// The keys of a team that die with this one.
    pub(super) async fn keys_made_with(&self, team: i64, key: KeyId) -> Result<Vec<Key>, Fault> {
        let sql = format!("{SELECT} WHERE k.team = $1 AND k.maker = $2 ORDER BY k.id");
        let rows = self.rows(&sql, &[(&team, Type::INT8), (&uuid(key), Type::UUID)]).await?;
        rows.iter().map(|row| Ok(read(row)?.0)).collect()
    }

    /// Keys of a team with a smaller id, newest first.
    pub(super) async fn keys_before(
        &self,
        team: i64,
        from: Option<KeyId>,
        limit: usize,
    ) -> Result<Vec<Key>, Fault> {
        let sql = format!("{SELECT} WHERE k.team = $1 AND k.id < $2 ORDER BY k.id DESC LIMIT $3");
        let from = from.map_or(LAST_ID, uuid);
        let bounds = [(&team as _, Type::INT8), (&from as _, Type::UUID), (&(limit as i64) as _, Type::INT8)];
        self.rows(&sql, &bounds).await?.iter().map(|row| Ok(read(row)?.0)).collect()
    }

    /// Writes a new row.
    pub(super) async fn insert_key(&self, team: i64, key: &Key, digest: &KeyDigest) -> Result<(), Fault> {
        self.run(
            "INSERT INTO keys (team, id, digest, name, scopes, types, maker, created_ms, expires_ms, revoked_ms, last_used_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            &[
                (&team, Type::INT8),
                (&uuid(key.id), Type::UUID),
                (&&digest[..], Type::BYTEA),
                (&key.name.as_bytes(), Type::BYTEA),
                (&scope_list(key.scopes), Type::TEXT),
                (&key.types.to_string(), Type::TEXT),
                (&key.maker.map(uuid), Type::UUID),
                (&key.created_at.as_millis(), Type::INT8),
                (&millis(key.expires_at), Type::INT8),
                (&millis(key.revoked_at), Type::INT8),
                (&millis(key.last_used_at), Type::INT8),
            ],
        )
        .await
        .map(drop)
    }
}

pub(super) fn uuid(key: KeyId) -> Uuid {
    Uuid::from_u128(key.bits())
}
