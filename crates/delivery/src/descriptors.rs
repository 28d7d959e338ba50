//! Running out of descriptors: this side's failure, and never the endpoint's.

use std::io;

/// The system's number for having run out of them, in this process or on this machine: the same on every Unix.
pub(crate) fn ran_out(error: &io::Error) -> Option<i32> {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    error.raw_os_error().filter(|number| cfg!(unix) && matches!(*number, ENFILE | EMFILE))
}
