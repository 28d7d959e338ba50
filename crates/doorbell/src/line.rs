//! A line between nodes.

use async_trait::async_trait;
use cstar_types::TeamId;

use crate::News;

/// Why a line is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It cannot be used as it was given: nobody need try again.
    #[error("{0}")]
    Unusable(String),
    /// The server cannot be reached, or does not let us in. What a URL says is not repeated: it may hold a password (SEC-3).
    #[error("cannot reach {to}: {why}")]
    Unreachable {
        /// Which server.
        to: String,
        /// Its own words.
        why: String,
    },
    /// It was there, and broke.
    #[error("the connection is lost: {0}")]
    Lost(String),
}

/// How lines are made: a new one whenever the last has broken.
#[async_trait]
pub trait Lines: Send + Sync {
    /// Connects.
    ///
    /// # Errors
    /// `Unreachable`, within some seconds.
    async fn connect(&self) -> Result<Box<dyn Line>, LineError>;
}

/// One connection to the other nodes. It promises nothing: what is rung may come late, twice, in another order, or never.
#[async_trait]
pub trait Line: Send {
    /// Whether news of this team are to be heard.
    ///
    /// # Errors
    /// `Lost`.
    async fn attend(&mut self, team: TeamId, wanted: bool) -> Result<(), LineError>;

    /// Tells the other nodes, in one go.
    ///
    /// # Errors
    /// `Lost`, and nobody knows what of it was told.
    async fn ring(&mut self, news: &[News]) -> Result<(), LineError>;

    /// The next that another node tells; perhaps of a team that nobody attends. Safe to drop while it waits.
    ///
    /// # Errors
    /// `Lost`.
    async fn hear(&mut self) -> Result<News, LineError>;
}
