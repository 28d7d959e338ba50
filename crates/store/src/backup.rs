//! A copy of everything stored, on its way out.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::StoreError;

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
