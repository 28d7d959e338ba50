//! The file of a backup: written from front to end, and read again only if it is whole.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use bytes::Bytes;
use cstar_types::Timestamp;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::copy::Copied;
use crate::backup::{CHANGED, CUT, SUM_WORD, line, newer, sum_line};
use crate::sqlite::fault::Fault;
use crate::sqlite::{meta, schema};
use crate::stored::vault;
use crate::{Backup, StoreError};

/// The first line; the number is that of the file's form.
const FIRST_LINE: &str = "cstar backup 1\n";
const FIRST_WORDS: &str = "cstar backup ";
const LAST_LINE_BYTES: usize = SUM_WORD.len() + 64 + 1;
/// What is wrong with a file that is to be read.
const NO_BACKUP: &str = "this is no backup of cstar's";
/// Read and sent at a time.
const PIECE_BYTES: usize = 256 << 10;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of cstar that made it.
    pub cstar: String,
    /// The format of the data.
    pub format: u32,
    /// The life of the store that it was made of.
    pub epoch: u32,
    /// When it was made; what was stored before is in it.
    pub made_at: Timestamp,
    /// Which master key opens the secrets in it: four bytes of a hash of the key, in hex.
    pub master_key: String,
    /// How large the database in it is.
    pub database_bytes: u64,
}

impl Manifest {
    /// What there is to say of a database.
    pub(super) fn of(conn: &Connection, database_bytes: u64, now: Timestamp) -> Result<Self, Fault> {
        let lacks = |name| Fault::damaged("meta", name);
        let probe = meta::probe(conn)?.ok_or_else(|| lacks(meta::PROBE))?;
        Ok(Self {
            cstar: env!("CARGO_PKG_VERSION").to_owned(),
            format: conn.pragma_query_value(None, "user_version", |row| row.get(0))?,
            epoch: meta::epoch(conn)?.ok_or_else(|| lacks(meta::EPOCH))?,
            made_at: now,
            master_key: vault::key_of(&probe).ok_or_else(|| lacks(meta::PROBE))?,
            database_bytes,
        })
    }

    fn head(&self) -> Bytes {
        let manifest = serde_json::to_string(self).expect("a manifest has no keys but strings");
        format!("{FIRST_LINE}{manifest}\n").into()
    }
}

/// The file, piece by piece. Holds on to `H` for as long as it is read.
pub(super) struct Pieces<H> {
    head: Option<Bytes>,
    database: File,
    left: u64,
    /// `None` once the last line was given, or nothing more can come.
    sum: Option<Sha256>,
    bytes: u64,
    _held: H,
}

impl<H: Send + 'static> Pieces<H> {
    pub(super) fn of(copied: Copied, held: H) -> Self {
        let Copied { file, manifest } = copied;
        let head = manifest.head();
        let bytes = head.len() as u64 + manifest.database_bytes + LAST_LINE_BYTES as u64;
        let (left, sum) = (manifest.database_bytes, Some(Sha256::new()));
        Self { head: Some(head), database: file, left, sum, bytes, _held: held }
    }

    pub(super) fn into_backup(self) -> Backup {
        Backup::new(self.bytes, self)
    }

    fn piece(&mut self) -> io::Result<Bytes> {
        if let Some(head) = self.head.take() {
            return Ok(head);
        }
        let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(self.left).unwrap_or(usize::MAX))];
        self.database.read_exact(&mut piece)?;
        self.left -= piece.len() as u64;
        Ok(piece.into())
    }
}

impl<H: Send + 'static> Iterator for Pieces<H> {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let mut sum = self.sum.take()?;
        if self.head.is_none() && self.left == 0 {
            return Some(Ok(sum_line(sum).into()));
        }
        let piece = self.piece();
        if let Ok(piece) = &piece {
            sum.update(piece);
            self.sum = Some(sum);
        }
        Some(piece)
    }
}

/// Reads the front of a backup: what it says of itself, which is not verified yet.
///
/// # Errors
/// `Unusable` if it is no backup that this version knows; the text says what to do.
pub fn read_manifest(path: &Path) -> Result<Manifest, StoreError> {
    Reading::begin(path).map(|reading| reading.manifest)
}

/// Reads a whole backup, and answers what it is if nothing of it is missing or changed. `told` hears how many of how many
/// bytes were read.
///
/// # Errors
/// `Unusable`; the text says what to do.
pub fn verify(path: &Path, told: &mut dyn FnMut(u64, u64)) -> Result<Manifest, StoreError> {
    Reading::begin(path)?.unpack(&mut io::sink(), told)
}

/// A backup that is being read.
pub(super) struct Reading {
    name: String,
    input: BufReader<File>,
    sum: Sha256,
    pub(super) manifest: Manifest,
}

impl Reading {
    /// Reads the first two lines.
    pub(super) fn begin(path: &Path) -> Result<Self, StoreError> {
        let name = path.display().to_string();
        let refused = |what: &str| StoreError::Unusable(format!("{name}: {what}"));
        let unreadable = |error: io::Error| refused(&error.to_string());
        let mut input = BufReader::with_capacity(PIECE_BYTES, File::open(path).map_err(unreadable)?);
        let mut sum = Sha256::new();
        let first = line(&mut input, &mut sum).map_err(unreadable)?;
        let Some(form) = first.strip_prefix(FIRST_WORDS) else { return Err(refused(NO_BACKUP)) };
        if first != FIRST_LINE {
            return Err(refused(&newer(&format!("form {}", form.trim_end()))));
        }
        let manifest = line(&mut input, &mut sum).map_err(unreadable)?;
        let manifest: Manifest = serde_json::from_str(&manifest).map_err(|_| refused(CHANGED))?;
        if manifest.format > schema::VERSION {
            return Err(refused(&newer(&manifest.cstar)));
        }
        Ok(Self { name, input, sum, manifest })
    }

    /// Writes the database to `out`, and reads to the end.
    pub(super) fn unpack(
        mut self,
        out: &mut impl Write,
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<Manifest, StoreError> {
        let whole = self.manifest.database_bytes;
        let mut piece = vec![0; PIECE_BYTES];
        let mut left = whole;
        while left > 0 {
            let want = PIECE_BYTES.min(usize::try_from(left).unwrap_or(usize::MAX));
            let got =
                self.input.read(&mut piece[..want]).map_err(|error| self.refused(&error.to_string()))?;
            if got == 0 {
                return Err(self.refused(CUT));
            }
            self.sum.update(&piece[..got]);
            let written = out.write_all(&piece[..got]);
            written.map_err(|error| {
                StoreError::Unusable(format!("the data directory takes no more: {error}"))
            })?;
            left -= got as u64;
            told(whole - left, whole);
        }
        self.end()
    }

    fn end(mut self) -> Result<Manifest, StoreError> {
        let mut last = Vec::with_capacity(LAST_LINE_BYTES + 1);
        let most = LAST_LINE_BYTES as u64 + 1;
        let read = self.input.by_ref().take(most).read_to_end(&mut last);
        read.map_err(|error| self.refused(&error.to_string()))?;
        if last.len() < LAST_LINE_BYTES {
            return Err(self.refused(CUT));
        }
        if last == sum_line(self.sum.clone()).as_bytes() {
            Ok(self.manifest)
        } else {
            Err(self.refused(CHANGED))
        }
    }

    fn refused(&self, what: &str) -> StoreError {
        StoreError::Unusable(format!("{}: {what}", self.name))
    }
}
