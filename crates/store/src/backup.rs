//! A copy of everything stored, on its way out.

use std::fmt;
use std::io::{self, BufRead, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::StoreError;

/// Far longer than any line of ours: a file that is something else must not be taken into memory.
const LINE_MAX_BYTES: u64 = 4096;
/// What is wrong with a file that is to be read.
pub(crate) const CUT: &str = "it is cut off: take the backup again, or take another one";
pub(crate) const CHANGED: &str = "it is not as it was written: take the backup again, or take another one";

/// What a last line says of all before it: this word, 64 hex characters and a line feed.
pub(crate) const SUM_WORD: &str = "sha256 ";

pub(crate) fn sum_line(sum: Sha256) -> String {
    let hex: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{SUM_WORD}{hex}\n")
}

/// Reads a line, which counts for the sum.
pub(crate) fn line(input: &mut impl BufRead, sum: &mut Sha256) -> io::Result<String> {
    let mut line = Vec::new();
    input.take(LINE_MAX_BYTES).read_until(b'\n', &mut line)?;
    sum.update(&line);
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// What is wrong with a file of this version of cstar's.
pub(crate) fn newer(version: &str) -> String {
    format!("it was made by a newer cstar ({version}): use that version or a later one")
}

/// A consistent copy of everything stored, as the bytes of one file, which come piece by piece. Reading a piece blocks.
/// Dropped, it is given up, and the room that it took is free again.
pub struct Backup {
    bytes: u64,
    pieces: Box<dyn Iterator<Item = io::Result<Bytes>> + Send>,
}

impl Backup {
    /// A copy of so many bytes, in these pieces.
    pub(crate) fn new(bytes: u64, pieces: impl Iterator<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self { bytes, pieces: Box::new(pieces) }
    }

    /// How many bytes there are in all.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Iterator for Backup {
    type Item = io::Result<Bytes>;

    /// After an error nothing more comes: the copy is not whole.
    fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.pieces.next()
    }
}

impl fmt::Debug for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backup").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// The one backup that a store makes at a time.
#[derive(Debug, Default)]
pub(crate) struct Turn(Arc<AtomicBool>);

/// Held for as long as a backup is made or read.
#[derive(Debug)]
pub(crate) struct Taken(Arc<AtomicBool>);

impl Turn {
    /// Takes the turn. `Conflict` while somebody else has it.
    pub(crate) fn take(&self) -> Result<Taken, StoreError> {
        if self.0.swap(true, Ordering::AcqRel) {
            return Err(StoreError::Conflict("another backup is under way; there is one at a time"));
        }
        Ok(Taken(Arc::clone(&self.0)))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
