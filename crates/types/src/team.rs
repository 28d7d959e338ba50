//! A team: one customer of the application, with a log of its own.

use crate::{TeamId, Timestamp};

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Which team.
    pub id: TeamId,
    /// For people.
    pub name: String,
    /// Counts changes from 1; the `ETag`.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Team {
    /// The owner of the log of notices, which is there from the beginning.
    #[must_use]
    pub fn operator() -> Self {
        Self { id: TeamId::OPERATOR, name: String::new(), version: 1, created_at: Timestamp::default() }
    }
}
