//! The system's clock as one process sees it, set by a test.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use tempfile::TempDir;

/// libfaketime between a process and its clock. What counts time that has passed (`CLOCK_MONOTONIC`) is left alone.
#[derive(Debug)]
pub struct Clock {
    library: PathBuf,
    place: TempDir,
}

impl Clock {
    /// A clock that is right, where libfaketime is installed; otherwise it is said that something is left out.
    ///
    /// # Panics
    /// Without a place for files.
    #[must_use]
    pub fn found() -> Option<Self> {
        let libraries = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        let mut libraries = libraries.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"));
        let Some(library) = libraries.find(|path| path.exists()) else {
            // Past what the harness keeps of a test that passes.
            let _ =
                writeln!(io::stderr(), "left out: a clock that jumps needs libfaketime (Debian: faketime)");
            return None;
        };
        let clock = Self { library, place: tempfile::tempdir().expect("a temporary directory") };
        clock.be_off_by(0);
        Some(clock)
    }

    /// Sets it, to the seconds by which it is ahead.
    ///
    /// # Panics
    /// When the file that says it cannot be written.
    pub fn be_off_by(&self, seconds: i64) {
        let next = self.place.path().join("next");
        fs::write(&next, format!("{seconds:+}\n")).expect("our own directory");
        // It is read at any moment, so it is there as a whole at any moment.
        fs::rename(next, self.says()).expect("our own directory");
    }

    fn says(&self) -> PathBuf {
        self.place.path().join("off-by")
    }

    /// What a process needs in its environment.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.says().display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }
}
