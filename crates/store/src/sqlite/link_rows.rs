//! The rows of links to the settings page.

use cstar_types::{Scope, Scopes, TeamId, Timestamp};
use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::fault::Fault;
use super::look::Look;
use crate::stored::checksum::Checksum;
use crate::stored::text::{read_list, scope_list};
use crate::{LinkDigest, PortalLink};

/// A row of `portal_links`.
#[derive(Debug, Clone)]
pub(super) struct LinkRow {
    pub(super) team_number: i64,
    pub(super) link: PortalLink,
}

/// Of links whose team was not deleted.
const SELECT: &str = "SELECT l.digest, l.team, l.scopes, l.created_ms, l.expires_ms, l.checksum, t.id
    FROM portal_links l JOIN teams t ON t.number = l.team AND t.state = 0";

impl LinkRow {
    fn checksum(&self, scopes: &str) -> i64 {
        Checksum::new()
            .bytes(&self.link.digest)
            .int(self.team_number)
            .text(scopes)
            .int(self.link.created_at.as_millis())
            .int(self.link.expires_at.as_millis())
            .finish()
    }

    /// Reads a row of [`SELECT`].
    fn read(row: &Row<'_>) -> Result<Self, Fault> {
        let digest: LinkDigest = row.get(0)?;
        let damaged = || Fault::damaged("portal_links", format_args!("{:02x?}…", &digest[..4]));
        let scopes: String = row.get(2)?;
        let read = Self {
            team_number: row.get(1)?,
            link: PortalLink {
                digest,
                team: TeamId::from_uuid(Uuid::from_bytes(row.get(6)?)),
                scopes: read_list::<Scope, Scopes>(&scopes).ok_or_else(damaged)?,
                created_at: Timestamp::from_millis(row.get(3)?),
                expires_at: Timestamp::from_millis(row.get(4)?),
            },
        };
        if read.checksum(&scopes) == row.get::<_, i64>(5)? { Ok(read) } else { Err(damaged()) }
    }

    /// Writes the new row.
    pub(super) fn insert(&self, look: Look<'_>) -> Result<(), Fault> {
        let scopes = scope_list(self.link.scopes);
        let mut insert = look.conn.prepare_cached(
            "INSERT INTO portal_links (digest, team, scopes, created_ms, expires_ms, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        insert.execute(params![
            self.link.digest,
            self.team_number,
            scopes,
            self.link.created_at.as_millis(),
            self.link.expires_at.as_millis(),
            self.checksum(&scopes),
        ])?;
        Ok(())
    }
}

impl Look<'_> {
    /// A link whose team was not deleted.
    pub(super) fn link(&self, digest: &LinkDigest) -> Result<Option<LinkRow>, Fault> {
        let mut found = self.conn.prepare_cached(&format!("{SELECT} WHERE l.digest = ?1"))?;
        found.query_row([digest], |row| Ok(LinkRow::read(row))).optional()?.transpose()
    }

    /// The links of a team.
    pub(super) fn links_of(&self, team: i64) -> Result<Vec<LinkRow>, Fault> {
        let mut list = self.conn.prepare_cached(&format!("{SELECT} WHERE l.team = ?1"))?;
        list.query_and_then([team], LinkRow::read)?.collect()
    }
}
