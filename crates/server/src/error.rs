//! Why a server could not start, or had to stop.

use std::path::Path;

use cstar_store::StoreError;

use crate::settings::SettingsError;
use crate::tasks::TaskFailed;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The data directory cannot be used.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The database that holds the data is not there; the text says what to do.
    #[error("{0}")]
    Unreachable(String),
    /// Something else that was given cannot be used; the text says what to do.
    #[error("{0}")]
    Unusable(String),
}

impl StartError {
    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::Unusable(format!("{}: {error}", path.display()))
    }
}

/// Why a running server stopped by itself, or did not stop well. Nothing acknowledged is lost: start it again.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The store closed itself. Whatever else ended, ended of that.
    #[error(transparent)]
    Store(StoreError),
    /// A task ended.
    #[error(transparent)]
    Task(#[from] TaskFailed),
    /// The platform key that was made at this start cannot be kept; the next start makes another one.
    #[error("the platform key that was shown holds no longer: {0}")]
    PlatformKey(StartError),
}
