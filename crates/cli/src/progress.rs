//! How far something long is: a line of a terminal's that is written over and over, and gone at the end.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Often enough to be seen moving.
const SHOWN_EVERY: Duration = Duration::from_millis(100);
/// Back to the beginning of the line, and all of it gone.
const CLEAR: &str = "\r\u{1b}[K";

/// The line. Nothing where stderr is no terminal.
pub(crate) struct Progress {
    what: &'static str,
    is_terminal: bool,
    shown_at: Option<Instant>,
}

impl Progress {
    pub(crate) fn of(what: &'static str) -> Self {
        Self { what, is_terminal: std::io::stderr().is_terminal(), shown_at: None }
    }

    /// So many bytes are done, of so many where that is known.
    pub(crate) fn bytes(&mut self, done: u64, of: Option<u64>) {
        self.show(|what| match of {
            Some(of) => format!("{what} {} of {}", size(done), size(of)),
            None => format!("{what} {}", size(done)),
        });
    }

    /// Takes the line away, for others to be written.
    pub(crate) fn clear(&mut self) {
        if self.shown_at.take().is_some() {
            let _ = write!(std::io::stderr(), "{CLEAR}");
        }
    }

    /// In words.
    pub(crate) fn show(&mut self, line: impl FnOnce(&str) -> String) {
        if !self.is_terminal || self.shown_at.is_some_and(|shown_at| shown_at.elapsed() < SHOWN_EVERY) {
            return;
        }
        self.shown_at = Some(Instant::now());
        let _ = write!(std::io::stderr(), "{CLEAR}{} …", line(self.what));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let mut amount = bytes as f64 / 1000.0;
    let mut unit = 0;
    while amount >= 999.95 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

#[test]
fn sizes_are_read_at_a_glance() {
    for (bytes, shown) in [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (12_345_678_901, "12.3 GB"),
        (u64::MAX, "18446744.1 TB"),
    ] {
        assert_eq!(size(bytes), shown);
    }
}
