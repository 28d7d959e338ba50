//! The reserve file: room that is kept so that results can be recorded on a full disk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};

/// The reserve file of a data directory.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    /// Whether it is there.
    made: bool,
}

impl Reserve {
    pub(super) fn of(dir: &Path) -> Self {
        let path = dir.join("reserve");
        let made = fs::metadata(&path).is_ok_and(|file| file.len() > 0);
        Self { path, made }
    }

    pub(super) const fn is_made(&self) -> bool {
        self.made
    }

    /// Takes the room; `Unsupported` on a file system that cannot promise any, which will not change.
    pub(super) fn make(&mut self, bytes: u64) -> io::Result<()> {
        let file = File::create(&self.path)?;
        if let Err(error) = fallocate(&file, FallocateFlags::empty(), 0, bytes) {
            drop(file);
            fs::remove_file(&self.path)?;
            return Err(error.into());
        }
        self.made = true;
        Ok(())
    }

    /// Gives the room back to the disk; answers whether there was any.
    pub(super) fn release(&mut self) -> bool {
        std::mem::take(&mut self.made) && fs::remove_file(&self.path).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_real_room_and_gives_it_back_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut reserve = Reserve::of(dir.path());
        assert!(!reserve.is_made() && !reserve.release());
        reserve.make(1 << 20).unwrap();
        assert_eq!(fs::metadata(dir.path().join("reserve")).unwrap().len(), 1 << 20);
        assert!(Reserve::of(dir.path()).is_made(), "it is found again at the next start");
        assert!(reserve.release() && !reserve.release());
        assert!(!dir.path().join("reserve").exists());
    }

    #[test]
    fn a_file_system_without_promises_is_told_from_a_full_disk() {
        use rustix::io::Errno;
        for (errno, never) in [(Errno::OPNOTSUPP, true), (Errno::NOSYS, true), (Errno::NOSPC, false)] {
            assert_eq!(io::Error::from(errno).kind() == io::ErrorKind::Unsupported, never, "{errno}");
        }
    }
}
