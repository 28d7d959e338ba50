//! One process to a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::StoreError;

/// Locked for as long as a process uses the data directory; it stays there, and holds nothing.
pub(super) const FILE: &str = "LOCK";

/// Holds the data directory for this process. The system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| {
            StoreError::Unusable(format!("cannot write to the data directory: {}: {error}", path.display()))
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Unusable(format!(
                "another cstar process uses the data directory {}: stop it, or give this one a directory of its own",
                dir.display()
            ))),
            Err(TryLockError::Error(error)) => Err(StoreError::Unusable(format!(
                "cannot lock {}: {error}; the data directory must be on a file system with locks",
                path.display()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_is_refused_until_the_first_ends() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::take(dir.path()).unwrap();
        let refused = Lock::take(dir.path()).unwrap_err().to_string();
        assert!(refused.contains("another cstar process"), "{refused}");
        drop(first);
        assert!(Lock::take(dir.path()).is_ok());
    }
}
