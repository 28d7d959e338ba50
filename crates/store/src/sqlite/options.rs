//! How a store is opened.

use std::path::PathBuf;
use std::sync::Arc;

use super::disk::Space;
use super::room::Probe;
use crate::stored::vault::MasterKey;

/// Calls that may wait for the writer: several commits' worth, so that a burst is taken and a stall is told.
const WAITING_CALLS: usize = 4096;
/// And what they may hold: the bound on memory while the disk stalls.
const WAITING_BYTES: usize = 64 << 20;
/// Readings at the same time; more than there are cores gains nothing but waiting for the disk.
const READERS: usize = 4;

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// The data directory; it is made if it does not exist.
    pub dir: PathBuf,
    /// Encrypts webhook secrets (SEC-3). The same one must be given each time.
    pub master_key: MasterKey,
    /// Publishes and changes that may wait for the writer before they are refused.
    pub waiting_calls: usize,
    /// About how many bytes they may hold.
    pub waiting_bytes: usize,
    /// Readings at the same time.
    pub readers: usize,
    /// Asks how full the disk is.
    pub(super) probe: Probe,
}

impl Options {
    /// The usual options for a data directory.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, master_key: MasterKey) -> Self {
        Self {
            dir: dir.into(),
            master_key,
            waiting_calls: WAITING_CALLS,
            waiting_bytes: WAITING_BYTES,
            readers: READERS,
            probe: Arc::new(Space::of),
        }
    }
}
