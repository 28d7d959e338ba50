//! A small disk, to be filled.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::{FallocateFlags, fallocate};
use tempfile::TempDir;

/// Keeps it mounted for as long as its standard input is open, so that it does not outlive a test that was killed.
const KEEPER: &str =
    r#"mount -t tmpfs -o "size=$1,mode=755" tmpfs "$0" && echo mounted && { read _; umount --lazy "$0"; }"#;

/// A file system in memory. Dropped, it is unmounted: whoever works on it has to go before.
#[derive(Debug)]
pub struct SmallDisk {
    keeper: Child,
    place: TempDir,
}

impl SmallDisk {
    /// A disk with room for so much; `None` on a machine that lets nobody mount one, which is said.
    ///
    /// # Panics
    /// Without a place for files.
    #[must_use]
    pub fn mount(bytes: u64) -> Option<Self> {
        let place = tempfile::tempdir().expect("a temporary directory");
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER]).arg(place.path()).arg(bytes.to_string());
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut keeper = keeper.spawn().expect("a shell");
        let said = BufReader::new(keeper.stdout.take().expect("it is piped")).lines().next();
        let disk = Self { keeper, place };
        if said.is_none() {
            // Past what the harness keeps of a test that passes.
            let _ = writeln!(io::stderr(), "left out: a small disk for a server has to be mounted by root");
            return None;
        }
        Some(disk)
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Leaves room for so much at most: others write, too.
    ///
    /// # Panics
    /// When it has no room for another file.
    pub fn fill_up_to(&self, free_bytes: u64) {
        let ballast = File::options().append(true).create(true).open(self.ballast()).expect("a file");
        let begins = ballast.metadata().expect("our own file").len();
        loop {
            let length = self.free_bytes().saturating_sub(free_bytes);
            // It takes all or nothing: somebody else may have been faster.
            if length == 0 || fallocate(&ballast, FallocateFlags::empty(), begins, length).is_ok() {
                return;
            }
        }
    }

    /// Takes away what filled it.
    ///
    /// # Panics
    /// When it was not filled.
    pub fn make_room(&self) {
        fs::remove_file(self.ballast()).expect("it was filled");
    }

    fn free_bytes(&self) -> u64 {
        let of = rustix::fs::statvfs(self.path()).expect("it is mounted");
        of.f_bavail.saturating_mul(of.f_frsize)
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
