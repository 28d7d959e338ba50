//! The rows of keys.

use cstar_types::{Key, KeyId, Pattern, Patterns, Scope, Scopes, TeamId, Timestamp};
use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::fault::Fault;
use super::look::Look;
use crate::KeyDigest;
use crate::stored::checksum::Checksum;
use crate::stored::text::{read_list, scope_list};

/// A row of `keys`.
#[derive(Debug, Clone)]
pub(super) struct KeyRow {
    pub(super) team_number: i64,
    pub(super) key: Key,
    pub(super) digest: KeyDigest,
}

/// Of keys whose team was not deleted.
const SELECT: &str = "SELECT k.id, k.team, k.digest, k.name, k.scopes, k.types, k.created_ms, k.expires_ms,
    k.revoked_ms, k.last_used_ms, k.checksum, t.id, k.maker FROM keys k JOIN teams t ON t.number = k.team AND t.state = 0";

/// The texts of a row, as they are stored and summed.
struct Texts {
    scopes: String,
    types: String,
}

impl KeyRow {
    fn texts(&self) -> Texts {
        Texts { scopes: scope_list(self.key.scopes), types: self.key.types.to_string() }
    }

    fn checksum(&self, texts: &Texts) -> i64 {
        let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
        Checksum::new()
            .bits(self.key.id.bits())
            .int(self.team_number)
            .bytes(&self.digest)
            .text(&self.key.name)
            .text(&texts.scopes)
            .text(&texts.types)
            .int(self.key.created_at.as_millis())
            .maybe(millis(self.key.expires_at))
            .maybe(millis(self.key.revoked_at))
            .maybe(millis(self.key.last_used_at))
            .maybe_bytes(
                self.key.maker.map(|maker| maker.bits().to_be_bytes()).as_ref().map(|bytes| &bytes[..]),
            )
            .finish()
    }

    /// Reads a row of [`SELECT`].
    fn read(row: &Row<'_>) -> Result<Self, Fault> {
        let id = KeyId::from_bits(u128::from_be_bytes(row.get(0)?));
        let damaged = || Fault::damaged("keys", id);
        let texts = Texts { scopes: row.get(4)?, types: row.get(5)? };
        let at = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(Timestamp::from_millis));
        let read = Self {
            team_number: row.get(1)?,
            digest: row.get(2)?,
            key: Key {
                id,
                team: TeamId::from_uuid(Uuid::from_bytes(row.get(11)?)),
                name: row.get(3)?,
                scopes: read_list::<Scope, Scopes>(&texts.scopes).ok_or_else(damaged)?,
                types: read_list::<Pattern, Patterns>(&texts.types).ok_or_else(damaged)?,
                maker: row
                    .get::<_, Option<[u8; 16]>>(12)?
                    .map(|bits| KeyId::from_bits(u128::from_be_bytes(bits))),
                created_at: Timestamp::from_millis(row.get(6)?),
                expires_at: at(7)?,
                revoked_at: at(8)?,
                last_used_at: at(9)?,
            },
        };
        if read.checksum(&texts) == row.get::<_, i64>(10)? { Ok(read) } else { Err(damaged()) }
    }
}

impl KeyRow {
    /// Writes the row, new or changed.
    pub(super) fn save(&self, look: Look<'_>) -> Result<(), Fault> {
        let texts = self.texts();
        let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
        let mut save = look.conn.prepare_cached(
            "INSERT INTO keys (id, team, digest, name, scopes, types, created_ms, expires_ms, revoked_ms, last_used_ms, checksum, maker)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (id) DO UPDATE SET revoked_ms = ?9, last_used_ms = ?10, checksum = ?11",
        )?;
        save.execute(params![
            self.key.id.bits().to_be_bytes(),
            self.team_number,
            self.digest,
            self.key.name,
            texts.scopes,
            texts.types,
            self.key.created_at.as_millis(),
            millis(self.key.expires_at),
            millis(self.key.revoked_at),
            millis(self.key.last_used_at),
            self.checksum(&texts),
            self.key.maker.map(|maker| maker.bits().to_be_bytes()),
        ])?;
        Ok(())
    }
}

impl Look<'_> {
    /// A key whose team was not deleted.
    pub(super) fn key(&self, key: KeyId) -> Result<Option<KeyRow>, Fault> {
        let mut found = self.conn.prepare_cached(&format!("{SELECT} WHERE k.id = ?1"))?;
        found.query_row([key.bits().to_be_bytes()], |row| Ok(KeyRow::read(row))).optional()?.transpose()
    }

    /// The keys that die with this one.
    pub(super) fn keys_made_with(&self, key: KeyId) -> Result<Vec<KeyRow>, Fault> {
        let mut list = self.conn.prepare_cached(&format!("{SELECT} WHERE k.maker = ?1 ORDER BY k.id"))?;
        list.query_and_then([key.bits().to_be_bytes()], KeyRow::read)?.collect()
    }

    /// Keys of a team with a smaller id, newest first.
    pub(super) fn keys_before(
        &self,
        team: i64,
        from: Option<KeyId>,
        limit: usize,
    ) -> Result<Vec<KeyRow>, Fault> {
        let from = from.map_or(u128::MAX, |id| id.bits()).to_be_bytes();
        let mut list = self.conn.prepare_cached(&format!(
            "{SELECT} WHERE k.team = ?1 AND k.id < ?2 ORDER BY k.id DESC LIMIT ?3"
        ))?;
        list.query_and_then(params![team, from, limit as i64], KeyRow::read)?.collect()
    }
}
