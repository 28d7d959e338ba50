//! What whoever makes attempts keeps from one to the next.

use super::connection::Connection;
use super::deadline::Deadline;
use super::pool::Key;

/// A timer, and the connection of the attempt before: a busy lane goes on over it, and asks nobody else for one. When the
/// last attempt is made it goes to the pool ([`super::Sender::let_go`]).
pub(crate) struct Hand {
    pub(super) deadline: Deadline,
    pub(super) held: Option<(Key, Connection)>,
}

impl Hand {
    pub(crate) fn new() -> Self {
        Self { deadline: Deadline::new(), held: None }
    }
}
